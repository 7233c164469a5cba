import type { DisconnectReason } from '../../../src/connection/connection';
import type { Link } from '../link';
import { leadsAstray } from './session';
import type { Arrival, Rule, Scene } from './rule';

/**
 * Messages come from the server that commands go to. When commands have left a server because a reply told that it is the wrong one, the
 * connection for messages is made anew as soon as they have found the right one.
 */
export class FailoverRule implements Rule {
  /** links for commands that a reply told are the wrong ones */
  private readonly astray = new Set<Link>();
  /** commands have left such a link, perhaps for that, and have no other yet */
  private mayMove = false;
  /** they have left it for nothing else */
  private mustMove = false;
  /** the link that is being read and may be ready behind that */
  private finding: Link | undefined;

  constructor(private readonly scene: Scene) {}

  arriving(link: Link, { answered }: Arrival): (() => void) | undefined {
    if (link.carriesMessages) return undefined;
    if (link.ready) {
      if (answered.some((wire) => leadsAstray(wire, this.scene.settings))) this.astray.add(link);
      return undefined;
    }
    const { mustMove } = this;
    const carrier = this.scene.carrier();
    const wasReady = carrier?.ready === true;
    if (this.mayMove) this.finding = link;
    link.findsServer = this.mayMove;
    return () => {
      this.finding = undefined;
      link.findsServer = false;
      if (!link.ready) return;
      if (mustMove && wasReady && carrier.open && link.open)
        this.scene.journal.fail(`link ${carrier.index}: kept although commands have left its server`);
      this.mayMove = false;
      this.mustMove = false;
    };
  }

  left(link: Link): void {
    if (link.carriesMessages || !this.astray.has(link)) return;
    this.mayMove = true;
    this.mustMove = link.endedFor.length === 1 && !link.poisoned;
  }

  reasonsToLeave(link: Link): readonly DisconnectReason[] {
    if (!link.carriesMessages || this.finding === undefined) return [];
    this.scene.journal.count('followed to another server');
    return ['server_closed'];
  }
}

import type { Link } from '../link';
import type { WireRequest } from '../wire';
import type { Rule, Scene } from './rule';

/**
 * What a link was sent and has not answered may still lie on the way when the link is left. The link is reset, so that no more of it
 * arrives than must; and where the link was left for its silence, so that it may come late all the same, no write is repeated that
 * would then undo a later one.
 */
export class LateCopyRule implements Rule {
  /** what was owed by links that were left for their silence */
  private readonly silent = new Set<WireRequest>();

  constructor(private readonly scene: Scene) {}

  written(_link: Link, { sent, member = 0 }: WireRequest): void {
    const before = sent?.wires.at(-2);
    if (sent === undefined || before === undefined || member > 0 || !this.silent.has(before)) return;
    this.scene.journal.count('repeated after silence');
    // The user's own policy may want anything.
    if (sent.undoesLaterWrites && sent.retry !== 'always')
      sent.fail('was sent again after silence, and its first copy may undo a later write');
  }

  left(link: Link, reset: boolean): void {
    const { endedFor, requests, answers } = link;
    const owed = requests.slice(answers).filter(({ sent }) => sent !== undefined);
    if (owed.length > 0 && !reset) owed[0]!.sent!.fail(`was sent to link ${link.index}, which is left without a reset`);
    if (endedFor.length !== 1 || endedFor[0] !== 'timeout') return;
    for (const wire of owed) if (wire.group?.mayHaveRun !== false) this.silent.add(wire.group ?? wire);
  }
}

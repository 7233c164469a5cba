import type { DisconnectReason } from '../../../src/connection/connection-state';
import type { Link } from '../link';
import type { WireRequest } from '../wire';
import { LinkLimits } from './link-limits';
import { PerLink, type Arrival, type Rule, type Scene, type Write } from './rule';

/** A link is left when it is silent, full or unready for too long, and not sooner; no write holds more than it may. */
export class LimitRule implements Rule {
  private readonly limits: PerLink<LinkLimits>;

  constructor(private readonly scene: Scene) {
    const { timeline, settings, journal } = scene;
    this.limits = new PerLink((link) => {
      const fail = (violation: string) => journal.fail(`link ${link.index}: ${violation}`);
      return new LinkLimits(link, timeline, settings, fail);
    });
  }

  opened(link: Link): void {
    this.limits.of(link);
  }

  wrote(link: Link, { requests, first }: Write): void {
    const { settings, journal } = this.scene;
    const most = settings.autoPipeline ? settings.pipelineDepth : 1;
    // What gives a script to the server travels with the call that needs it.
    const count = requests.filter(({ words }) => words[0] !== 'SCRIPT').length;
    if (count > most) journal.fail(`link ${link.index}: ${count} requests in one write, not ${most}`);
    if (this.limits.of(link).isFull) journal.fail(`link ${link.index}: written to although its buffer is full`);
    this.limits.of(link).wrote(requests, first);
  }

  filled(link: Link): void {
    this.limits.of(link).filled();
  }

  emptied(link: Link): void {
    this.limits.of(link).emptied();
  }

  come(link: Link): void {
    this.limits.of(link).checkSilence();
  }

  arriving(link: Link, { answered, taken, bringsReplies }: Arrival): undefined {
    const { oldest, peer } = link;
    // What the server says when it takes a channel away looks like the reply, and the reply behind that answers nothing that is owed.
    const isLate = ({ words }: WireRequest) => words[0] === 'SUNSUBSCRIBE' && peer.wasDeprived;
    const looksLikeReply = oldest !== undefined && isLate(oldest);
    for (const [request, channel] of taken) this.limits.of(link).confirmed(request, channel);
    this.limits.of(link).heard(!answered.every(isLate), bringsReplies || looksLikeReply);
  }

  looked(link: Link): void {
    this.limits.of(link).check();
  }

  reasonsToLeave(link: Link): readonly DisconnectReason[] {
    return this.limits.of(link).isOver ? ['timeout'] : [];
  }
}

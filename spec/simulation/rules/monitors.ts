import type { Link } from '../link';
import type { WireRequest } from '../wire';
import type { Rule, Scene } from './rule';

/** A link is asked for the lines of MONITOR once, for a server answers no second MONITOR: its reply would be waited for in vain. */
export class MonitorRule implements Rule {
  constructor(private readonly scene: Scene) {}

  written(link: Link, { words }: WireRequest): void {
    if (words[0] !== 'MONITOR' || !link.requests.some((before) => before.words[0] === 'MONITOR')) return;
    this.scene.journal.fail(`link ${link.index}: MONITOR was written a second time`);
  }
}

import type { Journal } from '../journal';
import type { Timeline } from '../timeline';
import type { Host } from './net';

/** So often within a second a node may be asked for its view, its role and a shard channel, and be dialled. */
const MOST = { views: 11, roles: 42, dials: 40, subscriptions: 20 };

type What = keyof typeof MOST;

/** Watches that nothing is asked, or dialled, without a pause. */
export class Traffic {
  private readonly recent = new Map<string, number[]>();

  constructor(
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {}

  dialled(host: Host): void {
    this.journal.note('dials', host.name);
    this.count('dials', host);
  }

  wrote(host: Host, words: readonly string[]): void {
    this.journal.note('writes', host.name, words.join(' '));
    if (words[0] === 'CLUSTER' && words[1] === 'SLOTS') this.count('views', host);
    if (words[0] === 'SSUBSCRIBE') this.count('subscriptions', host, words.slice(1).join());
    if (words[0] === 'ROLE') this.count('roles', host);
  }

  private count(what: What, host: Host, of = ''): void {
    const now = this.timeline.now();
    const name = `${what} ${host.name} ${of}`;
    const recent = (this.recent.get(name) ?? []).filter((at) => at > now - 1_000);
    recent.push(now);
    this.recent.set(name, recent);
    this.journal.count(what);
    if (recent.length > MOST[what]) this.journal.fail(`${recent.length} ${what} of ${host.name} within a second`);
  }
}

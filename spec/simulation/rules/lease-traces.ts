import type { Link } from '../link';
import { useOf, type Use } from '../use';
import type { WireRequest } from '../wire';
import { PerLink, type Rule, type Scene } from './rule';

/**
 * A lent connection shows its user no trace of the one before: no open MULTI, nothing watched, the database and the name that the
 * client gave it, and no reply that another waited for. It carries one user's commands at a time, and none behind the user's end.
 */
export class LeaseTraceRule implements Rule {
  private readonly uses = new Map<number, Use>();
  private readonly served = new PerLink<number[]>(() => []);

  constructor(private readonly scene: Scene) {}

  useAsked(use: Use): void {
    this.uses.set(use.id, use);
  }

  written(link: Link, { words }: WireRequest): void {
    const id = useOf(words);
    if (id === undefined) return;
    const served = this.served.of(link);
    // What was begun is written to its end.
    const isBegun =
      link.peer.lent?.transaction !== undefined || link.owed.some((request) => request.words[0] === 'MULTI');
    if (this.uses.get(id)?.outcome !== undefined && !isBegun)
      this.fail(link, `${words[0]} of use ${id} was written behind its end`);
    if (served.at(-1) === id) return;
    if (served.includes(id))
      this.fail(link, `${words[0]} of use ${id} was written among those of use ${served.at(-1)}`);
    const owed = link.owed.find((request) => useOf(request.words) !== undefined);
    if (owed !== undefined) this.fail(link, `lent to use ${id} although the reply to ${owed.words[0]} is owed`);
    served.push(id);
  }

  lentTo(link: Link, use: number): void {
    const { database, clientName, lent } = link.peer;
    if (lent === undefined) return;
    this.scene.journal.count(lent.use === undefined ? 'lent for the first time' : 'lent again');
    const traces = [
      lent.transaction !== undefined && 'an open MULTI',
      lent.watched.size > 0 && 'watched keys',
      database !== lent.database && `database ${database}`,
      clientName !== lent.clientName && `the name ${clientName}`,
    ].filter((trace) => trace !== false);
    if (traces.length > 0) this.fail(link, `lent to use ${use} with ${traces.join(' and ')} of use ${lent.use}`);
  }

  private fail({ index }: Link, violation: string): void {
    this.scene.journal.fail(`link ${index}: ${violation}`);
  }
}

import type { Clock } from '../connection/clock';
import type { Kept } from './kept';
import type { LeaseLists, Member } from './lease-lists';
import { alive } from './returned';

/** A connection that was idle for so long is asked whether it lives before it is lent, ms. */
const IDLE_UNCHECKED = 1_000;

/** What a pool does with connections that were idle. */
export interface IdleIn {
  /** it lives, and may be lent */
  prepared(member: Member): void;
  /** it does not */
  discard(member: Member): void;
  drop(member: Member): void;
}

/** Chooses among the connections that are idle, and asks those whether they live that have been idle for a while. */
export class Idle {
  constructor(
    private readonly clock: Clock,
    private readonly lists: LeaseLists,
    private readonly kept: Kept,
    private readonly pool: IdleIn,
  ) {}

  /** The connection that has been idle for the shortest time, if that needs no check. */
  freshest(): Member | undefined {
    for (;;) {
      const { newest } = this.lists.idle;
      if (newest === undefined) return undefined;
      const { item: member, since } = newest;
      if (!member.connection.session.isOutdated) return this.clock.now() - since < IDLE_UNCHECKED ? member : undefined;
      this.pool.drop(member);
      this.kept.restore();
    }
  }

  /** Asks a connection that was idle whether it lives. What has been idle for longer is as doubtful when it does not. */
  check(member: Member, since: number): void {
    this.lists.move(member, 'preparing');
    member.connection.wake();
    member.asked = alive(member.connection).subscribe({
      complete: () => this.pool.prepared(member),
      error: () => {
        this.dropIdleSince(since);
        this.pool.discard(member);
      },
    });
  }

  private dropIdleSince(since: number): void {
    const { idle } = this.lists;
    for (let { oldest } = idle; oldest !== undefined && oldest.since <= since; { oldest } = idle)
      this.pool.drop(oldest.item);
  }
}

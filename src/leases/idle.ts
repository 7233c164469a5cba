import { Subscription } from 'rxjs';
import { inBackground, type Clock } from '../connection/clock';
import type { Kept } from './kept';
import type { LeaseLists, Member } from './lease-lists';
import { alive } from './returned';

/** A connection that was idle for so long is asked whether it lives before it is lent, ms. */
const IDLE_UNCHECKED = 1_000;
/** A connection that has not answered for so long is silent, ms. */
const SILENT_AFTER = 1_000;
/** A server that answers on one connection answers within so long on another, ms. */
const MOMENT = 100;

/** What a pool does with connections that were idle. */
export interface IdleIn {
  /** it lives, and may be lent */
  prepared(member: Member): void;
  /** it does not live */
  discard(member: Member): void;
  drop(member: Member): void;
  /** a connection is silent, so one more may be made */
  silent(): void;
}

/**
 * Chooses among the connections that are idle, and asks those whether they live that have been idle for a while. Where one is silent, one more
 * is made. If that is ready first, the silent ones are dead; if they answer first, the server was slow, and nothing is closed.
 */
//  idle ──asked──▶ answered: may be lent
//                    ▲ └──a second──▶ silent ──another is ready──▶ closed, with all that were idle for longer
//                    └──────────────────┘ └──ten seconds──▶ closed
export class Idle {
  /** The connections that are silent, and since when they were idle, on the clock, ms. */
  private readonly silent = new Map<Member, number>();

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

  get oneSilent(): Member | undefined {
    for (const [member] of this.silent) return member;
    return undefined;
  }

  /**
   * Asks a connection that was idle whether it lives.
   * @param since it was idle since then, on the clock, ms
   */
  check(member: Member, since: number): void {
    const { clock, pool } = this;
    this.lists.move(member, 'preparing');
    member.connection.wake();
    const asked = (member.asked = new Subscription());
    asked.add(() => this.silent.delete(member));
    const patience = clock.schedule(() => {
      this.silent.set(member, since);
      pool.silent();
    }, SILENT_AFTER);
    asked.add(patience);
    const answer = alive(member.connection).subscribe({
      complete: () => {
        asked.unsubscribe();
        pool.prepared(member);
      },
      error: () => pool.discard(member),
    });
    asked.add(answer);
  }

  /** A dialled connection is ready. Connections that are still silent a moment later are dead. */
  dialled(): void {
    const silent = [...this.silent];
    if (silent.length === 0) return;
    const over = this.clock.schedule(() => {
      for (const [member, since] of silent) {
        if (!this.silent.has(member)) continue;
        this.dropIdleSince(since);
        this.pool.discard(member);
      }
    }, MOMENT);
    inBackground(over);
  }

  /** Closes the connections that were idle for longer than a silent one: they are as likely to be dead. */
  private dropIdleSince(since: number): void {
    const { idle } = this.lists;
    for (let { oldest } = idle; oldest !== undefined && oldest.since <= since; { oldest } = idle)
      this.pool.drop(oldest.item);
  }
}

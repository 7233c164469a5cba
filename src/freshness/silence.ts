import { Subscription } from 'rxjs';
import { call } from '../commands/call';
import { inBackground } from '../connection/clock';
import type { Connection } from '../connection/connection';

/**
 * Bounds how long a dead connection goes unnoticed while something is kept of it: a server that was silent for half of the time is asked by
 * PING, and one that was for all of it counts as gone.
 */
//  heard ──half of the time──▶ PING ──the rest of it──▶ silent
//    ▲────────any byte───────────┘
export class Silence {
  private timer = Subscription.EMPTY;
  /** When the server had been heard last, when it was asked. */
  private askedAt = -1;

  /**
   * @param limit ms; Infinity for none
   * @param isNeeded whether something is kept
   */
  constructor(
    private readonly connection: Connection,
    private readonly limit: number,
    private readonly isNeeded: () => boolean,
    private readonly silent: () => void,
  ) {}

  /** Something is kept from now on. */
  watch(): void {
    if (this.limit !== Infinity && this.timer.closed) this.lookIn(this.limit / 2);
  }

  stop(): void {
    this.timer.unsubscribe();
  }

  private look(): void {
    const { connection, limit } = this;
    const { link } = connection.line;
    this.timer.unsubscribe();
    if (link === undefined || !this.isNeeded()) return;
    const now = connection.clock.now();
    const { heardAt } = link;
    const silentFor = now - heardAt;
    if (silentFor >= limit) {
      this.silent();
      return;
    }
    if (silentFor >= limit / 2 && this.askedAt !== heardAt) {
      this.askedAt = heardAt;
      // What becomes of it is seen by whether anything is heard.
      connection.line.sendAhead(call('PING')).subscribe({ error: () => undefined });
    }
    const next = this.askedAt === heardAt ? limit : limit / 2;
    this.lookIn(Math.max(1, heardAt + next - now));
  }

  private lookIn(delay: number): void {
    this.timer = inBackground(this.connection.clock.schedule(() => this.look(), Math.ceil(delay)));
  }
}

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
  /** When the server has had its time to answer. */
  private answerDue = 0;

  /**
   * @param limit ms; Infinity for none
   * @param isNeeded whether something is kept
   * @param silent the server may be gone; `isSure`: it was asked, and has had the time to answer
   */
  constructor(
    private readonly connection: Connection,
    private readonly limit: () => number,
    private readonly isNeeded: () => boolean,
    private readonly silent: (isSure: boolean) => void,
  ) {
    connection.state$.subscribe(({ kind }) => kind === 'ready' && isNeeded() && this.watch());
  }

  /** Something is kept from now on. */
  watch(): void {
    if (!this.timer.closed) return;
    const { line, clock } = this.connection;
    const since = line.link?.isOpen === true ? clock.now() - line.link.heardAt : 0;
    this.lookIn(Math.max(0, this.limit() / 2 - since));
  }

  stop(): void {
    this.timer.unsubscribe();
  }

  private look(): void {
    const { connection } = this;
    const { link } = connection.line;
    this.timer.unsubscribe();
    if (link?.isOpen !== true || !this.isNeeded()) return;
    const limit = this.limit();
    const now = connection.clock.now();
    const { heardAt } = link;
    const isSilent = now - heardAt >= limit;
    if (isSilent) this.silent(this.askedAt === heardAt && now >= this.answerDue);
    if (!this.isNeeded()) return;
    if (now - heardAt >= limit / 2 && this.askedAt !== heardAt) {
      this.askedAt = heardAt;
      this.answerDue = now + limit / 2 - 1; // a timer may be early by one
      // What becomes of it is seen by whether anything is heard.
      connection.line.sendAhead(call('PING')).subscribe({ error: () => undefined });
    }
    const next = this.askedAt === heardAt ? limit : limit / 2;
    if (!isSilent) this.lookIn(Math.max(1, heardAt + next - now));
    // It was asked late.
    else this.lookIn(this.answerDue > now ? this.answerDue - now : limit / 2);
  }

  private lookIn(delay: number): void {
    if (delay === Infinity) return;
    this.timer = inBackground(this.connection.clock.schedule(() => this.look(), Math.ceil(delay)));
  }
}

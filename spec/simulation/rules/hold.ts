import type { Sent } from '../sent';

/**
 * What a client does on one connection whose server refuses everything for a while: nothing is sent meanwhile, and those that were
 * refused go first then, in their order.
 */
//  refused ──▶ waiting, the rest behind it ──delay──▶ written again, or settled
export class Hold {
  private until: number | undefined;
  private since = 0;
  private waiting: Sent[] = [];

  get begun(): boolean {
    return this.until !== undefined;
  }

  /**
   * A command was refused, and is sent again after the delay.
   * @param joined others had been refused before it was: the first one decides for all, and may have been sent again already
   */
  begin(sent: Sent, now: number, delay: number, joined: boolean): void {
    // Of those that are refused together nobody can tell which was the first.
    if (this.until === undefined) this.since = now;
    if (!joined) this.until = Math.min(this.until ?? Infinity, now + delay);
    this.waiting.push(sent);
  }

  /** @param now when the command was written, or the first part of it */
  checkWritten(sent: Sent, now: number): void {
    // What was begun before is written to its end.
    const isBegun = sent.isTransaction && now <= this.since;
    if (this.until !== undefined && now < this.until && !isBegun)
      sent.fail(`was written ${this.until - now} ms before the server is to be asked again`);
    this.until = undefined;
    // What was refused once more stands behind what was refused meanwhile.
    const place = this.waiting.indexOf(sent);
    const before = place === -1 ? this.waiting : this.waiting.slice(0, place);
    const passed = before.find((other) => other.outcome === undefined && other.keepsPlaceBefore(sent));
    if (passed !== undefined && !isBegun)
      sent.fail(`was written before ${passed.id}, which had been refused and stood before it`);
    this.waiting = this.waiting.filter((other) => other !== sent && other.outcome === undefined);
  }
}

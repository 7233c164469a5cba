import type { Clock } from './clock';

/** How long one turn of the event loop may read from a socket that always has more; ms. */
const LONGEST = 4;

/**
 * Leaves time for other work between the reads of a socket. The system's loop reads up to 32 full buffers before it turns to anything
 * else, which is a quarter of a million small replies.
 */
export class ReadingTurn {
  /** When this turn has read its first full buffer; undefined where it has read none. */
  private since: number | undefined;

  constructor(private readonly clock: Clock) {}

  /**
   * A full buffer has been read and dealt with, so there is probably more.
   * @param resume reads on, in the next turn
   * @returns whether this turn may go on reading
   */
  hasTimeLeft(resume: () => void): boolean {
    const { clock, since } = this;
    if (since === undefined) {
      this.since = clock.now();
      clock.afterInput(() => (this.since = undefined));
      return true;
    }
    if (clock.now() - since < LONGEST) return true;
    clock.afterInput(resume);
    return false;
  }
}

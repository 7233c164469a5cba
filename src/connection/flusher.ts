import type { Clock } from './clock';

/** From this delay of a tick on, its requests get the lost time back; ms. */
const SHORTEST_DELAY = 1;

/** Writes what one tick brings at the end of the tick. */
//  schedule ──▶ time, first place │ the rest of the tick │ ──▶ late? ──▶ flush
export class Flusher {
  /** The time at which the tick began to bring something, read once. */
  time = 0;
  /** A flush is due at the end of the tick. */
  isScheduled = false;
  /** The place of the first request of the tick. */
  private from = 0;

  /**
   * @param nextPlace the place of the request that comes next
   * @param onLate told how late a tick ended because of user code, ms, and the place of its first request
   */
  constructor(
    private readonly clock: Clock,
    private readonly nextPlace: () => number,
    private readonly onLate: (from: number, late: number) => void,
    private readonly flush: () => void,
  ) {}

  /** Flushes at the end of the tick, whether there is something to write or not. */
  schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.time = this.clock.now();
    this.from = this.nextPlace();
    this.clock.nextTick(this.endTick);
  }

  private readonly endTick = (): void => {
    const late = this.clock.now() - this.time;
    if (late >= SHORTEST_DELAY) this.onLate(this.from, late);
    this.flush();
  };
}

import type { Clock } from './clock';

/** A tick that user code kept for so long has cost its requests time by no fault of the server; ms. */
const SHORTEST_HOLD = 1;

/** Has what one tick brings written at its end. */
//  schedule ──▶ time, first place │ the rest of the tick │ ──▶ late? ──▶ flush
export class Flusher {
  /** The time at which the tick began to bring something, read once. */
  time = 0;
  /** It will be flushed at the end of the tick, unless that has been done before. */
  isScheduled = false;
  /** The place of the first request of the tick. */
  private from = 0;

  /**
   * @param nextPlace the place of the request that comes next
   * @param onLate told of a tick that user code kept for so many ms, and of the place of its first request
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
    if (late >= SHORTEST_HOLD) this.onLate(this.from, late);
    this.flush();
  };
}

import type { Subscription } from 'rxjs';
import { LONGEST_TIMER } from '../option-checks';
import { HELD_UP, inBackground, type Clock } from './clock';

/** More than the system keeps of what has arrived on a socket, bytes. */
const AT_HAND = 16 * 2 ** 20;

/**
 * One timer for any number of deadlines: it goes off at the earliest that was ever announced, then asks for the earliest that is
 * left. A command that is answered in time need not cancel anything.
 */
//  timer ──▶ reads what has arrived, if it is late ──▶ sweep ──▶ timer
export class Sweep {
  private timer: Subscription | undefined;
  private at = Infinity;

  /**
   * @param sweep deals with all that is due by `now` and returns the earliest deadline that is left, Infinity for none
   * @param bytesRead how many bytes have been read so far
   */
  constructor(
    private readonly clock: Clock,
    private readonly sweep: (now: number) => number,
    private readonly bytesRead: () => number,
  ) {}

  /** A deadline was announced that has not been looked at yet. */
  get isWatching(): boolean {
    return this.at !== Infinity;
  }

  // Hot: once per command.
  watch(deadline: number): void {
    if (deadline < this.at) this.arm(deadline);
  }

  /** Nothing is watched for now: the timer does not keep the process alive, and may go off in vain. */
  sleep(): void {
    if (this.timer !== undefined) inBackground(this.timer);
  }

  wake(): void {
    if (this.timer !== undefined) inBackground(this.timer, false);
  }

  stop(): void {
    this.timer?.unsubscribe();
    this.at = Infinity;
  }

  private arm(deadline: number): void {
    this.stop();
    this.at = deadline;
    // A later deadline is looked at again when the timer goes off.
    const delay = Math.min(Math.max(0, deadline - this.clock.now()), LONGEST_TIMER);
    this.timer = this.clock.schedule(() => this.goOff(deadline), delay);
  }

  /** When the event loop was blocked, the input that has arrived meanwhile is read first, in as many turns as that takes. */
  private goOff(deadline: number): void {
    const now = this.clock.now();
    if (now - deadline <= HELD_UP) this.run(now);
    else this.readOn(deadline, this.bytesRead(), this.bytesRead() + AT_HAND);
  }

  private readOn(deadline: number, read: number, end: number): void {
    const asked = this.clock.now();
    this.clock.afterInput(() => {
      if (this.at !== deadline) return; // stopped, or armed anew
      const now = this.bytesRead();
      // What has arrived since then, while user code blocked this turn as well, is not read yet.
      if (now === read || now >= end) this.run(asked);
      else this.readOn(deadline, now, end);
    });
  }

  private run(now: number): void {
    this.at = Infinity;
    this.watch(this.sweep(now));
  }
}

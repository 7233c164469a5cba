import type { Subscription } from 'rxjs';
import type { Clock } from './clock';
import { LONGEST_TIMER } from '../option-checks';

/** A timer that is later than this was kept by user code, and what is due may lie unread in the socket; ms. */
const KEPT = 20;

/**
 * One timer for any number of deadlines: it goes off at the earliest that was ever announced, then asks for the earliest that is
 * left. A command that is answered in time need not cancel anything.
 */
export class Sweep {
  private timer: Subscription | undefined;
  private at = Infinity;

  /** @param sweep deals with all that is due by `now` and returns the earliest deadline that is left, Infinity for none */
  constructor(
    private readonly clock: Clock,
    private readonly sweep: (now: number) => number,
  ) {}

  // Hot: once per command.
  watch(deadline: number): void {
    if (deadline < this.at) this.arm(deadline);
  }

  stop(): void {
    this.timer?.unsubscribe();
    this.at = Infinity;
  }

  private arm(deadline: number): void {
    this.stop();
    this.at = deadline;
    // Later ones are looked at again then.
    const delay = Math.min(Math.max(0, deadline - this.clock.now()), LONGEST_TIMER);
    this.timer = this.clock.schedule(() => this.goOff(deadline), delay);
  }

  /** When the event loop was held up, what has arrived meanwhile is read first: timers come before sockets. */
  private goOff(deadline: number): void {
    if (this.clock.now() - deadline > KEPT) this.timer = this.clock.schedule(() => this.run(), 1);
    else this.run();
  }

  private run(): void {
    this.at = Infinity;
    this.watch(this.sweep(this.clock.now()));
  }
}

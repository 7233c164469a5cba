import type { Subscription } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { LeaseLists, Member } from './lease-lists';

/** A connection that has lasted for less is made anew after so long, where one is to be kept, ms. */
const KEPT_RETRY = 1_000;

/** Keeps so many connections, lent or not: what is missing is dialled. */
//  fewer than are kept ──▶ dial ──▶ as many
//           ▲                          │
//           └──at once, or a second later where it was never ready or not for long── one has ended
export class Kept {
  private count = 0;
  private restoring: Subscription | undefined;
  private hasEnded = false;

  constructor(
    private readonly clock: Clock,
    private readonly lists: LeaseLists,
    private readonly dial: () => void,
  ) {}

  /** Keeps that many from now on. */
  keep(count: number): void {
    if (this.count === count) return;
    this.count = count;
    this.restore();
  }

  /** There are as many connections as are kept. */
  get isMet(): boolean {
    return this.lists.total >= this.count;
  }

  /** There are more. */
  get isExceeded(): boolean {
    return this.lists.total > this.count;
  }

  restore(): void {
    while (!this.hasEnded && this.restoring === undefined && !this.isMet) this.dial();
  }

  /** A connection has ended. One that was never ready, or not for long, has failed for a reason that may last. */
  restoreAfter({ connection, dialedAt }: Member): void {
    if (this.count === 0 || this.hasEnded) return;
    if (connection.wasReady && this.clock.now() - dialedAt >= KEPT_RETRY) this.restore();
    else
      this.restoring ??= this.clock.schedule(() => {
        this.restoring = undefined;
        this.restore();
      }, KEPT_RETRY);
  }

  /** Nothing is kept any more. */
  end(): void {
    this.hasEnded = true;
    this.restoring?.unsubscribe();
  }
}

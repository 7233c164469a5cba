import type { Clock } from '../connection/clock';
import type { ConsumeFailure, ConsumeProgress } from './consume-options';

/** How far a consumer is, told after each change; several changes in one turn of the event loop are told at once. */
export class Tally {
  handled = 0;
  failed = 0;
  claimed = 0;
  dead = 0;
  private lag: number | null = null;
  private failures: ConsumeFailure[] = [];
  private hasNews = false;

  constructor(
    private readonly clock: Clock,
    private readonly told: (progress: ConsumeProgress) => void,
  ) {}

  addFailure(failure: ConsumeFailure): void {
    this.failed++;
    this.failures.push(failure);
    this.tellSoon();
  }

  /** How many entries the group has not yet delivered. */
  set behind(lag: number | null) {
    if (lag === this.lag) return;
    this.lag = lag;
    this.tellSoon();
  }

  tellSoon(): void {
    if (this.hasNews) return;
    this.hasNews = true;
    this.clock.afterInput(() => this.tellNews());
  }

  /** Tells what was not told yet. */
  tellNews(): void {
    if (this.hasNews) this.tell();
  }

  tell(): void {
    this.hasNews = false;
    const { handled, failed, claimed, dead, lag } = this;
    this.told({ handled, failed, claimed, dead, lag, failures: this.failures.splice(0) });
  }
}

import type { SchedulerLike } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import type { Request } from '../commands/request';
import { TimeoutError } from '../errors';
import { Sweep } from './sweep';

/** How long a link may be silent, ms. */
export interface LivenessLimits {
  /** owing replies */
  readonly readTimeout: number;
  /** with a full send buffer */
  readonly writeTimeout: number;
}

/** Notices a link that is dead although nobody says so: a cable pulled, a server halted, a half-open connection. */
export class Liveness {
  private readonly sweep: Sweep;
  private heardAt = 0;
  private owedSince = 0;
  private fullSince: number | undefined;

  /** @param oldest the request whose reply is owed first, if any */
  constructor(
    private readonly clock: SchedulerLike,
    private readonly limits: LivenessLimits,
    private readonly oldest: () => Request | undefined,
    private readonly onDead: (error: TimeoutError) => void,
  ) {
    this.sweep = new Sweep(clock, (now) => this.check(now));
  }

  heard(): void {
    this.heardAt = this.clock.now();
  }

  /** @param first nothing was owed before */
  wrote(first: boolean, accepted: boolean): void {
    const now = this.clock.now();
    if (first) this.owedSince = now;
    this.sweep.watch(now + this.limits.readTimeout);
    if (accepted) return;
    this.fullSince = now;
    this.sweep.watch(now + this.limits.writeTimeout);
  }

  drained(): void {
    this.fullSince = undefined;
  }

  stop(): void {
    this.sweep.stop();
    this.fullSince = undefined;
  }

  private check(now: number): number {
    const { readTimeout, writeTimeout } = this.limits;
    const writeDue = this.fullSince === undefined ? Infinity : this.fullSince + writeTimeout;
    const readDue = this.readDue();
    if (now >= writeDue) this.onDead(new TimeoutError(`The server took no bytes for ${writeTimeout} ms`));
    else if (now >= readDue)
      this.onDead(new TimeoutError(`The server owed replies and was silent for ${readTimeout} ms`));
    else return Math.min(writeDue, readDue, this.isBlocked() ? now + readTimeout : Infinity);
    return Infinity;
  }

  private readDue(): number {
    const oldest = this.oldest();
    if (oldest === undefined) return Infinity;
    const due = Math.max(this.heardAt, this.owedSince) + this.limits.readTimeout;
    if (!this.isBlocked()) return due;
    // It has a right to its wait, and its deadline is behind that.
    return oldest.deadline === 0 ? Infinity : Math.max(due, oldest.deadline);
  }

  /** The oldest waits at the server. Those behind it have no such right, so the link is looked at again before long. */
  private isBlocked(): boolean {
    const oldest = this.oldest();
    return oldest !== undefined && blockingWait(oldest.command) !== undefined;
  }
}

import type { Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import type { Clock } from './clock';

/** Requests that wait for a delay of their own. Held ones were never sent, and may be released before. */
//  park ──▶ timer ──delay──▶ back
//  hold ──▶ timer ──delay, release──▶ back
export class Parked {
  private readonly timers = new Map<Request, Subscription>();
  private readonly held = new Set<Request>();

  /** @param onReturn a request is to be sent */
  constructor(
    private readonly clock: Clock,
    private readonly onReturn: (request: Request) => void,
  ) {}

  get size(): number {
    return this.timers.size;
  }

  /** The held requests. */
  get toRelease(): ReadonlySet<Request> {
    return this.held;
  }

  has(request: Request): boolean {
    return this.timers.has(request);
  }

  [Symbol.iterator](): Iterator<Request> {
    return this.timers.keys();
  }

  /** It comes back after a delay, ms. */
  park(request: Request, delay: number): void {
    this.timers.set(
      request,
      this.clock.schedule(() => this.comeBack(request), delay),
    );
  }

  /** It comes back when it is released, or after so many ms. */
  hold(request: Request, longest: number): void {
    this.held.add(request);
    this.park(request, longest);
  }

  /** A held request comes back now, unless it has come back or is abandoned. */
  release(request: Request): void {
    const timer = this.timers.get(request);
    if (timer === undefined || !this.held.has(request)) return;
    timer.unsubscribe();
    this.comeBack(request);
  }

  private comeBack(request: Request): void {
    this.timers.delete(request);
    this.held.delete(request);
    this.onReturn(request);
  }

  /** Keeps only requests that meet a condition. Returns the held ones that it drops. */
  retain(isKept: (request: Request) => boolean): Request[] {
    const released: Request[] = [];
    for (const [request, timer] of this.timers) {
      if (isKept(request)) continue;
      timer.unsubscribe();
      this.timers.delete(request);
      if (this.held.delete(request)) released.push(request);
    }
    return released;
  }
}

import type { Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import type { Clock } from './clock';
import { Ring } from './ring';

/** Requests that are not on the wire: those that wait for their turn, and those that wait to be repeated. */
//              ┌───── its delay has elapsed ◀── parked ◀── park
//              ▼
//  push ──▶ queue ──shift──▶ the wire
//              ▲   nothing while it is paused
//              └─ resume ◀── returning ◀── bringBack
export class Backlog {
  readonly queue = new Ring<Request>();
  /** Each comes back to the queue by itself. */
  private readonly parked = new Map<Request, Subscription>();
  /** Those of them that were never sent, and wait for something else than a delay. */
  private readonly held = new Set<Request>();
  /** To be sent first, in the order of their places. */
  private returning: Request[] = [];
  /** The server refuses everything, so nothing is sent for a while. */
  private pausing: Subscription | undefined;
  private pausedUntil = -Infinity;
  private elapsed = false;

  /**
   * @param onReturn a parked request is to be sent
   * @param onElapsed the pause has elapsed
   */
  constructor(
    private readonly clock: Clock,
    private readonly onReturn: (request: Request) => void,
    private readonly onElapsed: () => void,
  ) {}

  /** The pause has elapsed; sending has not resumed because replies are still owed. */
  get pauseElapsed(): boolean {
    return this.elapsed;
  }

  /** How many wait for their turn. */
  get queued(): number {
    return this.queue.length + this.held.size;
  }

  /** How many wait for anything. */
  get length(): number {
    return this.queue.length + this.parked.size + this.returning.length;
  }

  // Hot: the next two, once per command.
  push(request: Request): void {
    this.queue.push(request);
  }

  /** The next whose turn it is; none during a pause. */
  shift(): Request | undefined {
    return this.pausing === undefined ? this.queue.shift() : undefined;
  }

  /** What is sent first, now or after the pause. */
  peek(): Request | undefined {
    return this.returning[0] ?? this.queue.peek();
  }

  /** The requests that wait to be repeated; few, for each of them has failed. */
  *toRepeat(): Iterable<Request> {
    yield* this.returning;
    yield* this.parked.keys();
  }

  *[Symbol.iterator](): Iterator<Request> {
    yield* this.returning;
    yield* this.queue;
    yield* this.parked.keys();
  }

  /** It is repeated after a delay, ms; later requests pass it meanwhile. */
  park(request: Request, delay: number): void {
    this.parked.set(
      request,
      this.clock.schedule(() => this.comeBack(request), delay),
    );
  }

  /** It waits for its turn until it is released, for so many ms at the most; others pass it meanwhile. */
  hold(request: Request, longest: number): void {
    this.held.add(request);
    this.park(request, longest);
  }

  /** A request that was held takes its turn now, unless it has taken it or has left. */
  release(request: Request): void {
    const timer = this.parked.get(request);
    if (timer === undefined || !this.held.has(request)) return;
    timer.unsubscribe();
    this.comeBack(request);
  }

  private comeBack(request: Request): void {
    this.parked.delete(request);
    this.held.delete(request);
    this.onReturn(request);
  }

  /** Nothing is sent for so long, ms, or longer where an earlier refusal asks for more. */
  pause(delay: number): void {
    const until = this.clock.now() + delay;
    if (until <= this.pausedUntil) return;
    this.pausing?.unsubscribe();
    this.pausedUntil = until;
    this.elapsed = false; // a request that is refused meanwhile has a pause of its own
    this.pausing = this.clock.schedule(() => {
      this.pausedUntil = -Infinity;
      this.elapsed = true;
      this.onElapsed();
    }, delay);
  }

  /** It is repeated before all others, when sending resumes. */
  bringBack(request: Request): void {
    this.returning.push(request);
  }

  /** What was brought back goes to the head of the queue, and that flows again. */
  resume(): void {
    this.pausing?.unsubscribe();
    this.pausing = undefined;
    this.pausedUntil = -Infinity;
    this.elapsed = false;
    if (this.returning.length === 0) return;
    const first = this.returning.splice(0);
    // What was brought back before may still stand at the head, for the socket was full.
    for (let next = this.queue.peek(); next?.past !== undefined; next = this.queue.peek())
      first.push(this.queue.shift()!);
    first.sort(byPlace);
    this.queue.unshift(first);
  }

  /** Takes out, of the requests that wait to be repeated, those whose time is up. */
  takeDue(now: number): Request[] {
    if (this.returning.length === 0 && this.parked.size === 0) return [];
    return this.takeToRepeat(({ deadline }) => deadline === 0 || deadline > now);
  }

  /** Drops the requests whose observers have left. */
  prune(): void {
    this.take(isAbandoned);
  }

  /**
   * Takes so many requests out of the queue whose time is up: from its head, where they stand unless requests have different limits.
   * @returns how many others had to be looked through
   */
  dropDue(now: number, count: number): number {
    const { queue } = this;
    const isDue = ({ deadline }: Request): boolean => deadline !== 0 && deadline <= now;
    let left = count;
    for (let next = queue.peek(); next !== undefined && (next.abandoned || isDue(next)); next = queue.peek()) {
      queue.shift();
      if (isDue(next)) left--;
    }
    if (left <= 0) return 0;
    queue.retain((request) => !isDue(request));
    return queue.length;
  }

  /** The place of the request that was called so many-th of all that wait; Infinity where there are fewer. The queue may be in another order. */
  placeOf(count: number): number {
    if (this.length < count) return Infinity;
    return [...this].sort(byPlace)[count - 1]!.place;
  }

  /** Takes out all that a condition holds for, in one pass. */
  take(isWanted: (request: Request) => boolean): Request[] {
    const taken: Request[] = [];
    const stays = (request: Request): boolean => {
      if (!isWanted(request)) return true;
      taken.push(request);
      return false;
    };
    if (this.returning.length > 0) this.returning = this.returning.filter(stays);
    this.queue.retain(stays);
    this.keepParked(stays);
    return taken;
  }

  /** Takes out, of the requests that wait to be repeated or are the first to be, those that a condition holds for. */
  takeRepeated(isWanted: (request: Request) => boolean): Request[] {
    const { queue } = this;
    const first: Request[] = [];
    for (let next = queue.peek(); next?.past !== undefined; next = queue.peek()) first.push(queue.shift()!);
    queue.unshift(first.filter((request) => !isWanted(request)));
    return [...this.takeToRepeat((request) => !isWanted(request)), ...first.filter(isWanted)];
  }

  private takeToRepeat(stays: (request: Request) => boolean): Request[] {
    const taken: Request[] = [];
    const noted = (request: Request): boolean => stays(request) || (taken.push(request), false);
    this.returning = this.returning.filter(noted);
    this.keepParked(noted);
    return taken;
  }

  private keepParked(stays: (request: Request) => boolean): void {
    for (const [request, timer] of this.parked) {
      if (stays(request)) continue;
      timer.unsubscribe();
      this.parked.delete(request);
      this.held.delete(request);
    }
  }
}

/** The order of the calls. */
export function byPlace(one: Request, other: Request): number {
  return one.place - other.place;
}

function isAbandoned({ abandoned }: Request): boolean {
  return abandoned;
}

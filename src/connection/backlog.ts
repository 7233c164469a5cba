import { Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import type { Clock } from './clock';
import { Departure, type Departures } from './departures';
import { Parked } from './parked';
import { Repeats } from './repeats';
import { Ring } from './ring';
import type { WriteOrder } from './write-order';

/** Dropping fewer requests whose observers have left is not worth it. */
const FEW = 32;

/** Requests that are not on the wire: those that wait for their turn, and those that wait to be repeated. */
//  bringBack ──▶ returning ──resume──▶ repeats ──shift──▶ ┐
//                                                          ├▶ the wire; nothing while it is paused
//                            push ───▶ queue ────shift──▶ ┘
//  park ──▶ parked ──its delay has elapsed──▶ bringBack, or push where it was only held
export class Backlog {
  readonly queue = new Ring<Request>();
  /** Each comes back to the queue by itself. */
  private readonly parked: Parked;
  /** To be sent first, once sending resumes. */
  private returning: Request[] = [];
  /** To be sent before the queue. */
  readonly repeats = new Repeats();
  /** How many of `queued` are not wanted any more; undefined while nobody has to know. */
  private departures: Departures | undefined;
  /** The server refuses everything, so nothing is sent for a while. */
  private pausing: Subscription | undefined;
  private pausedUntil = -Infinity;
  private elapsed = false;

  /**
   * @param order knows which requests wait to be repeated
   * @param onReturn a parked request is to be sent
   * @param onElapsed the pause has elapsed
   */
  constructor(
    private readonly clock: Clock,
    private readonly order: WriteOrder,
    onReturn: (request: Request) => void,
    private readonly onElapsed: () => void,
  ) {
    this.parked = new Parked(clock, onReturn);
  }

  /** The pause has elapsed; sending has not resumed because replies are still owed. */
  get pauseElapsed(): boolean {
    return this.elapsed;
  }

  /** How many wait for their turn, those included whose observers have left unless they are counted. */
  get queued(): number {
    return this.waiting + this.parked.toRelease.size - (this.departures?.count ?? 0);
  }

  /** How many are written as soon as the link takes them. */
  get waiting(): number {
    return this.repeats.length + this.queue.length;
  }

  /** Whether a request may be queued beside so many others. If so, it is about to be. */
  hasRoomFor(request: Request, most: number): boolean {
    if (this.queued >= most) {
      this.countDepartures();
      if (this.queued >= most) return false;
    }
    this.watch(request);
    return true;
  }

  /** From now on, and as long as nothing is sent, `queued` is right at once when an observer leaves. */
  private countDepartures(): void {
    if (this.departures !== undefined) return;
    this.prune();
    this.departures = { count: 0 };
    for (const request of this.repeats) this.watch(request);
    for (const request of this.queue) this.watch(request);
    for (const request of this.parked.toRelease) this.watch(request);
  }

  /** The queue flows again: it is of no interest any more how many leave. */
  countNoDepartures(): void {
    if (this.departures === undefined) return;
    this.prune();
    this.departures = undefined;
  }

  /** A request is about to be among the queued ones. */
  private watch(request: Request): void {
    const { departures } = this;
    if (departures === undefined) return;
    if (request.abandoned) departures.count++;
    else request.onLeave(new Departure(request, departures));
    // Those that have left are dropped when they are half of all, so that this costs each a constant.
    if (departures.count > FEW && departures.count * 2 > this.waiting) this.prune();
  }

  /** A request is not among the queued ones any more. */
  private unqueued(request: Request): void {
    if (this.departures !== undefined && request.abandoned) this.departures.count--;
  }

  /** How many wait for anything. */
  get length(): number {
    return this.waiting + this.parked.size + this.returning.length;
  }

  // Hot: the next two, once per command.
  push(request: Request): void {
    this.queue.push(request);
  }

  /** The next whose turn it is; none during a pause. */
  shift(): Request | undefined {
    if (this.pausing !== undefined) return undefined;
    if (this.order.isActive) return this.shiftInOrder();
    return this.repeats.length === 0 ? this.queue.shift() : this.repeats.shift();
  }

  /** None, either, while one that is repeated stands at the head and a later write to the same key is on its way. */
  private shiftInOrder(): Request | undefined {
    const { repeats, queue, order } = this;
    for (;;) {
      const from = repeats.length > 0 ? repeats : queue;
      const next = from.peek();
      if (next === undefined || (!next.abandoned && order.mustWait(next))) return undefined;
      from.shift();
      if (next.abandoned) {
        order.leaves(next);
        continue;
      }
      order.wrote(next);
      return next;
    }
  }

  /** What is sent first, now or after the pause. */
  peek(): Request | undefined {
    return this.returning[0] ?? this.repeats.peek() ?? this.queue.peek();
  }

  /** The requests that wait to be repeated and stand in no order; few, for each of them has failed. */
  *toRepeat(): Iterable<Request> {
    yield* this.returning;
    yield* this.repeats.others;
    yield* this.parked;
  }

  *[Symbol.iterator](): Iterator<Request> {
    yield* this.toRepeat();
    yield* this.repeats.inOrder;
    yield* this.queue;
  }

  /** It is repeated after a delay, ms; later requests pass it meanwhile. */
  park(request: Request, delay: number): void {
    this.noteWait(request);
    this.parked.park(request, delay);
  }

  /** It waits for its turn until it is released, for so many ms at the most; others pass it meanwhile. */
  hold(request: Request, longest: number): void {
    this.parked.hold(request, longest);
  }

  /** A request that was held takes its turn now, unless it has taken it or has left. */
  release(request: Request): void {
    this.parked.release(request);
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

  /** Nothing is sent until what is owed is answered. */
  pauseUntilAnswered(): void {
    this.pausing = Subscription.EMPTY;
    this.elapsed = true;
  }

  /** It is repeated before all others, when sending resumes. */
  bringBack(request: Request): void {
    this.noteWait(request);
    this.returning.push(request);
  }

  private noteWait(request: Request): void {
    if (request.past !== undefined) this.order.waits(request);
  }

  /** What was brought back takes its place before the queue, unless that pauses. */
  readmit(): void {
    if (this.returning.length > 0 && this.pausing === undefined) this.resume();
  }

  /** What was brought back goes before the queue, and that flows again. */
  resume(): void {
    this.pausing?.unsubscribe();
    this.pausing = undefined;
    this.pausedUntil = -Infinity;
    this.elapsed = false;
    if (this.returning.length === 0) return;
    // From now on it is among the queued ones.
    for (const request of this.returning.splice(0)) {
      this.repeats.push(request);
      this.watch(request);
    }
  }

  /** Takes out, of the requests that wait to be repeated, those whose time is up. */
  takeDue(now: number): Request[] {
    const isDue = ({ deadline }: Request): boolean => deadline !== 0 && deadline <= now;
    const taken: Request[] = [];
    if (this.repeats.length > 0)
      this.repeats.retain((request) => !isDue(request) || (taken.push(request), this.left(request)));
    return [...taken, ...this.takeOutside((request) => !isDue(request))];
  }

  /** Drops the requests whose observers have left. */
  prune(): void {
    this.takeOut(isAbandoned);
    if (this.departures !== undefined) this.departures.count = 0;
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
      this.order.leaves(next);
      if (next.abandoned) this.unqueued(next);
      else left--;
    }
    if (left === 0) return 0;
    queue.retain((request) => !isDue(request) || this.left(request));
    return queue.length;
  }

  /** Takes out what waits behind the first so many calls, in the order of the calls. Those whose observers have left are dropped. */
  takeBehind(count: number): Request[] {
    const last = count === 0 ? 0 : this.placeOf(count);
    this.departures = undefined; // what is taken may be counted elsewhere
    const taken = this.takeOut(({ abandoned, place }) => abandoned || place > last);
    return taken.filter(({ abandoned }) => !abandoned).sort(byPlace);
  }

  /** The same, of what was never sent: what is to be repeated stays. */
  takeUnsentBehind(count: number): Request[] {
    const unsent = [...this].filter(({ abandoned, past }) => !abandoned && past === undefined).sort(byPlace);
    const last = count === 0 ? 0 : (unsent[count - 1]?.place ?? Infinity);
    this.departures = undefined;
    const taken = this.takeOut(({ abandoned, past, place }) => abandoned || (past === undefined && place > last));
    return taken.filter(({ abandoned }) => !abandoned).sort(byPlace);
  }

  /** The place of the last of the first so many calls that wait; Infinity where there are fewer. The queue may be in another order. */
  private placeOf(count: number): number {
    const waiting = [...this].filter(({ abandoned }) => !abandoned);
    return waiting.sort(byPlace)[count - 1]?.place ?? Infinity;
  }

  /** Takes out all that a condition holds for, in one pass. */
  private takeOut(isWanted: (request: Request) => boolean): Request[] {
    const taken: Request[] = [];
    const stays = (request: Request): boolean => {
      if (!isWanted(request)) return true;
      taken.push(request);
      return this.gone(request);
    };
    if (this.returning.length > 0) this.returning = this.returning.filter(stays);
    if (this.repeats.length > 0) this.repeats.retain(stays);
    this.queue.retain(stays);
    this.keepParked(stays);
    return taken;
  }

  /** Takes out, of the requests that wait to be repeated, those that were called before a place. */
  takeRepeated(place: number): Request[] {
    const taken: Request[] = [];
    for (const request of this.repeats.takeBefore(place)) {
      // What was never sent is not repeated; it came back from a socket that had ended.
      if (request.past === undefined) this.repeats.push(request);
      else taken.push(request);
    }
    for (const request of taken) this.left(request);
    const stays = (request: Request): boolean => request.past === undefined || request.place >= place;
    return [...taken, ...this.takeOutside(stays)];
  }

  private takeOutside(stays: (request: Request) => boolean): Request[] {
    const taken: Request[] = [];
    const noted = (request: Request): boolean => stays(request) || (taken.push(request), this.gone(request));
    if (this.returning.length > 0) this.returning = this.returning.filter(noted);
    this.keepParked(noted);
    return taken;
  }

  /** A request that stood among the queued ones is taken out. */
  private left(request: Request): false {
    this.unqueued(request);
    return this.gone(request);
  }

  /** A request that is taken out waits no more. */
  private gone(request: Request): false {
    this.order.leaves(request);
    return false;
  }

  private keepParked(stays: (request: Request) => boolean): void {
    for (const request of this.parked.retain(stays)) this.unqueued(request);
  }
}

/** The order of the calls. */
function byPlace(one: Request, other: Request): number {
  return one.place - other.place;
}

function isAbandoned({ abandoned }: Request): boolean {
  return abandoned;
}

import { Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import type { Clock } from './clock';
import { Departure, type Departures } from './departures';
import { Parked } from './parked';
import { Repeats } from './repeats';
import { Ring } from './ring';
import type { WriteOrder } from './write-order';

/** Fewer abandoned requests are not worth a pass over the queue. */
const FEW = 32;

/** Requests that are not on the wire: those that wait for their turn, and those that wait to be repeated. */
//  bringBack ──▶ returning ──resume──▶ repeats ──shift──▶ ┐
//                                                          ├▶ the wire; nothing while it is paused
//                            push ───▶ queue ────shift──▶ ┘
//  park ──▶ parked ──its delay has elapsed──▶ bringBack, or push where it was only held
export class Backlog {
  readonly queue = new Ring<Request>();
  /** Requests that wait for a delay of their own. Each comes back to the queue by itself. */
  private readonly parked: Parked;
  /** To be sent first, once sending resumes. */
  private returning: Request[] = [];
  /** To be sent before the queue. */
  readonly repeats = new Repeats();
  /** How many queued requests are abandoned; undefined while they are not counted. */
  private departures: Departures | undefined;
  /** Where so many wait, abandoned requests are dropped. */
  private pruneAt = FEW;
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

  /** How many requests wait for their turn. Abandoned ones are included until they are counted. */
  get queued(): number {
    return this.waiting + this.parked.toRelease.size - (this.departures?.count ?? 0);
  }

  /** How many requests are written as soon as the link takes them. */
  get waiting(): number {
    return this.repeats.length + this.queue.length;
  }

  /** Whether a request may be queued, where at most so many are. If so, the caller queues it next. */
  hasRoomFor(request: Request, most: number): boolean {
    if (this.queued >= most) {
      this.countDepartures();
      if (this.queued >= most) return false;
    }
    this.watch(request);
    return true;
  }

  /** From now on, until the queue flows, `queued` leaves abandoned requests out at once. */
  private countDepartures(): void {
    if (this.departures !== undefined) return;
    this.prune();
    this.departures = { count: 0 };
    for (const request of this.repeats) this.watch(request);
    for (const request of this.queue) this.watch(request);
    for (const request of this.parked.toRelease) this.watch(request);
  }

  /** The queue flows again, so abandoned requests need not be counted. */
  countNoDepartures(): void {
    if (this.departures === undefined) return;
    this.prune();
    this.departures = undefined;
  }

  /** A request is about to be queued: counts it once its observer leaves. */
  private watch(request: Request): void {
    const { departures } = this;
    if (departures === undefined) return;
    if (request.abandoned) departures.count++;
    else request.onLeave(new Departure(request, departures));
    // Abandoned requests are dropped when they are half of all, so dropping costs each a constant.
    if (departures.count > FEW && departures.count * 2 > this.waiting) this.prune();
  }

  /** A request has left the queue. */
  private unqueued(request: Request): void {
    if (this.departures !== undefined && request.abandoned) this.departures.count--;
  }

  /** How many requests there are, whatever they wait for. */
  get length(): number {
    return this.waiting + this.parked.size + this.returning.length;
  }

  // Hot: the next two, once per command.
  push(request: Request): void {
    this.queue.push(request);
  }

  /** Takes the next request; none during a pause. */
  shift(): Request | undefined {
    if (this.pausing !== undefined) return undefined;
    if (this.order.isActive) return this.shiftInOrder();
    return this.repeats.length === 0 ? this.queue.shift() : this.repeats.shift();
  }

  /** Takes the next request; none while a repeated one stands first and a later write to the same key is on its way. */
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

  /** The request that is sent next, now or after the pause. */
  peek(): Request | undefined {
    return this.returning[0] ?? this.repeats.peek() ?? this.queue.peek();
  }

  /** The request that was called first of those that wait, for whatever. The queue is in the order of the calls, but for what was held. */
  oldest(): Request | undefined {
    let oldest: Request | undefined;
    const consider = (request: Request): boolean => {
      if (request.abandoned) return false;
      if (oldest === undefined || request.place < oldest.place) oldest = request;
      return true;
    };
    for (const request of this.toRepeat()) consider(request);
    for (const request of this.repeats.inOrder) if (consider(request)) break;
    for (const request of this.queue) if (consider(request)) break;
    return oldest;
  }

  /** The requests that wait to be repeated, in no order. They are few, because each of them has failed. */
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

  /** Repeats a request after a delay, ms. Later requests pass it meanwhile. */
  park(request: Request, delay: number): void {
    this.noteWait(request);
    this.parked.park(request, delay);
  }

  /** Whether a request waits for a delay of its own. */
  isParked(request: Request): boolean {
    return this.parked.has(request);
  }

  /** Holds a request until it is released, for so many ms at the most. Others pass it meanwhile. */
  hold(request: Request, longest: number): void {
    this.parked.hold(request, longest);
  }

  /** Queues a held request now, unless it was queued already or is abandoned. */
  release(request: Request): void {
    this.parked.release(request);
  }

  /** Sends nothing for so long, ms, or longer where an earlier refusal asks for more. */
  pause(delay: number): void {
    const until = this.clock.now() + delay;
    if (until <= this.pausedUntil) return;
    this.pausing?.unsubscribe();
    this.pausedUntil = until;
    this.elapsed = false; // a request that is refused meanwhile has a pause of its own
    this.pausing = this.clock.schedule(() => this.endPause(), delay);
  }

  /** The pause has elapsed, or is not wanted any more. */
  endPause(): void {
    if (this.pausing === undefined) return;
    this.pausing.unsubscribe();
    this.pausing = Subscription.EMPTY;
    this.pausedUntil = -Infinity;
    this.elapsed = true;
    this.onElapsed();
  }

  /** Sends nothing until all owed replies have come. */
  pauseUntilAnswered(): void {
    this.pausing = Subscription.EMPTY;
    this.elapsed = true;
  }

  /** Repeats a request before all others once sending resumes. */
  bringBack(request: Request): void {
    this.noteWait(request);
    this.returning.push(request);
  }

  private noteWait(request: Request): void {
    if (request.past !== undefined) this.order.waits(request);
  }

  /** Puts requests that were brought back before the queue, except during a pause. */
  readmit(): void {
    if (this.returning.length > 0 && this.pausing === undefined) this.resume();
  }

  /** Puts requests that were brought back before the queue, and ends the pause. */
  resume(): void {
    this.pausing?.unsubscribe();
    this.pausing = undefined;
    this.pausedUntil = -Infinity;
    this.elapsed = false;
    if (this.returning.length === 0) return;
    // From here on these requests are queued.
    for (const request of this.returning.splice(0)) {
      this.repeats.push(request);
      this.watch(request);
    }
  }

  /** Takes out the requests that wait to be repeated and have no time left. */
  takeDue(now: number): Request[] {
    return this.takeRepeats(({ deadline }) => deadline !== 0 && deadline <= now);
  }

  /** Takes out the requests that wait to be repeated and meet a condition. */
  takeRepeats(isWanted: (request: Request) => boolean): Request[] {
    const taken: Request[] = [];
    if (this.repeats.length > 0)
      this.repeats.retain((request) => !isWanted(request) || (taken.push(request), this.left(request)));
    return [...taken, ...this.takeOutside((request) => !isWanted(request))];
  }

  /** While nothing flows: drops abandoned requests once as many have come as there were. So each costs a constant, and holds no memory for long. */
  dropAbandoned(): void {
    if (this.waiting >= this.pruneAt) {
      this.prune();
      this.pruneAt = Infinity;
    }
    this.pruneAt = Math.min(this.pruneAt, 2 * this.waiting + FEW);
  }

  /** Drops the requests whose observers have left. */
  prune(): void {
    this.takeOut(isAbandoned);
    if (this.departures !== undefined) this.departures.count = 0;
  }

  /**
   * Takes so many requests that have no time left out of the queue. They stand at its head, unless requests have different limits.
   * @returns how many other requests were looked at
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

  /** Takes out all but the first so many calls, in the order of the calls. Abandoned requests are dropped. */
  takeBehind(count: number): Request[] {
    const last = count === 0 ? 0 : this.placeOf(count);
    this.departures = undefined; // another line may count the taken requests
    const taken = this.takeOut(({ abandoned, place }) => abandoned || place > last);
    return taken.filter(({ abandoned }) => !abandoned).sort(byPlace);
  }

  /** Takes out the requests that something else wants, in the order of the calls. Abandoned ones are dropped. */
  takeWanted(isWanted: (request: Request) => boolean): Request[] {
    const taken = this.takeOut((request) => request.abandoned || isWanted(request));
    return taken.filter(({ abandoned }) => !abandoned).sort(byPlace);
  }

  /** The same for requests that were never sent. Those that are to be repeated stay. */
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

  /** Takes out all requests that meet a condition, in one pass. */
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

  /** Takes out the requests that wait to be repeated and were called before a place. */
  takeRepeated(place: number): Request[] {
    const taken: Request[] = [];
    for (const request of this.repeats.takeBefore(place)) {
      // A request that was never sent came back from a socket that had ended, and is not repeated.
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

  /** A queued request is taken out. */
  private left(request: Request): false {
    this.unqueued(request);
    return this.gone(request);
  }

  /** A request is taken out, queued or not. */
  private gone(request: Request): false {
    this.order.leaves(request);
    return false;
  }

  private keepParked(stays: (request: Request) => boolean): void {
    for (const request of this.parked.retain(stays)) this.unqueued(request);
  }
}

/** The order of the calls. */
export function byPlace(one: Request, other: Request): number {
  return one.place - other.place;
}

function isAbandoned({ abandoned }: Request): boolean {
  return abandoned;
}

import type { SchedulerLike, Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import { Ring } from './ring';

/** Requests that are not on the wire: those that wait for their turn, and those that wait for another try. */
//              ┌───── its delay is over ◀── parked ◀── park
//              ▼
//  push ──▶ queue ──shift──▶ the wire
//              ▲   nothing while it is held
//              └─ release ◀── returning ◀── bringBack
export class Backlog {
  private readonly queue = new Ring<Request>();
  /** Each comes back to the queue by itself. */
  private readonly parked = new Map<Request, Subscription>();
  /** To be sent first, in their order. */
  private returning: Request[] = [];
  /** Until when nothing is sent, for the server refuses everything. */
  private holding: Subscription | undefined;
  private heldUntil = -Infinity;
  private timeIsOver = false;

  /**
   * @param onReturn what has been parked is to be sent
   * @param onHeld the time is over for which the queue was held
   */
  constructor(
    private readonly clock: SchedulerLike,
    private readonly onReturn: (request: Request) => void,
    private readonly onHeld: () => void,
  ) {}

  /** The time is over for which it was held, and it is not released yet. */
  get releaseDue(): boolean {
    return this.timeIsOver;
  }

  /** How many wait for their turn. */
  get queued(): number {
    return this.queue.length;
  }

  /** How many wait for anything. */
  get length(): number {
    return this.queue.length + this.parked.size + this.returning.length;
  }

  // Hot: the next two, once per command.
  push(request: Request): void {
    this.queue.push(request);
  }

  /** The next whose turn it is; none while the queue is held. */
  shift(): Request | undefined {
    return this.holding === undefined ? this.queue.shift() : undefined;
  }

  /** What is sent first, now or when it is released. */
  peek(): Request | undefined {
    return this.returning[0] ?? this.queue.peek();
  }

  *[Symbol.iterator](): Iterator<Request> {
    yield* this.returning;
    yield* this.queue;
    yield* this.parked.keys();
  }

  /** It is tried again after a delay, ms; others pass it meanwhile. */
  park(request: Request, delay: number): void {
    const comeBack = () => {
      this.parked.delete(request);
      this.onReturn(request);
    };
    this.parked.set(request, this.clock.schedule(comeBack, delay));
  }

  /** Nothing is sent for so long, ms, or longer where somebody else wants that. */
  hold(delay: number): void {
    const until = this.clock.now() + delay;
    if (until <= this.heldUntil) return;
    this.holding?.unsubscribe();
    this.heldUntil = until;
    this.timeIsOver = false; // who is refused meanwhile has its own time
    this.holding = this.clock.schedule(() => {
      this.heldUntil = -Infinity;
      this.timeIsOver = true;
      this.onHeld();
    }, delay);
  }

  /** It is tried again before all others, at the next release. */
  bringBack(request: Request): void {
    this.returning.push(request);
  }

  /** What was brought back goes to the head of the queue, and that flows again. */
  release(): void {
    this.holding?.unsubscribe();
    this.holding = undefined;
    this.heldUntil = -Infinity;
    this.timeIsOver = false;
    const first = this.returning.splice(0);
    // What was released before may still stand at the head, for the socket was full.
    for (let next = this.queue.peek(); next?.past !== undefined; next = this.queue.peek())
      first.push(this.queue.shift()!);
    first.sort(byOrder);
    this.queue.unshift(first);
  }

  // Hot while the queue is full: once for every command that finds it so.
  /** Drops those whose subscribers have left. */
  prune(): void {
    if (this.queue.some(isAbandoned) || this.returning.some(isAbandoned) || this.parked.size > 0)
      this.take(isAbandoned);
  }

  /** Takes out all that a condition holds for. */
  take(isWanted: (request: Request) => boolean): Request[] {
    const taken = [...this].filter(isWanted);
    if (taken.length === 0) return taken;
    const gone = new Set(taken);
    for (const request of this.queue.drain()) if (!gone.has(request)) this.queue.push(request);
    this.returning = this.returning.filter((request) => !gone.has(request));
    for (const request of taken) {
      this.parked.get(request)?.unsubscribe();
      this.parked.delete(request);
    }
    return taken;
  }
}

function byOrder(one: Request, other: Request): number {
  return one.past!.order - other.past!.order;
}

function isAbandoned({ abandoned }: Request): boolean {
  return abandoned;
}

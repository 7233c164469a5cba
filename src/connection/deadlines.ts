import type { Request } from '../commands/request';
import type { RedisError } from '../errors';
import type { Backlog } from './backlog';
import type { Clock } from './clock';
import { deliveryOf, tellFailures, timedOut, withoutStacks, type Failing } from './failures';
import type { Ring } from './ring';
import { Sweep } from './sweep';
import { timeFor } from './time-for';

/** Deadlines closer together than this are dealt with at once; ms. */
const GRAIN = 5;
/** After looking at so many requests the next look is a millisecond later. */
const LOOKED_AT_PER_MS = 2_000;

/**
 * Ends requests whose time is up, by one sweep over all of them. Requests enter a line in the order of their time, so where all have
 * the same limit a sweep looks at those that are due and at one more.
 */
//  in flight: │ dealt with │ ◀─ from here on, as far as a deadline can be near ─▶ │ …
export class Deadlines {
  private readonly sweep: Sweep;
  /** The limits that were given so far, ms: two requests can be out of order by their difference. */
  private shortest = Infinity;
  private longest = 0;
  private readonly queued = { from: 0 };
  private readonly inFlight = { from: 0 };
  private looked = 0;
  /** The requests whose replies are owed on the link of the moment. */
  private owed: Ring<Request> | undefined;

  /**
   * @param lastError why there is no link: the cause of what could not be sent in its time
   * @param onExpired told once the sweep is over
   */
  constructor(
    private readonly clock: Clock,
    private readonly blockingGrace: number,
    private readonly backlog: Backlog,
    private readonly lastError: () => RedisError | undefined,
    private readonly onExpired: () => void,
  ) {
    this.sweep = new Sweep(clock, (now) => this.expire(now));
  }

  // Hot: once per command.
  /** The time of a request begins. */
  start(request: Request, now: number): void {
    const limit = timeFor(request, this.blockingGrace);
    if (limit === Infinity) return;
    request.deadline = Math.ceil(now + limit);
    if (limit < this.shortest) this.shortest = limit;
    if (limit > this.longest) this.longest = limit;
    this.sweep.watch(request.deadline);
  }

  /** A request has more time: the event loop was held up before it was written, or its wait at the server begins only now. */
  extend(request: Request, by: number): void {
    if (request.deadline === 0 || by <= 0) return;
    request.deadline = Math.ceil(request.deadline + by);
    this.longest = Math.max(this.longest, timeFor(request, this.blockingGrace) + by);
  }

  /** A request enters the queue once more, behind others that have more time. */
  enterAgain({ deadline }: Request): void {
    if (deadline === 0) return;
    this.shortest = Math.min(this.shortest, Math.max(0, deadline - this.clock.now()));
    this.sweep.watch(deadline);
  }

  /** The queue has been put in another order. */
  reordered(): void {
    this.queued.from = -Infinity;
  }

  /** Another link owes other requests. */
  linkChanged(owed: Ring<Request> | undefined): void {
    this.owed = owed;
    this.inFlight.from = 0;
  }

  stop(): void {
    this.sweep.stop();
    this.forgetLimits();
  }

  private forgetLimits(): void {
    this.shortest = Infinity;
    this.longest = 0;
  }

  /** Fails what has had its time, and returns when to look again. */
  private expire(now: number): number {
    const { backlog, owed } = this;
    this.looked = 0;
    const due: { request: Request; sent: boolean }[] = [];
    let next = this.scan(backlog.queue, this.queued, now, (request) => due.push({ request, sent: false }));
    const unsent = due.length;
    if (owed !== undefined) {
      next = Math.min(
        next,
        this.scan(owed, this.inFlight, now, (request) => due.push({ request, sent: true })),
      );
    }
    for (const request of backlog.takeDue(now)) due.push({ request, sent: false });
    if (unsent > 0) {
      this.looked += backlog.dropDue(now, unsent);
      this.reordered();
    }
    for (const { deadline } of backlog.toRepeat()) {
      this.looked++;
      if (deadline !== 0 && deadline < next) next = deadline;
    }
    const failing = withoutStacks(() => due.map(({ request, sent }) => this.failing(request, sent)));
    tellFailures(failing, this.clock);
    this.onExpired();
    if (next === Infinity) this.forgetLimits();
    return Math.max(next, now + GRAIN + this.looked / LOOKED_AT_PER_MS);
  }

  private failing(request: Request, sent: boolean): Failing {
    if (sent) return { request, error: timedOut(request, 'unknown') };
    return { request, error: timedOut(request, deliveryOf(request), request.past?.failure ?? this.lastError()) };
  }

  /** Requests keep their places, so that the replies that follow find their commands. */
  private scan(ring: Ring<Request>, place: { from: number }, now: number, onDue: (request: Request) => void): number {
    const outOfOrder = Math.max(0, this.longest - this.shortest);
    const end = ring.passed + ring.length;
    let next = Infinity;
    let done = true;
    let number = Math.max(place.from, ring.passed);
    place.from = number;
    for (; number < end; number++) {
      const request = ring.at(number);
      const { deadline } = request;
      this.looked++;
      if (deadline !== 0 && !request.abandoned) {
        if (deadline <= now) onDue(request);
        else {
          done = false;
          if (deadline < next) next = deadline;
          // What follows entered later, so its deadline is at most so much earlier.
          if (deadline - outOfOrder >= next) break;
        }
      }
      if (done) place.from = number + 1;
    }
    return next;
  }
}

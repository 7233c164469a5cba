import { blockingWait } from '../commands/blocking-wait';
import type { GroupProgress } from '../commands/group';
import type { Request } from '../commands/request';
import type { RedisError } from '../errors';
import type { Backlog } from './backlog';
import type { Clock } from './clock';
import type { Failer } from './failer';
import { deliveryOf, timedOut } from './failures';
import type { Ring } from './ring';
import { Sweep } from './sweep';
import { timeFor } from './time-for';

/** Deadlines closer together than this are dealt with at once; ms. */
const GRAIN = 5;
/** After looking at so many requests the next look is a millisecond later. */
const LOOKED_AT_PER_MS = 2_000;

/** A queue in the order of time, and how far into it everything has been dealt with. */
interface Cursor {
  readonly ring: Ring<Request>;
  from: number;
  moves: number;
}

/** How far the members of a group have come on its link; undefined for all else. */
export type ProgressOf = (request: Request) => GroupProgress | undefined;

/** Why there is no link. */
export interface Obstacle {
  readonly lastError: () => RedisError | undefined;
  /** what is being done about it, for people */
  readonly doing?: () => string | undefined;
}

/** What keeps, on the current link, a request that is written alone until nothing is owed. */
export interface Postponing {
  readonly postponed: Request | undefined;
  dropPostponed(): void;
}

/** The requests whose replies are owed on a link. */
interface Owed extends Cursor {
  readonly progressOf: ProgressOf;
}

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
  private readonly queued: Cursor;
  private readonly repeated: Cursor;
  /** One for the current link, and one for each lost link about which LostLinks is still deciding. */
  private owed: Owed[] = [];
  /** Requests in flight whose time is up, and whose observers may not have been told yet. */
  private readonly expired = new WeakSet<Request>();
  private looked = 0;

  /**
   * @param obstacle why there is no link: the cause of what could not be sent in its time
   * @param onExpired told once the sweep is over
   * @param bytesRead how many bytes the current link has brought
   * @param postponing what keeps a request of the current link until nothing is owed
   */
  constructor(
    private readonly clock: Clock,
    private readonly blockingGrace: number,
    private readonly backlog: Backlog,
    private readonly failer: Failer,
    private readonly obstacle: Obstacle,
    private readonly onExpired: () => void,
    bytesRead: () => number,
    private readonly postponing: () => Postponing | undefined,
  ) {
    this.queued = cursorOf(backlog.queue);
    this.repeated = cursorOf(backlog.repeats.inOrder);
    this.sweep = new Sweep(clock, (now) => this.expire(now), bytesRead);
  }

  // Hot: once per command.
  /** Starts the time of a request. */
  start(request: Request, now: number): void {
    const { command, context } = request;
    const limit = command.spec.plain ? context.commandTimeout : timeFor(request, this.blockingGrace);
    if (limit === Infinity) return;
    request.deadline = Math.ceil(now + limit);
    if (limit < this.shortest) this.shortest = limit;
    if (limit > this.longest) this.longest = limit;
    this.sweep.watch(request.deadline);
  }

  /** A request that may block is written. Its time starts anew: the server counts from when it has the command. */
  wrote(request: Request): void {
    const { command, context, deadline } = request;
    if (deadline === 0 || context.limitsBlocking || blockingWait(command) === undefined) return;
    this.extend(request, this.clock.now() + timeFor(request, this.blockingGrace) - deadline);
  }

  /**
   * Gives the calls from this place on so many ms more: the event loop was blocked before they could be written.
   * @param others how many earlier calls may stand among them
   */
  extendFrom(place: number, by: number, others: number): void {
    const { ring } = this.queued;
    let left = others;
    for (let number = ring.passed + ring.length - 1; number >= ring.passed; number--) {
      const request = ring.at(number);
      if (request.place >= place) this.extend(request, by);
      else if (left-- === 0) break;
    }
  }

  private extend(request: Request, by: number): void {
    if (request.deadline === 0 || by <= 0) return;
    request.deadline = Math.ceil(request.deadline + by);
    this.longest = Math.max(this.longest, timeFor(request, this.blockingGrace) + by);
  }

  /** A request enters the queue again, behind others that have more time. */
  enterAgain({ deadline }: Request): void {
    if (deadline === 0) return;
    const left = Math.max(0, deadline - this.clock.now());
    this.shortest = Math.min(this.shortest, left);
    this.longest = Math.max(this.longest, left); // it may have come from another line
    this.sweep.watch(deadline);
  }

  /** A link owes requests. */
  watch(ring: Ring<Request>, progressOf: ProgressOf): void {
    this.owed.push({ ...cursorOf(ring), progressOf });
  }

  /** The request has had its time: its observer has been told that, or is about to be. */
  hasExpired(request: Request): boolean {
    return this.expired.has(request);
  }

  /** Everything that a lost link owed has failed or is to be repeated. */
  forget(ring: Ring<Request>): void {
    this.owed = this.owed.filter((owed) => owed.ring !== ring);
  }

  /** There are no requests for now. */
  sleep(): void {
    this.sweep.sleep();
  }

  wake(): void {
    this.sweep.wake();
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
    const unsent: Request[] = [];
    let next = this.scan(this.queued, now, unsent);
    if (unsent.length > 0) this.looked += backlog.dropDue(now, unsent.length);
    const dueAgain: Request[] = [];
    next = Math.min(next, this.scan(this.repeated, now, dueAgain));
    for (const request of backlog.toRepeat()) {
      this.looked++;
      const { deadline } = request;
      if (deadline === 0) continue;
      if (deadline <= now) dueAgain.push(request);
      else if (deadline < next) next = deadline;
    }
    if (dueAgain.length > 0) for (const request of backlog.takeDue(now)) unsent.push(request);
    next = Math.min(next, this.expirePostponed(now, unsent));
    for (const request of unsent) request.leaveLine();
    // Nothing that is due can be sent any more: an observer that is told may submit more, which has the queue written.
    for (const cursor of owed) next = Math.min(next, this.expireOwed(cursor, now));
    if (unsent.length > 0) this.failUnsent(unsent);
    this.onExpired();
    // An observer that was told may have submitted more.
    if (next === Infinity && !this.sweep.isWatching) this.forgetLimits();
    return Math.max(next, now + GRAIN + this.looked / LOOKED_AT_PER_MS);
  }

  private expirePostponed(now: number, unsent: Request[]): number {
    const postponing = this.postponing();
    const request = postponing?.postponed;
    if (request === undefined || request.deadline === 0) return Infinity;
    if (request.deadline > now) return request.deadline;
    postponing!.dropPostponed();
    unsent.push(request);
    return Infinity;
  }

  private failUnsent(unsent: readonly Request[]): void {
    const lastError = this.obstacle.lastError();
    const doing = this.obstacle.doing?.();
    this.failer.fail(unsent, (request) =>
      timedOut(request, deliveryOf(request), { cause: request.past?.failure ?? lastError, doing }),
    );
  }

  /** Expired requests keep their place among the owed ones, so that later replies find their requests. */
  private expireOwed(cursor: Owed, now: number): number {
    const due: Request[] = [];
    const next = this.scan(cursor, now, due);
    for (const request of due) this.expired.add(request);
    this.failer.fail(due, (request) => timedOut(request, 'unknown', { progress: cursor.progressOf(request) }));
    return next;
  }

  /**
   * Looks at what may be due, from where all before has been dealt with.
   * @returns the earliest deadline that is left
   */
  private scan(cursor: Cursor, now: number, due: Request[]): number {
    const { ring } = cursor;
    const outOfOrder = Math.max(0, this.longest - this.shortest);
    const end = ring.passed + ring.length;
    let next = Infinity;
    let done = true;
    let number = cursor.moves === ring.moves ? Math.max(cursor.from, ring.passed) : ring.passed;
    cursor.moves = ring.moves;
    cursor.from = number;
    for (; number < end; number++) {
      const request = ring.at(number);
      const { deadline } = request;
      this.looked++;
      if (deadline !== 0 && !request.abandoned) {
        if (deadline <= now) {
          if (!this.expired.has(request)) due.push(request);
        } else {
          done = false;
          if (deadline < next) next = deadline;
          // What follows entered later, so its deadline is at most so much earlier.
          if (deadline - outOfOrder >= next) break;
        }
      }
      if (done) cursor.from = number + 1;
    }
    return next;
  }
}

function cursorOf(ring: Ring<Request>): Cursor {
  return { ring, from: ring.passed, moves: ring.moves };
}

import { Subject, Subscription, of, type Observable } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { deliveryOf, factsOf, failSafely, timedOut } from '../connection/failures';
import { tooLate } from '../connection/refusals';
import { Sweep } from '../connection/sweep';
import { timeFor } from '../connection/time-for';
import { DisconnectedError, TimeoutError, type RedisError } from '../errors';
import type { Lease } from './lease';
import type { LeasePool } from './lease-pool';
import { Mover } from './mover';

/** With so many commands pending on each of the connections that it has, one more is asked for. */
const MANY = 64;
/** A connection that could not be made yet counts as one with so many commands: they would wait on it, while others answer. */
const UNREADY = 2 ** 40;
/** Deadlines closer together than this are dealt with at once, ms. */
const GRAIN = 5;
/** After looking at so many commands the next look is a millisecond later. */
const LOOKED_AT_PER_MS = 2_000;

/** What commands are spread with. */
export interface SpreadParts {
  /** where connections come from */
  readonly pool: () => LeasePool;
  readonly clock: Clock;
  /** what a blocking command may take beyond its own wait, ms */
  readonly blockingGrace: number;
  /** what sends on a connection */
  readonly executorOf: (connection: Connection) => Executor;
}

/** A connection that the commands of many callers share. */
interface Shared {
  readonly lease: Lease;
  readonly executor: Executor;
  /** a command that waits at the server has it for itself */
  readonly isAlone: boolean;
  /** another caller waits for a connection, so nothing more is sent on this one */
  isLeaving: boolean;
  /** it is given back at the end of this turn of the event loop if nothing is pending then */
  isResting: boolean;
}

/**
 * Sends the commands of many callers on the connections of a pool, each on the least busy. It leases connections as other callers do,
 * and gives each back once nothing is pending on it.
 */
//  submit ──▶ the least busy ──▶ its reply ──▶ nothing pending ──▶ given back
//    │ ▲         ▲       └── lost, may be repeated ──┐
//    │ └─────────│───────────────────────────────────┘
//    └ none ─▶ waiting, until a connection is lent
export class Spread implements Executor {
  private readonly shared: Shared[] = [];
  /** commands that wait for a connection; what leaves the line of the pool, where one is to have a connection for itself */
  private readonly waiting = new Map<Mover, Subscription | undefined>();
  /** how many of them wait for a connection that they share */
  private sharing = 0;
  private readonly done$ = new Subject<undefined>();
  private readonly sweep: Sweep;
  /** the place in the line of the pool that all have who wait for a connection that they share */
  private acquiring: Subscription | undefined;
  private hasEnded = false;

  constructor(private readonly parts: SpreadParts) {
    this.sweep = new Sweep(
      parts.clock,
      (now) => this.expire(now),
      () => 0,
    );
  }

  submit(request: Request): void {
    if (this.hasEnded) {
      request.fail(tooLate(request, undefined, 'pool'));
      return;
    }
    let entering: Mover | undefined;
    request.observeBy((observer) => {
      const mover = new Mover(request, observer, this);
      entering = mover;
      return mover;
    });
    this.dispatch(entering!);
  }

  /**
   * Later commands are refused, and none is moved to another connection. Completes once those that were called before have been answered;
   * those that wait at the server, or would, are not waited for, and fail.
   */
  end(): Observable<unknown> {
    this.hasEnded = true;
    const alone = [...this.waiting].filter(([, lent]) => lent !== undefined);
    for (const [mover, lent] of alone) {
      this.forget(mover);
      lent!.unsubscribe();
    }
    for (const [{ request }] of alone) failSafely(request, tooLate(request, undefined, 'pool'));
    this.endIfDone();
    return this.isDone ? of(undefined) : this.done$;
  }

  private get isDone(): boolean {
    return this.waiting.size === 0 && this.shared.every(({ isAlone }) => isAlone);
  }

  private endIfDone(): void {
    if (!this.hasEnded || !this.isDone) return;
    for (const one of [...this.shared]) this.giveBack(one);
    this.done$.complete();
  }

  /** Whether commands that are lost with a connection may go to another. */
  get moves(): boolean {
    return !this.hasEnded;
  }

  /** A command that waits at the server has a connection of its own, so that others do not wait with it. */
  dispatch(mover: Mover): void {
    if (blockingWait(mover.request.command) === undefined) this.place(mover);
    else this.sendAlone(mover);
  }

  /**
   * When the Observer of the command leaves, the connection is given back, and closed because the command still waits on it. Its own
   * time begins when it is sent: until then it waits as a caller of the pool does, unless its user has given blocking ones a limit.
   */
  private sendAlone(mover: Mover): void {
    const { request } = mover;
    let isLent = false;
    const lent = this.parts
      .pool()
      .acquire()
      .subscribe({
        next: (lease) => {
          isLent = true;
          this.forget(mover);
          this.stopIfNoneWaits();
          const one = this.add(lease, true);
          mover.sendBy(one.executor);
          this.follow(one);
        },
        error: (error: RedisError) => {
          isLent = true;
          this.noneLent(mover, error);
        },
      });
    request.onLeave(lent);
    if (isLent) return;
    this.waiting.set(mover, lent);
    this.mayLeave(mover, request.context.limitsBlocking);
  }

  /** Sends a request on the least busy connection, or has it wait for one. */
  private place(mover: Mover): void {
    const others = this.others;
    if (others > 0) this.leave(others);
    this.send(mover);
  }

  /** How many other callers wait for a connection. */
  private get others(): number {
    return this.parts.pool().waiting - (this.acquiring === undefined ? 0 : 1);
  }

  private send(mover: Mover): void {
    let least = this.leastBusy();
    if (least !== undefined && this.needsMore(least)) {
      this.acquire();
      least = this.leastBusy();
    }
    if (least === undefined) this.wait(mover);
    else mover.sendBy(least.executor);
  }

  /** Whether one more connection is wanted, where this one is the least busy. */
  private needsMore(least: Shared): boolean {
    if (this.acquiring !== undefined || this.others > 0) return false;
    const pool = this.parts.pool();
    const { pending } = least.lease.connection.line;
    return pool.hasIdle ? pending > 0 : pending >= MANY && pool.hasRoom;
  }

  private leastBusy(): Shared | undefined {
    let least: Shared | undefined;
    let fewest = Infinity;
    for (const one of this.shared) {
      const { connection } = one.lease;
      if (one.isLeaving || one.isAlone || connection.isMisled) continue;
      const { line, wasReady } = connection;
      const busy = wasReady ? line.pending : line.pending + UNREADY;
      if (busy >= fewest) continue;
      least = one;
      fewest = busy;
    }
    return least;
  }

  private acquire(): void {
    const asked = (this.acquiring = new Subscription());
    const lent = this.parts
      .pool()
      .acquire(true)
      .subscribe({
        next: (lease) => {
          if (asked.closed) lease.giveBack();
          else this.share(lease);
        },
        error: (error: RedisError) => {
          if (!asked.closed) this.notLent(error);
        },
      });
    asked.add(lent);
  }

  private share(lease: Lease): void {
    this.acquiring = undefined;
    const one = this.add(lease, false);
    for (const [mover, lent] of this.waiting) {
      if (lent !== undefined) continue;
      this.forget(mover);
      // Even where other callers wait: it was this one's turn.
      this.send(mover);
    }
    this.stopIfNoneWaits();
    this.follow(one);
  }

  private add(lease: Lease, isAlone: boolean): Shared {
    const executor = this.parts.executorOf(lease.connection);
    const one: Shared = { lease, executor, isAlone, isLeaving: false, isResting: false };
    lease.connection.isShared = true;
    this.shared.push(one);
    return one;
  }

  /** Called when the first commands were sent, because a connection that could not be made has ended already, and fails them. */
  private follow(one: Shared): void {
    const { lease } = one;
    const idle = lease.connection.line.drain.idle$.subscribe(() => this.rest(one));
    const over = () => {
      idle.unsubscribe();
      this.giveBack(one);
    };
    lease.ended$.subscribe({ next: over, error: over });
    this.rest(one);
  }

  /** Nothing is pending on a connection: it is given back, unless its callers go on in the same turn. */
  private rest(one: Shared): void {
    if (one.isResting) return;
    one.isResting = true;
    this.parts.clock.afterInput(() => {
      one.isResting = false;
      if (one.lease.connection.line.pending === 0) this.giveBack(one);
    });
  }

  private leave(others: number): void {
    const leaving = this.shared.reduce((count, { isLeaving }) => count + (isLeaving ? 1 : 0), 0);
    const least = leaving < others ? this.leastBusy() : undefined;
    if (least === undefined) return;
    least.isLeaving = true;
    this.rest(least);
  }

  /** A connection has led to the wrong server: nothing more is sent on those that were made before. */
  private leaveOutdated(): void {
    for (const one of this.shared) if (one.lease.connection.session.isOutdated) one.isLeaving = true;
  }

  private giveBack(one: Shared): void {
    const at = this.shared.indexOf(one);
    if (at < 0) return;
    this.shared.splice(at, 1);
    const { lease } = one;
    if (lease.connection.isMisled) this.leaveOutdated();
    lease.connection.isShared = false;
    lease.giveBack();
    this.endIfDone();
  }

  /** What waits fails as the caller of a lease does. Those that came later than the first of them have time left, and wait on. */
  private notLent(error: RedisError): void {
    this.acquiring = undefined;
    const due = error instanceof TimeoutError ? this.parts.clock.now() : Infinity;
    const failing: Mover[] = [];
    for (const [mover, lent] of this.waiting) if (lent === undefined && mover.lateAt <= due) failing.push(mover);
    for (const mover of failing) this.forget(mover);
    if (this.sharing > 0) this.acquire();
    for (const mover of failing) this.noneLent(mover, error);
  }

  private noneLent(mover: Mover, error: RedisError): void {
    this.forget(mover);
    failSafely(mover.request, withoutLease(mover.request, error));
    this.stopIfNoneWaits();
  }

  /** A timer that is left behind would keep the process alive. */
  private stopIfNoneWaits(): void {
    if (this.waiting.size > 0) return;
    if (this.sweep.isWatching) this.sweep.stop();
    this.endIfDone();
  }

  private wait(mover: Mover): void {
    const { clock, pool } = this.parts;
    mover.lateAt = clock.now() + pool().acquireTimeout;
    this.waiting.set(mover, undefined);
    this.sharing++;
    if (this.acquiring === undefined) this.acquire();
    // A connection that is free is lent at once, and then nothing waits.
    if (this.waiting.has(mover)) this.mayLeave(mover, true);
  }

  /**
   * A command waits until a connection is lent, or its observer leaves, or its time is up.
   * @param isTimed whether its time goes on meanwhile
   */
  private mayLeave(mover: Mover, isTimed: boolean | undefined): void {
    const { request } = mover;
    request.onLeave({ unsubscribe: () => this.left(mover) });
    this.sweep.watch(mover.lateAt);
    if (!isTimed) return;
    if (request.deadline === 0) {
      const limit = timeFor(request, this.parts.blockingGrace);
      if (limit !== Infinity) request.deadline = Math.ceil(this.parts.clock.now() + limit);
    }
    if (request.deadline !== 0) this.sweep.watch(request.deadline);
  }

  private left(mover: Mover): void {
    if (!this.forget(mover)) return;
    this.leaveLine();
    this.stopIfNoneWaits();
  }

  /** @returns whether it has waited */
  private forget(mover: Mover): boolean {
    const lent = this.waiting.get(mover);
    if (!this.waiting.delete(mover)) return false;
    if (lent === undefined) this.sharing--;
    return true;
  }

  /** The last command has gone that waited for a connection to share. */
  private leaveLine(): void {
    if (this.sharing > 0) return;
    this.acquiring?.unsubscribe();
    this.acquiring = undefined;
  }

  /** Fails what has waited for its whole time, and returns when to look again. */
  private expire(now: number): number {
    let next = Infinity;
    const looked = this.waiting.size;
    const due: Mover[] = [];
    for (const [mover, lent] of this.waiting) {
      const deadline = deadlineOf(mover);
      const end = Math.min(deadline, mover.lateAt);
      if (end > now) next = Math.min(next, end);
      else {
        this.forget(mover);
        lent?.unsubscribe();
        due.push(mover);
      }
    }
    this.leaveLine();
    for (const mover of due) {
      const { request } = mover;
      const error =
        deadlineOf(mover) <= now
          ? timedOut(request, deliveryOf(request), { doing: NONE_FREE })
          : withoutLease(request, this.parts.pool().late());
      failSafely(request, error);
    }
    this.endIfDone();
    return Math.max(next, now + GRAIN + looked / LOOKED_AT_PER_MS);
  }
}

/** When the time of a command is up, on the clock, ms; Infinity where it has no limit. */
function deadlineOf({ request: { deadline } }: Mover): number {
  return deadline === 0 ? Infinity : deadline;
}

const NONE_FREE = 'it waited for a connection of the pool, and all are in use';

function withoutLease(request: Request, error: RedisError): RedisError {
  const facts = factsOf(request, undefined, error);
  const message = `${facts.command} was not sent: ${error.message}`;
  return error instanceof DisconnectedError
    ? new DisconnectedError(message, { ...facts, repeatable: false })
    : new TimeoutError(message, facts);
}

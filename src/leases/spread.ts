import { Subject, Subscription, of, type Observable } from 'rxjs';
import { QUEUED } from '../commands/happening';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { failSafely } from '../connection/failures';
import { tooLate } from '../connection/refusals';
import { TimeoutError, type RedisError } from '../errors';
import type { Lease } from './lease';
import type { LeasePool } from './lease-pool';
import { LeastBusy, Shared } from './least-busy';
import { Mover } from './mover';
import { WaitingCommands, withoutLease } from './waiting-commands';

/** With so many commands pending on each of the connections that it has, one more is asked for. */
const MANY = 64;

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

/**
 * Sends the commands of many callers on the connections of a pool, each on the least busy. It leases connections as other callers do,
 * and gives each back once nothing is pending on it.
 */
//  submit ──▶ the least busy ──▶ its reply ──▶ nothing pending ──▶ given back
//    │ ▲         ▲       └── lost, may be repeated ──┐
//    │ └─────────│───────────────────────────────────┘
//    └ none ─▶ waiting, until a connection is lent
export class Spread implements Executor {
  /** All connections that it has. */
  private readonly shared = new Set<Shared>();
  /** Those that commands are sent on. Nothing more is sent on the others, because another caller waits for a connection. */
  private readonly open = new LeastBusy();
  private readonly waiting: WaitingCommands;
  private readonly done$ = new Subject<undefined>();
  /** The place in the line of the pool: one for all commands that wait for a connection. */
  private acquiring: Subscription | undefined;
  private hasEnded = false;

  constructor(private readonly parts: SpreadParts) {
    this.waiting = new WaitingCommands(parts, {
      left: () => this.leaveLine(),
      told: () => this.endIfDone(),
    });
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
   * Later commands are refused, and none is moved to another connection. Completes once those that were called before have been answered.
   */
  end(): Observable<unknown> {
    this.hasEnded = true;
    this.endIfDone();
    return this.isDone ? of(undefined) : this.done$;
  }

  /** How many commands wait for a connection. */
  get queued(): number {
    return this.waiting.size;
  }

  /** The first of them. */
  get oldest(): Request | undefined {
    for (const { request } of this.waiting) return request;
    return undefined;
  }

  private get isDone(): boolean {
    return this.waiting.size === 0 && this.shared.size === 0;
  }

  private endIfDone(): void {
    if (!this.hasEnded || !this.isDone) return;
    this.done$.complete();
  }

  /** Whether commands that are lost with a connection may go to another. */
  get moves(): boolean {
    return !this.hasEnded;
  }

  /** Sends a request on the least busy connection, or has it wait for one. */
  dispatch(mover: Mover): void {
    const { others } = this;
    if (others > 0) this.leave(others);
    this.send(mover);
  }

  /** How many other callers wait for a connection. */
  private get others(): number {
    return this.parts.pool().waiting - (this.acquiring === undefined ? 0 : 1);
  }

  private send(mover: Mover): void {
    let least = this.open.choose();
    if (least !== undefined && this.needsMore(least)) {
      this.acquire();
      least = this.open.choose();
    }
    if (least === undefined) this.wait(mover);
    else mover.sendBy(least.executor);
  }

  /** Whether one more connection is wanted, where this one is the least busy. */
  private needsMore(least: Shared): boolean {
    if (this.acquiring !== undefined || this.others > 0) return false;
    const pool = this.parts.pool();
    const { pending } = least;
    return pool.hasIdle ? pending > 0 : pending >= MANY && pool.hasRoom;
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
    const one = this.add(lease);
    for (const mover of this.waiting) {
      this.waiting.forget(mover);
      // Even where other callers wait: it was this one's turn.
      this.send(mover);
    }
    this.stopIfNoneWaits();
    this.follow(one);
  }

  private add(lease: Lease): Shared {
    const executor = this.parts.executorOf(lease.connection);
    const one = new Shared(lease, executor);
    lease.connection.isShared = true;
    this.shared.add(one);
    this.open.add(one);
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

  /** Nothing is pending on a connection. It is given back at the end of this turn of the event loop, unless a command was sent on it meanwhile. */
  private rest(one: Shared): void {
    if (one.isResting) return;
    one.isResting = true;
    this.parts.clock.afterInput(() => {
      one.isResting = false;
      if (one.pending === 0) this.giveBack(one);
    });
  }

  private leave(others: number): void {
    const leaving = this.shared.size - this.open.size;
    const least = leaving < others ? this.open.choose() : undefined;
    if (least === undefined) return;
    this.open.remove(least);
    this.rest(least);
  }

  /** A connection has led to the wrong server: nothing more is sent on those that were made before. */
  private leaveOutdated(): void {
    for (const one of [...this.open]) if (one.lease.connection.session.isOutdated) this.open.remove(one);
  }

  private giveBack(one: Shared): void {
    if (!this.shared.delete(one)) return;
    this.open.remove(one);
    const { lease } = one;
    if (lease.connection.isMisled) this.leaveOutdated();
    lease.connection.isShared = false;
    lease.giveBack();
    this.endIfDone();
  }

  /** No connection was lent to the first command that waits. It fails, and so do all whose time is up; the others wait on. */
  private notLent(error: RedisError): void {
    this.acquiring = undefined;
    const due = error instanceof TimeoutError ? this.parts.clock.now() : Infinity;
    const failing = this.waiting.takeLate(due);
    if (this.waiting.size > 0) this.acquire();
    for (const mover of failing) this.noneLent(mover, error);
  }

  private noneLent(mover: Mover, error: RedisError): void {
    this.waiting.forget(mover);
    failSafely(mover.request, withoutLease(mover.request, error));
    this.stopIfNoneWaits();
  }

  /** A timer that is left behind would keep the process alive. */
  private stopIfNoneWaits(): void {
    this.waiting.stopIfEmpty();
    this.endIfDone();
  }

  private wait(mover: Mover): void {
    const { clock, pool } = this.parts;
    mover.lateAt = clock.now() + pool().acquireTimeout;
    this.waiting.add(mover);
    if (this.acquiring === undefined) this.acquire();
    // A connection that is free is lent at once, and then nothing waits.
    if (!this.waiting.has(mover)) return;
    mover.happened(QUEUED);
    this.waiting.watch(mover);
  }

  /** The last command has gone that waited for a connection. */
  private leaveLine(): void {
    if (this.waiting.size > 0) return;
    this.acquiring?.unsubscribe();
    this.acquiring = undefined;
  }
}

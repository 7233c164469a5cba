import { AsyncSubject, Observable, first, forkJoin, map, of } from 'rxjs';
import { captured } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import { guarded } from '../connection/guarded';
import type { RedisError, TimeoutError } from '../errors';
import { Idle } from './idle';
import { Kept } from './kept';
import { Lease } from './lease';
import { LeaseLists, type Caller, type Member, type PoolStats } from './lease-lists';
import { noneFree, noneFreeWithin, type NoneFree } from './none-free';
import { Returns } from './returned';

/** Durations are milliseconds. */
export interface LeaseLimits {
  /** how many connections are kept, lent or not, from `keep` on; default 0 */
  readonly min?: number;
  /** the most connections, in whatever list */
  readonly max: number;
  /** how long a connection may be idle */
  readonly idleTimeout: number;
  /** how long a caller may wait for one */
  readonly acquireTimeout: number;
}

/** What a pool of leases is made with. */
export interface LeaseParts {
  /** makes a connection, which is not opened yet, and is not made again once it was ready */
  readonly make: () => Connection;
  readonly clock: Clock;
  readonly limits: LeaseLimits;
  /** what users call `max` */
  readonly maxOption: string;
}

/**
 * Lends connections to callers, one caller at a time, first come first served, and keeps them warm in between. A connection that comes
 * back is judged by what the client has seen of it: it is idle again, or cleaned, or closed. Each is in one list, or in none once it is
 * closed.
 */
//                    ┌─────────── ready, answered ───────────┐
//  make ──▶ preparing┤                                       ├──▶ idle ──to a waiter──▶ leased ──given back──▶ judged
//             ▲      └─ cannot be made: leased as it is      │      │                                            │
//             │         where no other may come back, until    │      │                                            │
//             │         it is ready or not wanted any more     │      │                                            │
//             │                                              └──────│───────────────── clean ────────────────────┤
//             ├── PING: idle for a while, and wanted ───────────────┘                                            │
//             └── UNWATCH, DISCARD ──────────────────────────────────────────────────────────────────────────────┤
//                                                                                       closed ◀── anything else ┘
//  any ──lost, idle for too long, client closed──▶ closed
export class LeasePool {
  /** Emits once nothing is lent any more, also to those that subscribe later. */
  readonly over$ = new AsyncSubject<void>();
  private readonly lists: LeaseLists;
  private readonly kept: Kept;
  private readonly idle: Idle;
  private readonly returns: Returns;
  private serving = false;
  private ended: (() => RedisError) | undefined;

  constructor(private readonly parts: LeaseParts) {
    const { clock, limits } = parts;
    const { acquireTimeout, idleTimeout } = limits;
    this.lists = new LeaseLists(clock, {
      acquireTimeout,
      waited: (caller) => caller.failed(this.late()),
      idleTimeout,
      idled: (member) => {
        if (this.kept.isMet) this.drop(member);
        else this.idle.check(member, clock.now() - idleTimeout);
      },
    });
    this.kept = new Kept(clock, this.lists, () => this.dial());
    const pool = {
      hasEnded: () => this.ended !== undefined,
      prepared: (member: Member) => this.prepared(member),
      unready: (member: Member) => this.unready(member),
      discard: (member: Member) => this.discard(member),
      drop: (member: Member) => this.drop(member),
      silent: () => this.serve(),
    };
    this.idle = new Idle(clock, this.lists, this.kept, pool);
    this.returns = new Returns(clock, this.lists, pool);
  }

  get stats(): PoolStats {
    return this.lists.stats;
  }

  /** All connections, those that are lent first. */
  get connections(): Iterable<Connection> {
    return this.lists;
  }

  /** For how long the first in the line has waited for a connection, ms; undefined where no caller waits. */
  get longestWait(): number | undefined {
    const { oldest } = this.lists.callers;
    return oldest && this.parts.clock.now() - oldest.since;
  }

  get stats$(): Observable<PoolStats> {
    return this.lists.stats$;
  }

  /** How long a caller may wait, ms. */
  get acquireTimeout(): number {
    return this.parts.limits.acquireTimeout;
  }

  /** How many callers wait. */
  get waiting(): number {
    return this.lists.callers.length;
  }

  /** A connection is free. */
  get hasIdle(): boolean {
    return this.lists.idle.length > 0;
  }

  /** One more connection may be made. */
  get hasRoom(): boolean {
    return this.lists.total < this.parts.limits.max;
  }

  /** Makes `min` connections, and keeps that many from now on. */
  keep(): void {
    this.kept.keep(this.parts.limits.min ?? 0);
  }

  /**
   * Emits a lease when a connection is free, and completes when that is given back. Unsubscribing gives it back, or leaves the line.
   * @param isSpared whether `dismiss` leaves the caller in the line
   * @throws TimeoutError when none is free within `acquireTimeout` ms
   * @throws DisconnectedError when the pool is closed
   */
  acquire(isSpared = false): Observable<Lease> {
    return new Observable((subscriber) =>
      this.ask({
        isSpared,
        lent: (lease) => {
          subscriber.add(() => lease.giveBack());
          subscriber.next(lease);
        },
        failed: (error) => subscriber.error(error),
        returned: () => subscriber.complete(),
      }),
    );
  }

  // Hot: once per lease.
  /**
   * Lends the caller a connection when one is free.
   * @returns leaves the line; undefined where the caller need not wait
   * @throws DisconnectedError when the pool is closed
   */
  ask(caller: Caller): (() => void) | undefined {
    if (this.ended !== undefined) throw this.ended();
    const { free } = this;
    if (free !== undefined) {
      this.serveNow(free, caller);
      this.serve();
      return undefined;
    }
    const place = this.lists.wait(inOwnContext(caller));
    this.serve();
    return () => void this.lists.leave(place);
  }

  /** Closes all connections that are not lent, because the server may be another by now. New ones are made when they are wanted. */
  renew(): void {
    for (let { oldest } = this.lists.idle; oldest !== undefined; { oldest } = this.lists.idle) this.drop(oldest.item);
    for (const member of this.lists.unready) this.discard(member);
    this.kept.restore();
  }

  /**
   * Lends nothing more. Leased connections close once their pending replies have come, all others at once.
   * @param toError the error of callers that wait
   * @param isEnding whether the caller of a connection is about to give it back: such a connection is not closed here
   */
  close(toError: () => RedisError, isEnding: (connection: Connection) => boolean = () => false): Observable<void> {
    const leased = [...this.lists.leased].filter(({ connection }) => !isEnding(connection));
    this.end(toError);
    const closing = leased.map(({ connection }) => connection.close());
    return closing.length === 0 ? of(undefined) : forkJoin(closing).pipe(map(() => undefined));
  }

  /** Fails the callers that wait, except those with `isSpared`. */
  dismiss(toError: () => RedisError): void {
    for (const caller of this.lists.dismiss()) caller.failed(toError());
  }

  /**
   * Lends nothing more, and closes what is not lent. Emits when everything that was lent has come back.
   * @param toError the error of callers that wait
   */
  finish(toError: () => RedisError): Observable<unknown> {
    this.end(toError);
    return this.stats$.pipe(first(({ active }) => active === 0));
  }

  /**
   * Lends nothing more, and closes all connections at once.
   * @param spares whether connections that are closing already are left alone
   */
  destroy(toError: () => RedisError, { spares = false } = {}): void {
    const leased = [...this.lists.leased];
    this.end(toError);
    for (const member of leased) if (!spares || !member.connection.closed) this.drop(member);
    if (this.lists.total === 0) this.lists.end();
  }

  /**
   * Lends nothing more, closes what is not lent, and fails the callers that wait.
   * @param toError the error of these callers
   */
  end(toError: () => RedisError): void {
    if (this.ended !== undefined) return;
    this.ended = toError;
    this.over$.next();
    this.over$.complete();
    this.kept.end();
    const callers = this.lists.callers.drain();
    const free = [...this.lists.idle.drain(), ...this.lists.preparing, ...this.lists.unready];
    for (const member of free) this.drop(member);
    for (const caller of callers) caller.failed(toError());
  }

  /** A connection for a caller that need not wait. */
  private get free(): Member | undefined {
    return this.serving || this.lists.callers.length > 0 ? undefined : this.idle.freshest();
  }

  private serveNow(free: Member, caller: Caller): void {
    this.serving = true;
    try {
      this.lend(free, caller);
    } finally {
      this.serving = false;
    }
  }

  /** Lends free connections, and prepares as many as callers wait. What callers ask for meanwhile is served by the same loop. */
  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    try {
      while (this.step());
    } finally {
      this.serving = false;
    }
  }

  /** @returns whether anything was done, so that more may be possible */
  private step(): boolean {
    const { callers, idle, preparing, unready } = this.lists;
    const { oldest } = callers;
    if (oldest === undefined) {
      // Its caller has left before it could be lent.
      for (const member of unready) if (!member.wasWanted && this.kept.isExceeded) this.drop(member);
      return false;
    }
    const free = this.idle.freshest() ?? (idle.length === 0 ? this.lentAsItIs() : undefined);
    if (free !== undefined) {
      this.lists.leave(oldest);
      this.lend(free, oldest.item);
      return true;
    }
    if (preparing.size + unready.size >= callers.length) return this.dialBesideSilent();
    if (idle.newest !== undefined) this.idle.check(idle.newest.item, idle.newest.since);
    else if (this.hasRoom) this.dial();
    else return false;
    return true;
  }

  /** Dials one more connection while others are silent. Where `max` leaves no room for it, a silent one is closed. */
  private dialBesideSilent(): boolean {
    const { oneSilent } = this.idle;
    if (oneSilent === undefined) return false;
    for (const { connection } of this.lists.preparing) if (!connection.wasReady) return false;
    if (!this.hasRoom) this.drop(oneSilent);
    this.dial();
    return true;
  }

  /**
   * One that could not be made yet. A caller has none of those where another caller will give one back that is ready: the server may take
   * no more connections. One that never can be made tells its caller why.
   */
  private lentAsItIs(): Member | undefined {
    const { returning, unready } = this.lists;
    for (const member of unready) if (returning === 0 || member.connection.closed) return member;
    return undefined;
  }

  private lend(member: Member, caller: Caller): void {
    const { connection } = member;
    this.lists.move(member, 'leased');
    connection.wake();
    const lease = new Lease(connection, () => {
      this.returns.giveBack(member);
      caller.returned();
    });
    guarded(() => caller.lent(lease));
  }

  private dial(): void {
    const connection = this.parts.make();
    const member: Member = {
      connection,
      list: 'none',
      place: undefined,
      isBack: false,
      mayReturn: false,
      asked: undefined,
      wasWanted: false,
      dialedAt: this.parts.clock.now(),
    };
    this.lists.move(member, 'preparing');
    connection.state$.subscribe((state) => this.stateChanged(member, state));
    connection.open();
  }

  private stateChanged(member: Member, { kind }: ConnectionState): void {
    const { connection, list, isBack } = member;
    this.lists.weigh(member);
    if ((list === 'preparing' || list === 'unready') && kind === 'ready') {
      this.prepared(member);
      this.idle.dialled();
    } else if (kind !== 'reconnecting' && kind !== 'closed') return;
    else if (list === 'preparing' && !connection.wasReady) this.unready(member);
    else if (list === 'unready' && kind === 'reconnecting') this.failedAgain(member);
    else if (list === 'leased' && !isBack) this.serve();
    else if (list === 'preparing' || list === 'idle' || isBack || (list === 'unready' && kind === 'closed'))
      this.discard(member);
  }

  private unready(member: Member): void {
    this.lists.move(member, 'unready');
    this.serve();
  }

  /** The delay before its next attempt has grown. It goes on only where it is wanted, or one of those that are kept. */
  private failedAgain(member: Member): void {
    const { wasWanted } = member;
    member.wasWanted = false;
    if (!wasWanted && this.lists.callers.length === 0 && this.kept.isExceeded) this.drop(member);
  }

  /** It is ready for the next caller, unless the client signs in otherwise by now. */
  private prepared(member: Member): void {
    if (member.connection.session.isOutdated) {
      this.discard(member);
      return;
    }
    this.lists.move(member, 'idle');
    this.serve();
    if (member.list === 'idle') member.connection.sleep();
  }

  private discard(member: Member): void {
    this.drop(member);
    this.kept.restoreAfter(member);
    this.serve();
  }

  private drop(member: Member): void {
    this.lists.move(member, 'none');
    member.asked?.unsubscribe();
    member.connection.destroy();
  }

  /** The error of a caller that has waited for too long. */
  late(): TimeoutError {
    const { acquireTimeout } = this.parts.limits;
    return noneFreeWithin(acquireTimeout, this.noneFree(acquireTimeout));
  }

  /** Why no connection is free for a caller that has waited for so many ms. */
  noneFree(limit: number): NoneFree {
    const { limits, maxOption } = this.parts;
    return noneFree(this.lists, limits.max, limit, maxOption);
  }
}

/** The same caller. It is told in the context of AsyncLocalStorage in which this is called. */
function inOwnContext(caller: Caller): Caller {
  const inContext = captured();
  return {
    isSpared: caller.isSpared,
    lent: (lease) => inContext(() => caller.lent(lease)),
    failed: (error) => inContext(() => caller.failed(error)),
    returned: () => inContext(() => caller.returned()),
  };
}

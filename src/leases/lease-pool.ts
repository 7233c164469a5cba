import type { Subscription } from 'rxjs';
import { Observable, defer, forkJoin, map, of, switchMap, tap, type ObservableInput } from 'rxjs';
import { inContext } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import { guarded } from '../connection/guarded';
import { tooLate } from '../connection/refusals';
import { TimeoutError, type RedisError } from '../errors';
import { Lease } from './lease';
import { alive, answered, cleaned, judge } from './returned';
import { TimedList, type Place } from './timed-list';

/** A connection that was idle for so long is asked whether it lives before it is lent, ms. */
const IDLE_UNCHECKED = 1_000;

/** Durations are milliseconds. */
export interface LeaseLimits {
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
}

/** One connection, and the list it is in. */
interface Member {
  readonly connection: Connection;
  list: 'preparing' | 'unready' | 'idle' | 'leased' | 'none';
  /** in the list of idle ones */
  place: Place<Member> | undefined;
  /** its caller has given it back, and replies are owed still */
  isBack: boolean;
  /** what is asked of the server before it is idle again */
  asked: Subscription | undefined;
}

/** A caller in the line. */
interface Waiter {
  lend(member: Member): void;
  fail(error: RedisError): void;
}

/**
 * Lends connections to callers, one caller at a time, first come first served, and keeps them warm in between. A connection that comes
 * back is judged by what the client has seen of it: it is idle again, or cleaned, or closed. Each is in one list, or in none once it is
 * closed.
 */
//                    ┌─────────── ready, answered ───────────┐
//  make ──▶ preparing┤                                       ├──▶ idle ──to a waiter──▶ leased ──given back──▶ judged
//             ▲      └─ cannot be made: leased as it is      │      │                                            │
//             │                                              └──────│───────────────── clean ────────────────────┤
//             ├── PING: idle for a while, and wanted ───────────────┘                                            │
//             └── UNWATCH, DISCARD ──────────────────────────────────────────────────────────────────────────────┤
//                                                                                       closed ◀── anything else ┘
//  any ──lost, idle for too long, client closed──▶ closed
export class LeasePool {
  private readonly waiters: TimedList<Waiter>;
  private readonly idle: TimedList<Member>;
  /** Connections that are dialled, cleaned or asked whether they live: each is idle soon. */
  private readonly preparing = new Set<Member>();
  private readonly leased = new Set<Member>();
  /** Connections whose first attempt has failed. They are lent as they are: commands on them wait and fail as on the client itself. */
  private readonly unready: Member[] = [];
  private serving = false;
  private ended: (() => RedisError) | undefined;

  constructor(private readonly parts: LeaseParts) {
    const { clock, limits } = parts;
    this.waiters = new TimedList(clock, {
      longest: limits.acquireTimeout,
      expired: (waiter) => waiter.fail(this.late()),
    });
    this.idle = new TimedList(clock, {
      longest: limits.idleTimeout,
      expired: (member) => this.drop(member),
      inBackground: true,
    });
  }

  /** How many connections there are, and how many callers wait. `active` ones are lent, the others idle or about to be. */
  get stats(): { readonly active: number; readonly idle: number; readonly waiting: number; readonly total: number } {
    const { total, leased, waiters } = this;
    return { active: leased.size, idle: total - leased.size, waiting: waiters.length, total };
  }

  private get total(): number {
    return this.idle.length + this.preparing.size + this.unready.length + this.leased.size;
  }

  /**
   * Emits a lease when a connection is free, and completes when that is given back. Unsubscribing gives it back, or leaves the line.
   * @throws TimeoutError when none is free within `acquireTimeout` ms
   * @throws DisconnectedError when the pool is closed
   */
  acquire(): Observable<Lease> {
    const lease$ = new Observable<Lease>((subscriber) => {
      if (this.ended !== undefined) throw this.ended();
      let lease: Lease | undefined;
      const place = this.waiters.add({
        lend: (member) => {
          lease = new Lease(member.connection, () => {
            this.giveBack(member);
            subscriber.complete();
          });
          subscriber.next(lease);
        },
        fail: (error) => subscriber.error(error),
      });
      subscriber.add(() => {
        if (!this.waiters.remove(place)) lease?.giveBack();
      });
      this.serve();
    });
    return lease$.pipe(inContext());
  }

  /** Does work on a connection that is its own until it ends, in whatever way. The connection is back before the end is told. */
  use<T>(work: (lease: Lease) => ObservableInput<T>): Observable<T> {
    return this.acquire().pipe(
      switchMap((lease) => {
        const giveBack = () => lease.giveBack();
        return defer(() => work(lease)).pipe(tap({ error: giveBack, complete: giveBack }));
      }),
    );
  }

  /** What is not lent is made anew when it is wanted: the server may be another by now. */
  renew(): void {
    for (let { oldest } = this.idle; oldest !== undefined; { oldest } = this.idle) this.drop(oldest.item);
  }

  /**
   * Lends nothing more. Leased connections close once their pending replies have come, all others at once.
   * @param toError the error of callers that wait
   */
  close(toError: () => RedisError): Observable<void> {
    const leased = [...this.leased];
    this.end(toError);
    const closing = leased.map(({ connection }) => connection.close());
    return closing.length === 0 ? of(undefined) : forkJoin(closing).pipe(map(() => undefined));
  }

  /**
   * Lends nothing more, and closes all connections at once.
   * @param spares leaves those alone that are closing
   */
  destroy(toError: () => RedisError, { spares = false } = {}): void {
    const leased = [...this.leased];
    this.end(toError);
    for (const { connection } of leased) if (!spares || !connection.closed) connection.destroy();
  }

  private end(toError: () => RedisError): void {
    if (this.ended !== undefined) return;
    this.ended = toError;
    const waiters = this.waiters.drain();
    const free = [...this.idle.drain(), ...this.preparing, ...this.unready];
    for (const member of free) this.drop(member);
    for (const waiter of waiters) waiter.fail(toError());
  }

  /** Lends what is free, and prepares as many connections as callers wait. What callers do meanwhile is served by the same loop. */
  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    while (this.step());
    this.serving = false;
  }

  /** @returns whether anything was done, so that more may be possible */
  private step(): boolean {
    const { waiters, idle, preparing, unready } = this;
    const { oldest } = waiters;
    if (oldest === undefined) {
      // Nothing waits for a connection that could not be made.
      for (const member of unready.slice()) this.drop(member);
      return false;
    }
    const free = unready[0] ?? this.freshest();
    if (free !== undefined) {
      waiters.remove(oldest);
      this.lend(free, oldest.item);
      return true;
    }
    if (preparing.size >= waiters.length) return false;
    if (idle.newest !== undefined) this.check(idle.newest.item, idle.newest.since);
    else if (this.total < this.parts.limits.max) this.dial();
    else return false;
    return true;
  }

  /** The connection that has been idle for the shortest time, if that needs no check. */
  private freshest(): Member | undefined {
    for (;;) {
      const { newest } = this.idle;
      if (newest === undefined) return undefined;
      const { item: member, since } = newest;
      if (!member.connection.session.isOutdated)
        return this.parts.clock.now() - since < IDLE_UNCHECKED ? member : undefined;
      this.drop(member);
    }
  }

  private lend(member: Member, waiter: Waiter): void {
    this.move(member, 'leased');
    member.connection.wake();
    guarded(() => waiter.lend(member));
  }

  private dial(): void {
    const connection = this.parts.make();
    const member: Member = { connection, list: 'none', place: undefined, isBack: false, asked: undefined };
    this.move(member, 'preparing');
    connection.state$.subscribe((state) => this.changed(member, state));
    connection.open();
  }

  private changed(member: Member, { kind }: ConnectionState): void {
    const { connection, list, isBack } = member;
    if (list === 'preparing' && kind === 'ready') this.prepared(member);
    else if (kind !== 'reconnecting' && kind !== 'closed') return;
    else if (list === 'preparing' && !connection.wasReady) {
      this.move(member, 'unready');
      this.serve();
    } else if (list === 'preparing' || list === 'idle' || isBack) this.discard(member);
  }

  /** It is ready for the next caller, unless the client signs in otherwise by now. */
  private prepared(member: Member): void {
    if (member.connection.session.isOutdated) {
      this.discard(member);
      return;
    }
    this.move(member, 'idle');
    this.serve();
    if (member.list === 'idle') member.connection.sleep();
  }

  /** Asks a connection that was idle whether it lives. What has been idle for longer is as doubtful when it does not. */
  private check(member: Member, since: number): void {
    this.move(member, 'preparing');
    member.connection.wake();
    member.asked = alive(member.connection).subscribe({
      complete: () => this.prepared(member),
      error: () => {
        for (let { oldest } = this.idle; oldest !== undefined && oldest.since <= since; { oldest } = this.idle)
          this.drop(oldest.item);
        this.discard(member);
      },
    });
  }

  private giveBack(member: Member): void {
    const { connection } = member;
    if (member.list !== 'leased') return;
    member.isBack = true;
    if (!connection.closed) connection.line.failQueued((request) => tooLate(request, undefined, 'lost'));
    this.settle(member);
  }

  private settle(member: Member): void {
    const { connection, list } = member;
    if (list === 'none') return; // a caller that was told of a failure just now has closed the client
    const verdict = this.ended === undefined ? judge(connection) : 'spoilt';
    switch (verdict) {
      case 'clean':
        this.prepared(member);
        break;
      case 'owes':
        member.asked = answered(connection).subscribe({
          next: () => this.settle(member),
          error: () => this.discard(member),
        });
        break;
      case 'spoilt':
        this.discard(member);
        break;
      default:
        if (list === 'leased') this.move(member, 'preparing');
        member.asked = cleaned(connection, verdict).subscribe({
          complete: () => this.settle(member),
          error: () => this.discard(member),
        });
    }
  }

  private discard(member: Member): void {
    this.drop(member);
    this.serve();
  }

  private drop(member: Member): void {
    this.move(member, 'none');
    member.asked?.unsubscribe();
    member.connection.destroy();
  }

  /** Takes a connection out of its list and puts it into another. */
  private move(member: Member, list: Member['list']): void {
    switch (member.list) {
      case 'preparing':
        this.preparing.delete(member);
        break;
      case 'unready':
        this.unready.splice(this.unready.indexOf(member), 1);
        break;
      case 'idle':
        this.idle.remove(member.place!);
        break;
      case 'leased':
        this.leased.delete(member);
        break;
      default:
    }
    member.list = list;
    member.isBack = false;
    if (list === 'preparing') this.preparing.add(member);
    else if (list === 'unready') this.unready.push(member);
    else if (list === 'idle') member.place = this.idle.add(member);
    else if (list === 'leased') this.leased.add(member);
  }

  /** The error of a caller that has waited for too long: every connection is in use, or none can be made. */
  private late(): TimeoutError {
    const { max, acquireTimeout } = this.parts.limits;
    const used = this.leased.size;
    const late = `No connection was free within ${acquireTimeout} ms`;
    const [next] = this.preparing;
    if (next === undefined)
      return new TimeoutError(
        `${late}: all ${used} are in use. Give them back sooner, or raise the option 'leases.max'`,
      );
    const { message, cause } = next.connection.late(acquireTimeout);
    const why = next.connection.wasReady ? 'the server has not answered yet whether another can be' : message;
    return new TimeoutError(`${late}: ${used} of ${max} are in use, and ${why}`, { cause });
  }
}

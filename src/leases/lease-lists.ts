import { Subject, distinctUntilChanged, map, startWith, type Observable, type Subscription } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { RedisError } from '../errors';
import type { Lease } from './lease';
import { TimedList, type Place } from './timed-list';

/** How many connections there are, and how many callers wait for one. */
export interface PoolStats {
  /** lent, or used by commands of the pool itself */
  readonly active: number;
  /** free */
  readonly idle: number;
  /** callers that wait for a connection */
  readonly waiting: number;
  /** the connections: active, idle, and those that are not free yet because they are dialled, cleaned or asked whether they live */
  readonly total: number;
}

/** One connection, and the list it is in. */
export interface Member {
  readonly connection: Connection;
  list: 'preparing' | 'unready' | 'idle' | 'leased' | 'none';
  /** in the list of idle ones */
  place: Place<Member> | undefined;
  /** its caller has given it back, and replies are owed still */
  isBack: boolean;
  /** it is lent and ready, so that it may be lent again when it comes back */
  mayReturn: boolean;
  /** what is asked of the server before it is idle again */
  asked: Subscription | undefined;
  /** it was lent since its last attempt failed */
  wasWanted: boolean;
  /** on the clock, ms */
  readonly dialedAt: number;
}

/** What wants a connection. */
export interface Caller {
  /** it keeps its place in the line when the other callers are dismissed */
  readonly isSpared: boolean;
  lent(lease: Lease): void;
  /** the connection that it was lent has been given back */
  returned(): void;
  failed(error: RedisError): void;
}

/** What happens to those whose time is up. They have left their list already. Durations are milliseconds. */
export interface Expiries {
  readonly acquireTimeout: number;
  readonly waited: (caller: Caller) => void;
  readonly idleTimeout: number;
  readonly idled: (member: Member) => void;
}

/** The callers that wait, and the lists of connections: each connection is in one, or in none once it is closed. */
export class LeaseLists {
  readonly callers: TimedList<Caller>;
  readonly idle: TimedList<Member>;
  /** Connections that are dialled, cleaned or asked whether they live: each is idle soon. */
  readonly preparing = new Set<Member>();
  /**
   * Connections that were never ready, and try again with growing delays. They are lent as they are: commands on them wait and fail as on
   * the client itself.
   */
  readonly unready = new Set<Member>();
  readonly leased = new Set<Member>();
  /** How many of those that are lent may be lent again. */
  returning = 0;
  private readonly changed$ = new Subject<void>();
  private tellsSoon = false;

  constructor(
    private readonly clock: Clock,
    { acquireTimeout, waited, idleTimeout, idled }: Expiries,
  ) {
    this.callers = new TimedList(clock, {
      longest: acquireTimeout,
      expired: (caller) => {
        this.changed();
        waited(caller);
      },
    });
    this.idle = new TimedList(clock, { longest: idleTimeout, expired: idled, inBackground: true });
  }

  get total(): number {
    return this.idle.length + this.preparing.size + this.unready.size + this.leased.size;
  }

  /** All connections, those that are lent first. */
  *[Symbol.iterator](): Iterator<Connection> {
    for (const list of [this.leased, this.preparing, this.unready]) for (const { connection } of list) yield connection;
    for (let place = this.idle.oldest; place !== undefined; place = place.newer) yield place.item.connection;
  }

  get stats(): PoolStats {
    const { total, leased, idle, callers } = this;
    return { active: leased.size, idle: idle.length, waiting: callers.length, total };
  }

  /** The numbers now, and again when they have changed, at most once a tick; completes at the end. */
  get stats$(): Observable<PoolStats> {
    return this.changed$.pipe(
      startWith(undefined),
      map(() => this.stats),
      distinctUntilChanged(areSame),
    );
  }

  wait(caller: Caller): Place<Caller> {
    this.changed();
    return this.callers.add(caller);
  }

  /** @returns whether the caller was in the line */
  leave(place: Place<Caller>): boolean {
    const isLeft = this.callers.remove(place);
    if (isLeft) this.changed();
    return isLeft;
  }

  /** Empties the line, but for those that are spared, and returns the others in their order. */
  dismiss(): Caller[] {
    const dismissed: Caller[] = [];
    let next: Place<Caller> | undefined;
    for (let place = this.callers.oldest; place !== undefined; place = next) {
      next = place.newer;
      if (place.item.isSpared) continue;
      this.leave(place);
      dismissed.push(place.item);
    }
    return dismissed;
  }

  /** Takes a connection out of its list and puts it into another. */
  move(member: Member, list: Member['list']): void {
    if (member.list === 'idle') this.idle.remove(member.place!);
    else if (member.list !== 'none') this[member.list].delete(member);
    member.list = list;
    member.isBack = false;
    if (list === 'idle') member.place = this.idle.add(member);
    else if (list !== 'none') this[list].add(member);
    this.weigh(member);
    this.changed();
  }

  /** Notes whether a connection may be lent again: it was moved, or has become ready or closed. */
  weigh(member: Member): void {
    const { connection, list, mayReturn } = member;
    const may = list === 'leased' && connection.wasReady && !connection.closed;
    if (may === mayReturn) return;
    member.mayReturn = may;
    this.returning += may ? 1 : -1;
  }

  /** The numbers will not change any more. */
  end(): void {
    this.clock.nextTick(() => {
      this.changed$.next();
      this.changed$.complete();
    });
  }

  /** What looks at the numbers is told at the end of the tick, outside the pool's own work. */
  private changed(): void {
    if (this.tellsSoon || !this.changed$.observed) return;
    this.tellsSoon = true;
    this.clock.nextTick(() => {
      this.tellsSoon = false;
      this.changed$.next();
    });
  }
}

function areSame(one: PoolStats, other: PoolStats): boolean {
  return (
    one.active === other.active && one.idle === other.idle && one.waiting === other.waiting && one.total === other.total
  );
}

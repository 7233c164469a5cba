import { catchError, defer, from, map, merge, of, take, timer, type Observable, type ObservableInput } from 'rxjs';
import type { ReplySource } from './commands/reply';
import type { Executor, RetryPolicy } from './commands/request-context';
import type { Clock } from './connection/clock';
import type { Connection } from './connection/connection';
import type { WatchEvent } from './connection/connection-state';
import { asItIs, type Wrap } from './connection/wrapping';
import { DedicatedConnection } from './dedicated-connection';
import type { Ending } from './demand/ending';
import { KnownTypes } from './groups/known-types';
import type { Lender, Lent, WatchReport } from './groups/watch';
import type { Lease } from './leases/lease';
import type { LeasePool } from './leases/lease-pool';
import { use } from './leases/use';
import { kindOf } from './resp/kind-of';

/** What connections are lent with. */
export interface LenderParts {
  readonly clock: Clock;
  /** where they come from; throws when nothing is lent any more */
  readonly pool: () => LeasePool;
  /** what sends a user's commands on a connection */
  readonly executorOf: (connection: Connection) => Executor;
  /** what sends the commands of a `watch` itself, which is followed as one */
  readonly bareExecutorOf: (connection: Connection) => Executor;
  readonly followWatch: <T>(outcome$: Observable<T>, report: () => WatchReport) => Observable<T>;
  /** how streams end with the client */
  readonly ending: Ending;
  /** told how a `watch` has ended */
  readonly tell: (event: WatchEvent) => void;
}

/** On a lease nothing is repeated. */
const NEVER: RetryPolicy = () => false;

/** What a user does on a connection that is lent. */
export type Work<T> = (connection: DedicatedConnection) => ObservableInput<T>;

/**
 * The same work, whose errors say which method was called.
 * @throws TypeError when it is no function; what it gives is checked when it is done
 */
export function checkedWork<T>(method: string, work: Work<T>): Work<T> {
  if (typeof work !== 'function') throw new TypeError(`${method}: a function was expected, got ${kindOf(work)}`);
  return (connection) => {
    const given = work(connection);
    try {
      return from(given);
    } catch {
      const wanted = 'an Observable or a Promise was expected, which ends with the work';
      throw new TypeError(`${method}: the function gave ${kindOf(given)}, and ${wanted}`);
    }
  };
}

/** Lends connections with all their commands, to users and to `watch`. */
export class ConnectionLender implements Lender<DedicatedConnection> {
  readonly clock: Clock;
  readonly types = new KnownTypes();
  /** What sends users' commands on a connection: made once for all callers that it is lent to. */
  private readonly executors = new WeakMap<Connection, Executor>();

  constructor(private readonly parts: LenderParts) {
    this.clock = parts.clock;
  }

  /**
   * Does work on a connection that is its own until it ends, in whatever way. Commands are sent as the view says, but for repetitions.
   * @param wrap wraps what sends them
   */
  lend<T>(
    view: ReplySource,
    work: (lent: Lent<DedicatedConnection>) => ObservableInput<T>,
    watching = false,
    wrap: Wrap = asItIs,
  ): Observable<T> {
    return use(this.parts.pool, (lease) => work(this.lent(view, lease, watching, wrap)));
  }

  /** Emits a connection when one is free; it is lent until it is given back, or the Observer leaves. */
  lease(view: ReplySource): Observable<{ readonly lease: Lease; readonly dedicated: DedicatedConnection }> {
    return defer(() => this.parts.pool().acquire()).pipe(
      map((lease) => ({ lease, dedicated: this.lent(view, lease, false).dedicated })),
    );
  }

  pause(delay: number): Observable<unknown> {
    const over$ = defer(() => this.parts.pool().over$).pipe(catchError(() => of(undefined)));
    return merge(timer(delay, this.clock), over$).pipe(take(1));
  }

  private lent(view: ReplySource, lease: Lease, watching: boolean, wrap = asItIs): Lent<DedicatedConnection> {
    const { connection } = lease;
    const { bareExecutorOf, ending } = this.parts;
    const source = { ...view, executor: lease.guard(wrap(this.executorOf(connection))), retry: NEVER };
    const dedicated = new DedicatedConnection(source, lease, ending, watching);
    const own = watching ? { ...source, executor: lease.guard(wrap(bareExecutorOf(connection))) } : source;
    return { link: connection, source: own, dedicated };
  }

  private executorOf(connection: Connection): Executor {
    let executor = this.executors.get(connection);
    if (executor === undefined) this.executors.set(connection, (executor = this.parts.executorOf(connection)));
    return executor;
  }

  followed<T>(outcome$: Observable<T>, report: () => WatchReport): Observable<T> {
    return this.parts.followWatch(outcome$, report);
  }

  tell(event: WatchEvent): void {
    this.parts.tell(event);
  }
}

import {
  EMPTY,
  Observable,
  Subject,
  concat,
  defer,
  ignoreElements,
  merge,
  race,
  take,
  timer,
  type ObservableInput,
} from 'rxjs';
import { LastValue, type Awaitable } from './commands/awaitable';
import type { ReplySource } from './commands/reply';
import { PoolView } from './pool-view';
import { inContext } from './connection/async-context';
import { inScheduledContext, type Clock } from './connection/clock';
import { Completion } from './connection/completion';
import type { Connection } from './connection/connection';
import type { ConnectionEvent } from './connection/connection-state';
import { tooLate } from './connection/refusals';
import { Session } from './connection/session';
import { shielded } from './connection/shielded';
import { describe } from './connection/socket';
import { clockOf, stageOf } from './connection/stage';
import { wrapping, wrappingAll } from './connection/wrapping';
import { makerOf } from './connection-maker';
import { ConnectionLender, checkedWork } from './connection-lender';
import type { DedicatedConnection } from './dedicated-connection';
import { Ending } from './demand/ending';
import type { RedisError } from './errors';
import { givenOptions } from './given-options';
import { LatestError, inShort, inspect, type Inspection } from './inspection';
import { ScriptRegistry } from './groups/scripts';
import type { Lease } from './leases/lease';
import type { PoolStats } from './leases/lease-lists';
import { BlockingExecutor } from './leases/blocking-executor';
import { LeasePool } from './leases/lease-pool';
import { OwnControl } from './leases/own-control';
import { Spread } from './leases/spread';
import { duration, onlyKnown } from './option-checks';
import { resolveOptions, resolvePool, type RedisPoolOptions } from './options';
import { replySource } from './reply-source';
import { readsOnly } from './topology/reads-only';
import type { Sentinels } from './topology/sentinels';
import { sentinelsOf } from './topology/sentinels-of';
import { readingsOf } from './readings';
import { placeOf, type FailedAttempt, type Place } from './telemetry/following';
import { telemetryOf } from './telemetry/telemetry';
import { warnUnreachable } from './unreachable-warning';

/** How a pool is closed. */
export interface PoolCloseOptions {
  /** how long to wait for connections that are lent, ms; default 30 000, Infinity for as long as it takes */
  readonly timeout?: number | undefined;
}

/**
 * Connections to one Redis or Valkey server that are lent, each to one caller at a time. Nothing is opened before the first use or `connect()`.
 * A pool that is idle does not keep the process alive; one that cannot reach its server goes on trying until it is closed.
 *
 * It has the commands of a client as well: each is sent on the connection that is the least busy, so that a process with much to do can
 * use several. There commands have no order among each other: what depends on another command awaits its reply, or travels with
 * it in `pipeline` or `multi`. Messages of channels come through `Redis`.
 *
 * @example
 * const pool = new RedisPool('redis://localhost:6379', { min: 2, max: 10 });
 * await pool.set('k', 'v');
 * await pool.use((connection) => connection.multi(incr('n'), get('k')));
 */
export class RedisPool extends PoolView {
  /** How many connections there are, and how many callers wait: now, and again when it has changed. Completes when the pool is closed. */
  readonly stats$: Observable<PoolStats>;
  /** What happens to the connections, how each `watch` has ended, and the errors of forgotten replies. No process ends when nothing listens. */
  readonly events$: Observable<ConnectionEvent>;

  private readonly leases: LeasePool;
  private readonly lender: ConnectionLender;
  private readonly source: ReplySource;
  private readonly clock: Clock;
  private readonly address: string;
  private readonly acquired = new WeakMap<DedicatedConnection, Lease>();
  private readonly spread: Spread;
  private readonly blocking: BlockingExecutor;
  private readonly control: OwnControl;
  private closing = false;
  private readonly sentinels: Sentinels | undefined;
  /** Ends what telemetry reads of the pool. */
  private readonly unobserve: () => void;
  /** Looks at what the pool is doing. */
  private readonly look: () => Inspection;
  /** How streams end with the pool. */
  private readonly ending: Ending;

  /**
   * @param url `redis://[[user:]password@]host[:port][/database]`
   * @param options these take precedence over the URL
   * @throws TypeError when the URL or an option is wrong; the message never holds a password
   */
  constructor(url?: string | URL, options?: RedisPoolOptions);
  /** @throws TypeError when an option is wrong; the message never holds a password */
  constructor(options: RedisPoolOptions);
  constructor(first?: string | URL | RedisPoolOptions, second?: RedisPoolOptions) {
    const given = givenOptions('RedisPool', first, second);
    const { limits, others } = resolvePool(given);
    const resolved = resolveOptions(others);
    const stage = stageOf(given);
    const clock = clockOf(stage);
    const telemetry = telemetryOf(resolved, () => clock);
    const { sentinel } = resolved;
    const guard = sentinel === undefined || sentinel.role === 'master' ? undefined : readsOnly(sentinel.role);
    const wraps = { verify: resolved.verify, asyncContext: telemetry.asyncContext, guard };
    const events$ = new Subject<ConnectionEvent>();
    const address = sentinel?.service ?? describe(resolved);
    const session = new Session(resolved.database, resolved.clientName);
    const lastError = new LatestError(clock);
    const attempts$ = new Subject<FailedAttempt>();
    const tell = (event: ConnectionEvent): void => {
      lastError.note(event);
      if (event.type === 'reconnecting') attempts$.next(event);
      events$.next(event);
    };
    let isWarned = false;
    const onFirstFailure = (error: RedisError): void => {
      // A pool that does not reconnect fails its commands at once, so it needs no warning.
      if (isWarned || events$.observed || resolved.reconnect === false) return;
      isWarned = true;
      warnUnreachable(address, error, 'pool.events$');
    };
    const sentinels = sentinelsOf(resolved, {
      clock,
      parts: () => ({ clock, ...stage.partsFor('sentinel') }),
      tell: (error) => tell({ connection: 'sentinel', type: 'error', error }),
    });
    const maker = makerOf(stage, resolved, telemetry, clock);
    const make = (): Connection => {
      const parts = { guide: sentinels?.guide(), session: session.copy(), once: true, onFirstFailure };
      const connection = maker('lease', {}, parts);
      connection.events$.subscribe(tell);
      return connection;
    };
    const leases = telemetry.lending(new LeasePool({ make, clock, limits, maxOption: 'max' }), limits);
    const pool = (): LeasePool => {
      leases.keep();
      return leases;
    };
    const bareExecutorOf = (connection: Connection) => wrapping(connection, wraps)(connection);
    const executorOf = (connection: Connection) =>
      wrapping(connection, wraps, telemetry.follow(placeOf(connection)))(connection);
    const elsewhere: Place = {
      isReady: () => true,
      name: () => address,
      database: () => session.database,
      attempts$,
    };
    const wrap = wrappingAll(wraps, telemetry.follow(elsewhere));
    const spread = new Spread({ pool, clock, blockingGrace: resolved.blockingGrace, executorOf: bareExecutorOf });
    const spreading = wrap(spread);
    const source = replySource(resolved, spreading, (error) => tell({ connection: 'commands', type: 'error', error }));
    const lending = (): LeasePool => {
      if (this.closing) throw tooLate(undefined, undefined, 'pool');
      return pool();
    };
    const ending = new Ending();
    const lender = new ConnectionLender({
      clock: resolved.asyncContext ? inScheduledContext(clock) : clock,
      pool: lending,
      executorOf,
      bareExecutorOf: (connection) =>
        wrapping(connection, wraps, telemetry.followWatched(placeOf(connection)))(connection),
      followWatch: (outcome$, report) => telemetry.followWatch(outcome$, report, elsewhere),
      ending,
      tell,
    });
    const control = new OwnControl(make, resolved.commandTimeout);
    const blocking = new BlockingExecutor({
      pool,
      clock,
      control,
      areSpread: guard !== undefined,
      executorOf: bareExecutorOf,
      wrap,
      isClosed: () => this.closing,
      closedError: (request) => tooLate(request, undefined, 'pool'),
      what: 'the pool',
      longestEnd: Math.min(resolved.commandTimeout, LONGEST_CLOSE),
      waitsFor: 'it waited for a connection of the pool',
      tell: (error) => tell({ connection: 'commands', type: 'error', error }),
    });
    const links = { kind: 'several' } as const;
    super({
      source,
      publisher: spreading,
      blocking,
      last: control,
      lender,
      scripts: new ScriptRegistry(),
      ending,
      links,
      handling: telemetry.handling,
    });
    this.blocking = blocking;
    this.control = control;
    this.leases = leases;
    this.lender = lender;
    this.ending = ending;
    this.source = source;
    this.spread = spread;
    this.clock = clock;
    this.address = address;
    this.stats$ = leases.stats$.pipe(shielded(), inContext());
    this.events$ = events$.pipe(shielded(), inContext());
    this.sentinels = sentinels;
    this.look = () =>
      inspect({
        kind: 'RedisPool',
        address,
        state: () => (this.closing ? 'closed' : undefined),
        connections: () => [],
        leases: () => leases,
        blocking,
        blockingGrace: resolved.blockingGrace,
        clock,
        lastError,
        spread,
        sentinels,
      });
    this.unobserve = telemetry.observe(() => readingsOf([], { leases, spread }));
  }

  /** How many connections there are, and how many callers wait. */
  get stats(): PoolStats {
    return this.leases.stats;
  }

  /**
   * Opens `min` connections, at least one; emits `undefined` once and completes when one is ready. It is hot: it begins at once, whether
   * anything subscribes or not. It can be awaited.
   * @throws AuthenticationError when the credentials are refused
   * @throws DisconnectedError when the pool is closed
   * @throws TimeoutError when none is ready within `commandTimeout` ms; the pool goes on trying to keep `min`
   */
  connect(): Completion {
    return new Completion(this.lender.lend(this.source, ({ link }) => link.connect()));
  }

  /**
   * Lends a connection to work until that ends: completes, errors, or is unsubscribed from. It is cold, and can be awaited. When a connection
   * cannot be made the caller waits for one that another gives back. Where none is in use it is lent all the same: commands on it wait for
   * `commandTimeout` ms, and fail at once where the credentials are wrong.
   * @returns all values of the work, which is done once per subscription; awaiting does it once and gives the last value, undefined
   * where there is none
   * @throws TimeoutError when no connection is free within `acquireTimeout` ms
   * @throws DisconnectedError when the pool is closed
   * @example
   * await pool.use(async (connection) => {
   *   await connection.watch('n');
   *   const n = Number(await connection.get('n'));
   *   return connection.multi(set('n', n + 1));
   * });
   */
  use<T>(work: (connection: DedicatedConnection) => PromiseLike<T>): Awaitable<T>;
  use<T>(work: (connection: DedicatedConnection) => ObservableInput<T>): Awaitable<T, T | undefined>;
  use<T>(work: (connection: DedicatedConnection) => ObservableInput<T>): Awaitable<T, T | undefined> {
    const checked = checkedWork('use', work);
    return new LastValue(this.lender.lend(this.source, ({ dedicated }) => checked(dedicated)));
  }

  /**
   * Lends a connection until `release`. It is cold, and can be awaited: each subscription lends one, and so does awaiting. Unsubscribing
   * before it is there leaves the line. `use` is safer, because it cannot forget to release. What `use` does when a
   * connection cannot be made holds here too.
   * @throws TimeoutError when no connection is free within `acquireTimeout` ms
   * @throws DisconnectedError when the pool is closed
   * @example
   * const connection = await pool.acquire();
   * try {
   *   await connection.get('k');
   * } finally {
   *   pool.release(connection);
   * }
   */
  acquire(): Awaitable<DedicatedConnection> {
    return new LastValue(
      new Observable<DedicatedConnection>((subscriber) => {
        let isLent = false;
        const lent = this.lender.lease(this.source).subscribe({
          next: ({ lease, dedicated }) => {
            isLent = true;
            this.acquired.set(dedicated, lease);
            subscriber.next(dedicated);
            subscriber.complete();
          },
          error: (error: unknown) => subscriber.error(error),
        });
        subscriber.add(() => {
          if (!isLent) lent.unsubscribe();
        });
      }),
    ) as Awaitable<DedicatedConnection>;
  }

  /**
   * Gives a connection back that was acquired. What its caller has left open, as MULTI or WATCH, is ended before others have it; a connection
   * that is otherwise not as it was is closed. What is sent on it later fails.
   * @throws TypeError when this pool has not lent it, or it was released before
   */
  release(connection: DedicatedConnection): void {
    const lease = this.acquired.get(connection);
    if (lease === undefined) {
      throw new TypeError('release: this connection was not acquired from this pool, or was released before');
    }
    this.acquired.delete(connection);
    lease.giveBack();
  }

  /**
   * Closes the pool: lends nothing more, fails callers that wait, and closes connections as they are given back; the replies of commands
   * that were sent on the pool itself are waited for as well. Emits `undefined` once and completes when all are closed. It is hot: it
   * begins at once, whether anything subscribes or not. It can be awaited.
   * @throws TypeError when an option is wrong
   */
  close(options: PoolCloseOptions = {}): Completion {
    const { timeout = LONGEST_CLOSE } = onlyKnown('close', options, ['timeout']);
    duration('timeout', timeout);
    this.closing = true;
    this.ending.close();
    const closedError = (): RedisError => tooLate(undefined, undefined, 'pool');
    // Before the commands that wait, so that what one gives back unsent goes to no other caller.
    this.leases.dismiss(closedError);
    const answered$ = merge(this.spread.end(), this.blocking.end().pipe(take(1)), this.ending.finished() ?? EMPTY);
    const back$ = concat(
      answered$.pipe(ignoreElements()),
      defer(() => this.leases.finish(closedError)),
    );
    const over$ = timeout === Infinity ? back$ : race(back$, timer(timeout, this.clock));
    const closed = new Completion(over$.pipe(take(1)));
    closed.subscribe(() => this.end());
    return closed;
  }

  /** Closes all connections at once: pending commands fail, and so does the work on connections that are lent. */
  destroy(): Completion {
    this.closing = true;
    // Before what gives connections back, so that no caller who waits gets one.
    this.leases.end(() => tooLate(undefined, undefined, 'pool'));
    this.ending.destroy(tooLate(undefined, undefined, 'pool'));
    this.spread.end();
    this.blocking.stop();
    this.end();
    return new Completion([]);
  }

  private end(): void {
    this.unobserve();
    this.sentinels?.end();
    this.leases.destroy(() => tooLate(undefined, undefined, 'pool'));
    this.control.destroy();
  }

  /**
   * What the pool is doing now, as plain data and, by `toString()`, as lines for people: its connections and queues, the command that has
   * waited for longest, what waits at the server, leases and the last error. Of commands it shows the keys and no other argument.
   * It is put together when it is asked for. `console.log(pool)` shows a line of it.
   * @example
   * setInterval(() => console.log(String(pool.inspect())), 10_000);
   */
  inspect(): Inspection {
    return this.look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What a log shows of a pool: no option, because some are secrets. */
  override toJSON(): PoolStats & { address: string } {
    return { address: this.address, ...this.stats };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inShort(this.look());
  }
}

/** How long closing waits for connections that are lent, ms. */
const LONGEST_CLOSE = 30_000;

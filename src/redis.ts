import {
  Observable,
  catchError,
  defer,
  filter,
  forkJoin,
  ignoreElements,
  map,
  merge,
  of,
  takeWhile,
  type ObservableInput,
} from 'rxjs';
import { carrierNotifications } from './carrier-notifications';
import { LastValue, type Awaitable } from './commands/awaitable';
import { Reply, type ReplySource } from './commands/reply';
import { plainContext, type Executor } from './commands/request-context';
import { inContext } from './connection/async-context';
import { inScheduledContext } from './connection/clock';
import { Completion } from './connection/completion';
import { keptFor, type ProcessReferences } from './connection/process-references';
import type { Connection } from './connection/connection';
import type { ConnectionEvent, ConnectionState } from './connection/connection-state';
import { BlockingExecutor } from './leases/blocking-executor';
import { LeasePool, type LeaseParts } from './leases/lease-pool';
import type { Control } from './leases/unblocking';
import { shielded } from './connection/shielded';
import { wrapping, wrappingAll } from './connection/wrapping';
import { ScriptRegistry } from './groups/scripts';
import { clockOf, stageOf } from './connection/stage';
import { makerOf, type MakeConnection } from './connection-maker';
import { ConnectionLender, checkedWork } from './connection-lender';
import type { DedicatedConnection } from './dedicated-connection';
import { Ending } from './demand/ending';
import type { RedisError } from './errors';
import type { ClientCache } from './freshness/client-cache';
import { Freshness, turnsTrackingOn } from './freshness/freshness';
import { givenOptions } from './given-options';
import { LatestError, inShort, inspect, isWaitedFor, type Inspection } from './inspection';
import { resolveOptions, type RedisOptions, type ResolvedOptions } from './options';
import { kindOf } from './resp/kind-of';
import { Notifications } from './pubsub/notifications';
import { PubSub } from './pubsub/pubsub';
import { RedisView } from './redis-view';
import { replySource } from './reply-source';
import { readsOnly } from './topology/reads-only';
import { sentinelsOf } from './topology/sentinels-of';
import { readingsOf } from './readings';
import { attemptsAt, placeOf, type Place } from './telemetry/following';
import { telemetryOf } from './telemetry/telemetry';
import { warnUnreachable } from './unreachable-warning';

/**
 * A client of one Redis or Valkey server. Nothing is opened before the first subscription or `connect()`.
 *
 * @example
 * const redis = new Redis('redis://localhost:6379');
 * await redis.set('k', 'v', { EX: 60 });
 * redis.subscribe('news:*').subscribe(({ channel, data }) => console.log(channel, data));
 */
export class Redis extends RedisView {
  /** What the connection of commands is doing: the current state first, `closed` last. */
  readonly state$: Observable<ConnectionState>;
  /**
   * What happens to the client's connections, and the errors of forgotten replies. No process ends when nothing listens.
   *
   * `connection` says which one it is: that of commands, whose state `state$` tells, or that of messages, which is there while something
   * is observed and some seconds longer. What is published while the connection of messages is lost does not come; its `connect` says
   * that all subscriptions stand again. Connections of `dedicated` have no events here; of those of `watch` comes how each `watch` has
   * ended, and after how many attempts.
   * @example
   * redis.events$
   *   .pipe(filter(({ connection, type }) => connection === 'messages' && type === 'connect'))
   *   .subscribe(() => reload()); // what was published in between was missed
   */
  readonly events$: Observable<ConnectionEvent>;

  /** What is kept in memory, where the option `cache` is on: its figures, and `clear()`. */
  readonly cache: ClientCache;

  private readonly connection: Connection;
  private readonly pubsub: PubSub;
  private readonly source: ReplySource;
  private readonly lender: ConnectionLender;
  /** How streams end with the client. */
  private readonly ending: Ending;
  private readonly blocking: BlockingExecutor;
  /** How many listen to `state$` and `events$`. */
  private listeners = 0;
  /** The connections of messages; one that is closed is not used any more. */
  private readonly carriers = new Set<Connection>();
  /** The connections of `dedicated`, once one was wanted. */
  private leases: LeasePool | undefined;
  /** Looks at what the client is doing. */
  private readonly look: () => Inspection;
  private readonly references: ProcessReferences | undefined;
  private readonly closedError = (): RedisError => this.connection.closedError();

  /**
   * @param url `redis://[[user:]password@]host[:port][/database]`
   * @param options these take precedence over the URL
   * @throws TypeError when the URL or an option is wrong; the message never holds a password
   */
  constructor(url?: string | URL, options?: RedisOptions);
  // Compilers report the last overload alone, so this one is last: the error names the wrong option, not the `port` of a URL.
  /** @throws TypeError when an option is wrong; the message never holds a password */
  constructor(options: RedisOptions);
  constructor(first?: string | URL | RedisOptions, second?: RedisOptions) {
    const given = givenOptions('Redis', first, second);
    const resolved = resolveOptions(given);
    const stage = stageOf(given);
    const clock = clockOf(stage);
    const telemetry = telemetryOf(resolved, () => clock);
    const { sentinel } = resolved;
    const guard = sentinel === undefined || sentinel.role === 'master' ? undefined : readsOnly(sentinel.role);
    const wraps = { verify: resolved.verify, asyncContext: telemetry.asyncContext, guard };
    const sentinels = sentinelsOf(resolved, {
      clock,
      parts: () => ({ clock, ...stage.partsFor('sentinel') }),
      tell: (error) => connection.events$.next({ connection: 'sentinel', type: 'error', error }),
    });
    const lastError = new LatestError(clock);
    const maker = makerOf(stage, resolved, telemetry, clock);
    const make: MakeConnection = (role, others, parts) => {
      const connection = maker(role, others, { guide: sentinels?.guide(), ...parts });
      // The connection of commands tells of that of messages as well.
      if (role !== 'messages') connection.events$.subscribe(lastError.note);
      return connection;
    };
    let usersTracking = false;
    const onConnect = (): ReturnType<ResolvedOptions['onConnect']> => {
      const own = resolved.onConnect();
      usersTracking = turnsTrackingOn(own);
      return own;
    };
    const connection = make('commands', { onConnect }, { onFirstFailure: (error) => this.warn(error, resolved) });
    const { session } = connection;
    const openCarrier = (): Connection => {
      const carrier = make('messages', {}, { carriesMessages: true, session });
      this.carriers.add(carrier);
      carrier.state$.subscribe(({ kind }) => kind === 'closed' && this.carriers.delete(carrier));
      return carrier;
    };
    const ending = new Ending();
    const follow = telemetry.follow(placeOf(connection));
    const staged = (executor: Executor): Executor => stage.around?.(executor) ?? executor;
    const forLive = (): Executor => wrapping(connection, { ...wraps, asyncContext: false }, follow)(staged(connection));
    const freshness = new Freshness(connection, resolved, () => usersTracking, forLive, ending);
    stage.keepsBy?.(freshness);
    const wrapped = wrapping(connection, wraps, (executor) => freshness.around(follow(executor)));
    const wrap = (executor: Executor): Executor => wrapped(staged(executor));
    const pubsub = new PubSub(connection, openCarrier, resolved, wrap);
    stage.subscribesBy(pubsub);
    const source = replySource(resolved, wrap(connection), (error) =>
      connection.events$.next({ connection: 'commands', type: 'error', error }),
    );
    const leaseParts: LeaseParts = {
      make: () => make('lease', {}, { session: session.copy(), once: true }),
      clock: connection.clock,
      limits: resolved.leases,
      maxOption: 'leases.max',
    };
    const pool = (): LeasePool => {
      if (connection.closed) throw connection.closedError();
      if (this.leases !== undefined) return this.leases;
      const leases = (this.leases = telemetry.lending(new LeasePool(leaseParts), resolved.leases));
      stage.lendsBy?.(leases);
      return leases;
    };
    const bareExecutorOf = (lease: Connection) => wrapping(lease, wraps)(lease);
    const executorOf = (lease: Connection) =>
      freshness.noting(wrapping(lease, wraps, telemetry.follow(placeOf(lease)))(lease));
    const elsewhere: Place = {
      isReady: () => true,
      name: () => connection.address,
      database: () => session.database,
      attempts$: attemptsAt(connection),
    };
    const lender = new ConnectionLender({
      clock: resolved.asyncContext ? inScheduledContext(connection.clock) : connection.clock,
      ending,
      pool,
      executorOf,
      bareExecutorOf: (lease) =>
        freshness.noting(wrapping(lease, wraps, telemetry.followWatched(placeOf(lease)))(lease)),
      followWatch: (outcome$, report) => telemetry.followWatch(outcome$, report, elsewhere),
      tell: (event) => connection.events$.next(event),
    });
    const control = controlBy(connection, source);
    const blocking = new BlockingExecutor({
      pool,
      clock: connection.clock,
      control,
      areSpread: guard !== undefined,
      executorOf: bareExecutorOf,
      wrap: (executor) => freshness.noting(wrappingAll(wraps, telemetry.follow(elsewhere))(executor)),
      isClosed: () => connection.closed || ending.hasBegun,
      closedError: (request) => connection.closedError(request),
      what: 'the client',
      longestEnd: Math.min(resolved.commandTimeout, LONGEST_END),
      waitsFor: 'it waited for a connection of its own',
      tell: (error) => connection.events$.next({ connection: 'commands', type: 'error', error }),
    });
    // A link has a state of its own, `ready`.
    const links = { kind: 'successive', current: () => connection.state$.value } as const;
    const scripts = new ScriptRegistry();
    const notifications =
      sentinels === undefined
        ? new Notifications(connection, (command) => Reply.from(source, command))
        : carrierNotifications(pubsub, connection, source, (address) => sentinels.connectTo(address));
    const { publisher } = pubsub;
    super({
      source,
      publisher,
      blocking,
      last: control,
      pubsub,
      notifications,
      freshness,
      lender,
      scripts,
      ending,
      links,
      version: () => connection.server?.version,
      handling: telemetry.handling,
      onDrop: telemetry.onDrop,
    });
    this.blocking = blocking;
    this.references = clock.references;
    this.connection = connection;
    this.pubsub = pubsub;
    this.source = source;
    this.lender = lender;
    this.ending = ending;
    this.cache = freshness.cache;
    this.look = () =>
      inspect({
        kind: 'Redis',
        address: connection.address,
        state: () => connection.state$.value.kind,
        connections: () => [
          ['commands', connection],
          ...[...this.carriers].map((carrier) => ['messages', carrier] as const),
        ],
        leases: () => this.leases,
        blocking,
        blockingGrace: resolved.blockingGrace,
        clock: connection.clock,
        lastError,
        pubsub,
        offlineQueue: resolved.offlineQueue,
        sentinels,
      });
    const unobserve = telemetry.observe(() =>
      readingsOf([connection, ...this.carriers], { leases: this.leases, pubsub, cache: resolved.cache && this.cache }),
    );
    connection.state$.pipe(filter(isClosed)).subscribe(() => {
      unobserve();
      this.ref();
      sentinels?.end();
      // Before the commands that wait, so that what one gives back unsent goes to no other caller; below as well.
      this.leases?.end(this.closedError);
      blocking.stop();
      this.leases?.destroy(this.closedError, { spares: true });
    });
    const state$ = connection.state$.pipe(
      takeWhile(({ kind }) => kind !== 'closed', true),
      inContext(),
    );
    this.state$ = this.counted(state$);
    this.events$ = this.counted(connection.events$.pipe(shielded(), inContext()));
  }

  /**
   * Opens the connection unless it is open; emits `undefined` once and completes when it is ready. It is hot: it begins at once,
   * whether anything subscribes or not. It can be awaited.
   * @example
   * await redis.connect();
   * redis.connect().pipe(switchMap(() => redis.get('k'))).subscribe(console.log);
   * @throws AuthenticationError when the credentials are refused
   * @throws ReplyError when the server refuses the database or a command of onConnect
   * @throws DisconnectedError when the client is closed or has given up
   * @throws TimeoutError when it is not ready within `commandTimeout` ms; the client goes on trying
   */
  connect(): Completion {
    return new Completion(keptFor(this.references, this.connection.connect()));
  }

  /**
   * Makes the connections anew: that of the commands and that of messages. Each is left once its replies have come, or now, and commands
   * that are called meanwhile wait for the next. Emits `undefined` once and completes when they are ready. It is hot: it begins at once,
   * whether anything subscribes or not. It can be awaited. Connections of `dedicated` stay as they are, and so do those of commands that
   * wait at the server, as BLPOP does; WAIT and WAITAOF are not waited for.
   * @param options `now`: do not wait for replies; commands in flight are repeated or fail as when a connection is lost
   * @example
   * network.on('change', () => redis.reconnect({ now: true }));
   * @throws DisconnectedError when the client is closed
   * @throws TimeoutError when the connection is not ready within `commandTimeout` ms after it was left; the client goes on trying
   */
  reconnect({ now = false }: { readonly now?: boolean } = {}): Completion {
    if (typeof now !== 'boolean') throw new TypeError(`reconnect: 'now' is a boolean, got ${kindOf(now)}`);
    const carriers = [...this.carriers].filter(({ closed }) => !closed);
    this.connection.session.renew();
    this.leases?.renew();
    // Observers of messages are told if a carrier ends.
    const messages = carriers.map((carrier) => carrier.reconnect(now).pipe(catchError(() => of(undefined))));
    const renewed$ = forkJoin([this.connection.reconnect(now), ...messages]).pipe(map(() => undefined));
    return new Completion(keptFor(this.references, renewed$));
  }

  /**
   * Closes the client: lets pending replies arrive, and messages that were published before them to the client's own Observers; then
   * completes all streams, closes the connections, emits `undefined` once and completes. It is hot: it begins at once, whether anything
   * subscribes or not. It can be awaited. Later commands are refused. It takes `commandTimeout` ms at the most, 30 000 where that is more.
   *
   * Commands that wait at the server, as BLPOP does, are ended there: what came before that is delivered, and nothing is taken later. It does
   * not wait for a connection that is lost, nor for the work of `dedicated`: pending replies of that arrive, and its next command is refused.
   * Commands that fail so error with a DisconnectedError.
   * @example
   * await redis.publish('news', 'the last one');
   * await redis.close();
   */
  close(): Completion {
    this.ref();
    this.ending.close();
    const { blocking, ending, leases, pubsub } = this;
    leases?.end(this.closedError);
    const unblocked$ = blocking.end().pipe(ignoreElements());
    // Leases first, because they end with the shared connection unless they are closing already.
    const closing = leases === undefined ? [] : [leases.close(this.closedError, (lease) => blocking.isEnding(lease))];
    closing.push(
      this.connection.close(() => {
        const rest = [blocking.isDone ? undefined : unblocked$, pubsub.arrived(), ending.finished()];
        const awaited = rest.filter((one) => one !== undefined);
        return awaited.length === 0 ? undefined : merge(...awaited);
      }),
    );
    return new Completion(forkJoin(closing).pipe(map(() => undefined)));
  }

  /**
   * Closes the connections at once: pending commands and all streams of values error with a DisconnectedError; `state$` and `events$` complete.
   * What it returns has emitted and completed.
   *
   * As everywhere in RxJS, a stream that is observed without an `error` callback then ends the process; `close()` completes the streams.
   */
  destroy(): Completion {
    const error = this.closedError();
    // Before what gives connections back, so that no caller who waits gets one.
    this.leases?.end(this.closedError);
    this.ending.destroy(error);
    this.pubsub.destroy(error);
    this.blocking.stop();
    this.leases?.destroy(this.closedError);
    this.connection.destroy();
    return new Completion([]);
  }

  /**
   * Lends a connection for commands that would disturb others on the shared one: WATCH, MULTI and EXEC by hand, RESET, QUIT. It is
   * signed in as the client is, is not made again when it is lost, and sends nothing a second time.
   *
   * It is given back when the work completes, fails or is unsubscribed from. It is then kept for the next caller, cleaned of an open MULTI
   * and of WATCH; one that is otherwise not as it was is closed. The option `leases` says how many there may be, how long one is kept, and
   * how long one is waited for; callers get them in the order in which they came.
   *
   * When a connection cannot be made, and no other will be given back, the work begins all the same, and its commands wait as those of the
   * client do.
   * @returns all values of the work, which is done once per subscription; awaiting does it once and gives the last value, undefined
   * where there is none
   * @throws TypeError when `work` is no function; it errors with one when that gives neither an Observable nor a Promise
   * @throws TimeoutError when no connection is free within `leases.acquireTimeout` ms
   * @throws DisconnectedError when the client is closed
   * @example
   * redis.dedicated((connection) => connection.call('MULTI').pipe(concatMap(() => connection.incr('n')), concatMap(() => connection.exec())));
   */
  dedicated<T>(work: (connection: DedicatedConnection) => PromiseLike<T>): Awaitable<T>;
  dedicated<T>(work: (connection: DedicatedConnection) => ObservableInput<T>): Awaitable<T, T | undefined>;
  dedicated<T>(work: (connection: DedicatedConnection) => ObservableInput<T>): Awaitable<T, T | undefined> {
    const checked = checkedWork('dedicated', work);
    return new LastValue(this.lender.lend(this.source, ({ dedicated }) => checked(dedicated)));
  }

  /**
   * Lets the process end while the client is open: once nothing else keeps it, and no command waits for its reply. Observers of messages do
   * not keep it, nor do commands that wait at the server, as BLPOP does.
   * @example
   * const redis = new Redis().unref();
   */
  unref(): this {
    this.references?.unref(() => isWaitedFor(this.look()));
    return this;
  }

  /** The client keeps the process alive until it is closed, as it does without `unref()`. */
  ref(): this {
    this.references?.ref();
    return this;
  }

  /**
   * What the client is doing now, as plain data and, by `toString()`, as lines for people: its connections and queues, the command that has
   * waited for longest, what waits at the server, subscriptions, leases and the last error. Of commands it shows the keys and no other argument.
   * It is put together when it is asked for. `console.log(redis)` shows a line of it.
   * @example
   * setInterval(() => console.log(String(redis.inspect())), 10_000);
   */
  inspect(): Inspection {
    return this.look();
  }

  private counted<T>(source: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      this.listeners++;
      subscriber.add(() => this.listeners--);
      return source.subscribe(subscriber);
    });
  }

  /** Warns once why there is no connection, where nothing else would show it until commands run out of time. */
  private warn(error: RedisError, { reconnect }: ResolvedOptions): void {
    // A client that does not reconnect fails its commands at once, so it needs no warning.
    if (this.listeners > 0 || reconnect === false) return;
    warnUnreachable(this.connection.address, error, 'redis.state$ or redis.events$');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What a log shows of a client: no option, because some are secrets. */
  override toJSON(): { address: string; state: ConnectionState['kind'] } {
    return { address: this.connection.address, state: this.connection.state$.value.kind };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inShort(this.look());
  }
}

/** How long the end of commands that wait at the server may take at most, ms. */
const LONGEST_END = 30_000;

/** What the client itself has to say while a command waits, on the connection of the commands. */
function controlBy(connection: Connection, source: ReplySource): Control {
  const context = { ...source, ...plainContext, executor: connection, commandTimeout: source.commandTimeout };
  const isReady = () => connection.state$.value.kind === 'ready';
  return {
    open: () => connection.open(),
    ask: (command) => defer(() => (isReady() ? connection.line.sendAhead(command) : Reply.from(context, command))),
    send: (command) =>
      defer(() =>
        connection.closed && isReady()
          ? connection.line.sendAhead(command)
          : Reply.from({ ...context, retry: source.retry }, command),
      ),
  };
}

function isClosed({ kind }: ConnectionState): boolean {
  return kind === 'closed';
}

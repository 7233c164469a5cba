import { defer, filter, finalize, forkJoin, map, takeWhile, tap, type Observable, type ObservableInput } from 'rxjs';
import type { ReplySource } from './commands/reply';
import { plainContext } from './commands/request';
import { Completion } from './connection/completion';
import { Connection, type ConnectionEvent, type ConnectionParts, type ConnectionState } from './connection/connection';
import { retryPolicy } from './connection/retry';
import { shielded } from './connection/shielded';
import { DedicatedConnection } from './dedicated-connection';
import { kindOf } from './resp/kind-of';
import { resolveOptions, withoutUndefined, type RedisOptions } from './options';
import { PubSub } from './pubsub/pubsub';
import { RedisView } from './redis-view';

/**
 * A client of one Redis or Valkey server. Nothing is opened before the first subscription or `connect()`.
 *
 * @example
 * const redis = new Redis('redis://localhost:6379');
 * await redis.set('k', 'v', { EX: 60 });
 * redis.subscribe('news:*').subscribe(({ channel, data }) => console.log(channel, data));
 */
export class Redis extends RedisView {
  /** What the connection is doing: the current state first, `closed` last. */
  readonly state$: Observable<ConnectionState>;
  /** What happens to the connection. Nothing is lost, and no process ends, when nobody listens. */
  readonly events$: Observable<ConnectionEvent>;

  /** @internal What every connection is made with: the simulation puts its own time and sockets here. */
  static parts: () => ConnectionParts = () => ({});

  private readonly connection: Connection;
  private readonly source: ReplySource;
  private readonly lend: () => Connection;
  /** What `dedicated` has lent and not got back. */
  private readonly leases = new Set<Connection>();

  /**
   * @param url `redis://[[user:]password@]host[:port][/database]`, or options; options beside a URL take precedence
   * @throws TypeError when the URL or an option is wrong; the message never holds a password
   */
  constructor(url?: string | URL | RedisOptions, options: RedisOptions = {}) {
    const resolved = resolveOptions(optionsOf(url, options));
    const { parts } = new.target;
    const connection = new Connection(resolved, parts());
    const { session } = connection;
    // In RESP2 messages need a connection that carries nothing else.
    const openOwn = () => new Connection({ ...resolved, protocol: 2 }, { ...parts(), arraysArePushes: true, session });
    const pubsub = new PubSub(connection, openOwn);
    const { prefix, commandTimeout, retry } = resolved;
    const source = { ...plainContext, executor: connection, prefix, commandTimeout, retry: retryPolicy(retry) };
    super(source, pubsub);
    this.connection = connection;
    this.source = source;
    this.lend = () => new Connection({ ...resolved, reconnect: false }, { ...parts(), session: session.copy() });
    this.state$ = connection.state$.pipe(takeWhile(({ kind }) => kind !== 'closed', true));
    this.events$ = connection.events$.pipe(shielded());
  }

  /**
   * Opens the connection unless it is open; done when it is ready.
   * @throws AuthenticationError when the credentials are refused
   * @throws ReplyError when the server refuses the database or a command of onConnect
   * @throws DisconnectedError when the client is closed or has given up
   * @throws TimeoutError when it is not ready within `commandTimeout` ms; the client goes on trying
   */
  connect(): Completion {
    return new Completion(this.connection.connect());
  }

  /** Lets pending replies arrive, completes all streams and closes the connections. Commands that come later are refused. */
  close(): Completion {
    // What is lent first, for it ends with the shared connection unless it is closing already.
    const closing = [...this.leases, this.connection].map((connection) => connection.close());
    return new Completion(forkJoin(closing).pipe(map(() => undefined)));
  }

  /** Closes the connections at once: pending commands fail, streams complete. */
  destroy(): Completion {
    for (const connection of [this.connection, ...this.leases]) connection.destroy();
    return new Completion([]);
  }

  /**
   * Lends a connection of its own for what would disturb others on the shared one: WATCH, MULTI and EXEC by hand, RESET, QUIT. It
   * is signed in as the client is, is not made again when it is lost, sends nothing a second time, and is thrown away when the work completes, fails or is
   * unsubscribed from.
   * @example
   * redis.dedicated((connection) => connection.multi().pipe(concatMap(() => connection.incr('n')), concatMap(() => connection.exec())));
   */
  dedicated<T>(work: (connection: DedicatedConnection) => ObservableInput<T>): Observable<T> {
    return defer(() => {
      if (this.connection.closed) throw this.connection.closedError();
      const connection = this.lend();
      const ended$ = connection.state$.pipe(filter(isClosed), tap(throwIfLost));
      this.leases.add(connection);
      const end = this.connection.state$.pipe(filter(isClosed)).subscribe(() => {
        if (!connection.closed) connection.destroy(); // unless it is closing as well
      });
      const giveBack = () => {
        end.unsubscribe();
        this.leases.delete(connection);
        connection.destroy();
      };
      // Nothing else on it waits for what nobody asked for.
      const { multiplexer } = connection;
      multiplexer.listening = () => multiplexer.incoming.pushes$.observed;
      const lent = new DedicatedConnection(
        { ...this.source, executor: connection, retry: () => false },
        multiplexer.incoming.pushes$,
        ended$,
      );
      return defer(() => work(lent)).pipe(finalize(giveBack));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What a log shows of a client: no option of it, for some are secrets. */
  override toJSON(): { address: string; state: ConnectionState['kind'] } {
    return { address: this.connection.address, state: this.connection.state$.value.kind };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { address, state } = this.toJSON();
    return `Redis <${address}, ${state}>`;
  }
}

function optionsOf(url: string | URL | RedisOptions | undefined, options: RedisOptions): RedisOptions {
  if (typeof url === 'string' || url instanceof URL) return { ...options, url: String(url) };
  if (url !== undefined && (typeof url !== 'object' || url === null || Array.isArray(url))) {
    throw new TypeError(`new Redis: a URL or options were expected, got ${kindOf(url)}`);
  }
  return { ...url, ...withoutUndefined(options) };
}

function isClosed({ kind }: ConnectionState): boolean {
  return kind === 'closed';
}

function throwIfLost(state: ConnectionState): void {
  if (state.kind === 'closed' && state.error !== undefined) throw state.error;
}

import { Subscription, defer, filter, finalize, from, takeWhile, type Observable, type ObservableInput } from 'rxjs';
import type { ReplySource } from './commands/reply';
import { plainContext } from './commands/request';
import { Completion } from './connection/completion';
import { Connection, type ConnectionEvent, type ConnectionState } from './connection/connection';
import { retryPolicy } from './connection/retry';
import { DedicatedConnection } from './dedicated-connection';
import { resolveOptions, withoutUndefined, type RedisOptions, type ResolvedOptions } from './options';
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

  private readonly connection: Connection;
  private readonly source: ReplySource;
  private readonly lend: () => Connection;

  /**
   * @param url `redis://[[user:]password@]host[:port][/database]`, or options; options beside a URL take precedence
   * @throws TypeError when the URL or an option is wrong; the message never holds a password
   */
  constructor(url?: string | RedisOptions, options: RedisOptions = {}) {
    if (
      url !== undefined &&
      typeof url !== 'string' &&
      (typeof url !== 'object' || url === null || Array.isArray(url))
    ) {
      throw new TypeError(`new Redis: a URL or options were expected, got ${url === null ? 'null' : typeof url}`);
    }
    const given = typeof url === 'string' ? { ...options, url } : { ...url, ...withoutUndefined(options) };
    const resolved = resolveOptions(given);
    const connection = new Connection(resolved);
    const pubsub = new PubSub(connection, () => subscriberConnection(resolved, connection));
    const { prefix, commandTimeout, retry } = resolved;
    const source = { ...plainContext, executor: connection, prefix, commandTimeout, retry: retryPolicy(retry) };
    super(source, pubsub);
    this.connection = connection;
    this.source = source;
    this.lend = () => new Connection({ ...resolved, reconnect: false }, { session: connection.session.copy() });
    this.state$ = connection.state$.pipe(takeWhile(({ kind }) => kind !== 'closed', true));
    this.events$ = connection.events$.asObservable();
  }

  /**
   * Opens the connection unless it is open; done when it is ready.
   * @throws AuthenticationError when the credentials are refused
   * @throws ReplyError when the server refuses the database or a command of onConnect
   * @throws DisconnectedError when the client is closed or has given up
   */
  connect(): Completion {
    return new Completion(this.connection.connect());
  }

  /** Lets pending replies arrive, completes all streams and closes the connection. Commands that come later are refused. */
  close(): Completion {
    return new Completion(this.connection.close());
  }

  /** Closes the connection at once: pending commands fail, streams complete. */
  destroy(): Completion {
    this.connection.destroy();
    return new Completion([]);
  }

  /**
   * Lends a connection of its own for what would disturb others on the shared one: WATCH, MULTI and EXEC by hand, RESET, QUIT. It
   * is signed in as the client is, is not made again when it is lost, and is thrown away when the work completes, fails or is
   * unsubscribed from.
   * @example
   * redis.dedicated((connection) => connection.multi().pipe(concatMap(() => connection.incr('n')), concatMap(() => connection.exec())));
   */
  dedicated<T>(work: (connection: DedicatedConnection) => ObservableInput<T>): Observable<T> {
    return defer(() => {
      const connection = this.lend();
      const source = { ...this.source, executor: connection };
      const end = this.connection.state$.pipe(filter(({ kind }) => kind === 'closed'));
      const leased = new Subscription(() => connection.destroy());
      leased.add(end.subscribe(() => leased.unsubscribe()));
      try {
        return from(work(new DedicatedConnection(source, connection.multiplexer.incoming.pushes$))).pipe(
          finalize(() => leased.unsubscribe()),
        );
      } catch (error) {
        leased.unsubscribe();
        throw error;
      }
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

/** In RESP2 messages need a connection that carries nothing else. */
function subscriberConnection(options: ResolvedOptions, { session }: Connection): Connection {
  return new Connection({ ...options, protocol: 2 }, { arraysArePushes: true, session });
}

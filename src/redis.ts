import {
  Subscription,
  defer,
  filter,
  finalize,
  from,
  ignoreElements,
  map,
  merge,
  takeWhile,
  type Observable,
  type ObservableInput,
} from 'rxjs';
import { call } from './commands/call';
import { Command, type Arg } from './commands/command';
import { SessionSurface } from './commands/generated/session';
import { monitor } from './commands/generated/builders';
import { CommandSurface } from './commands/generated/surface';
import { knownCommand } from './commands/known-commands';
import { applyPrefix } from './commands/prefix';
import { Reply, type ReplySource } from './commands/reply';
import { plainContext, type RequestContext, type RetryPolicy } from './commands/request';
import { refuseOnSharedConnection } from './commands/shared-connection';
import { Completion } from './connection/completion';
import { Connection, type ConnectionEvent, type ConnectionState } from './connection/connection';
import { retryPolicy } from './connection/retry';
import {
  duration,
  resolveOptions,
  resolveRetry,
  type RedisOptions,
  type ResolvedOptions,
  type RetryOptions,
} from './options';
import { PubSub } from './pubsub/pubsub';
import type { SubscriptionKind } from './pubsub/subscriptions';
import { prefixName, withoutPrefix } from './pubsub/prefix';
import type { Message } from './pubsub/topic';
import type { Push } from './resp/frames';

/** How `subscribe` reads its argument. */
export interface SubscribeOptions {
  /** take `*`, `?` and `[` for what they are, not for a pattern */
  readonly literal?: boolean;
}

/** A channel or pattern, or several. */
type Names = string | readonly string[];

/** What can be done on a connection, with strings or bytes where the server sends strings. */
abstract class Surface<S extends string | Buffer> extends CommandSurface<S> {
  protected abstract readonly source: ReplySource;
  protected abstract messages(kind: SubscriptionKind, names: readonly string[]): Observable<Message<S>>;

  /**
   * Sends a command by its name, for what has no method: new commands, modules.
   * @param name one or several words: `'JSON.SET'`, `'CLIENT LIST'`
   * @returns the reply as RESP has it: maps are `Map`, sets are arrays
   * @throws TypeError when an argument cannot be sent, or the command would change the connection for all who share it
   * @example
   * await redis.call('JSON.SET', 'doc', '$', '{}');
   */
  call<T = unknown>(name: string, ...args: readonly Arg[]): Reply<T> {
    const command = knownCall<T>(name, args);
    refuseOnSharedConnection(command.spec);
    return this.send(command);
  }

  /**
   * The messages of channels. A name with `*`, `?` or `[` is a pattern unless `literal` says otherwise. However many Observers
   * there are, the server sees one subscription, made with the first of them, ended with the last, restored after a reconnect.
   * @returns messages until the client is closed; errors with a ReplyError when the server refuses the channel
   * @example
   * redis.subscribe('news:*').pipe(filter(({ data }) => data !== '')).subscribe(render);
   */
  subscribe(names: Names, { literal = false }: SubscribeOptions = {}): Observable<Message<S>> {
    const all = listOf('subscribe', names);
    const isPattern = (name: string) => !literal && /[*?[]/.test(name);
    const patterns = all.filter(isPattern);
    const channels = all.filter((name) => !isPattern(name));
    if (patterns.length === 0) return this.messages('channel', channels);
    if (channels.length === 0) return this.messages('pattern', patterns);
    return merge(this.messages('channel', channels), this.messages('pattern', patterns));
  }

  /**
   * The messages of all channels whose names match a pattern.
   * @example
   * redis.psubscribe('news.[a-m]*').subscribe(({ channel, data }) => console.log(channel, data));
   */
  psubscribe(patterns: Names): Observable<Message<S>> {
    return this.messages('pattern', listOf('psubscribe', patterns));
  }

  /**
   * The messages of shard channels (Redis 7 and later).
   * @example
   * redis.ssubscribe('orders:{42}').subscribe(({ data }) => console.log(data));
   */
  ssubscribe(channels: Names): Observable<Message<S>> {
    return this.messages('shard', listOf('ssubscribe', channels));
  }

  protected send<T>(command: Command<T>): Reply<T> {
    return replyFrom(this.source, command);
  }
}

/** What may be said otherwise for some commands than for the whole client. */
export interface CommandOptions {
  /** how long a command may take, waiting, sending and repeating included, ms; blocking ones too; Infinity for ever */
  readonly commandTimeout?: number;
  /** repeating does no harm, whatever the client knows of the command: it may be sent again when it may have run */
  readonly idempotent?: boolean;
  /** which failed commands are sent again */
  readonly retry?: boolean | RetryOptions | RetryPolicy;
}

/** The surface of a client with other options than the client's own: `redis.withOptions(…)`. */
export class RedisView<S extends string | Buffer = string> extends Surface<S> {
  /** @internal */
  constructor(
    protected readonly source: ReplySource,
    protected readonly pubsub: PubSub,
  ) {
    super();
  }

  /** The same commands and subscriptions with Buffers where strings were. */
  get bytes(): RedisView<Buffer> {
    return (this.bytesView ??= new RedisView<Buffer>({ ...this.source, bytes: true }, this.pubsub));
  }

  private bytesView: RedisView<Buffer> | undefined;

  /**
   * The same client with other options for the commands that are called on it.
   * @throws TypeError that names the option and what was expected
   * @example
   * await redis.withOptions({ commandTimeout: 500 }).get('k');
   */
  withOptions(options: CommandOptions): RedisView<S> {
    return new RedisView<S>({ ...this.source, ...contextOf(options) }, this.pubsub);
  }

  /** What a log shows: no option, for some are secrets. */
  toJSON(): unknown {
    return {};
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'RedisView';
  }

  protected messages(kind: SubscriptionKind, names: readonly string[]): Observable<Message<S>> {
    const { bytes, prefix } = this.source;
    const wanted = prefix === '' ? names : names.map((name) => prefixName(kind, name, prefix));
    const messages = bytes ? this.pubsub.messagesAsBytes(kind, wanted) : this.pubsub.messages(kind, wanted);
    const own = messages as Observable<unknown> as Observable<Message<S>>;
    return prefix === '' ? own : own.pipe(map((message) => withoutPrefix(message, prefix)));
  }
}

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
  private readonly lend: () => Connection;

  /**
   * @param url `redis://[[user:]password@]host[:port][/database]`, or options; options beside a URL take precedence
   * @throws TypeError when the URL or an option is wrong; the message never holds a password
   */
  constructor(url?: string | RedisOptions, options: RedisOptions = {}) {
    const given = typeof url === 'string' ? { ...options, url } : { ...url, ...options };
    const resolved = resolveOptions(given);
    const connection = new Connection(resolved);
    const pubsub = new PubSub(connection, () => subscriberConnection(resolved, connection));
    const { prefix, commandTimeout, retry } = resolved;
    super({ ...plainContext, executor: connection, prefix, commandTimeout, retry: retryPolicy(retry) }, pubsub);
    this.connection = connection;
    this.lend = () => new Connection({ ...resolved, reconnect: false }, { session: connection.session.copy() });
    this.state$ = connection.state$.pipe(takeWhile(({ kind }) => kind !== 'closed', true));
    this.events$ = connection.events$.asObservable();
  }

  /**
   * Opens the connection unless it is open; done when it is ready.
   * @throws AuthenticationError when the credentials are refused
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
        return from(work(new DedicatedConnection(source, connection.multiplexer.pushes$))).pipe(
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

/** A connection that belongs to its user alone, with the commands that change a connection: `redis.dedicated(…)`. */
export class DedicatedConnection extends SessionSurface {
  /** @internal */
  constructor(
    protected readonly source: ReplySource,
    private readonly pushes$: Observable<Push>,
  ) {
    super();
  }

  /**
   * Everything that the server is told by anybody, a line for each command, secrets included.
   * @example
   * redis.dedicated((connection) => connection.monitor()).pipe(take(10)).subscribe(console.log);
   */
  monitor(): Observable<string> {
    const lines = this.pushes$.pipe(
      filter(({ kind }) => kind === 'monitor'),
      map(({ items }) => items[1] as string),
    );
    return merge(lines, this.send(monitor()).pipe(ignoreElements()));
  }

  /**
   * Sends any command by its name.
   * @throws TypeError when an argument cannot be sent
   * @example
   * await connection.call('MULTI');
   */
  call<T = unknown>(name: string, ...args: readonly Arg[]): Reply<T> {
    return this.send(knownCall<T>(name, args));
  }

  protected send<T>(command: Command<T>): Reply<T> {
    const { spec, args, read, keys } = command;
    // Between MULTI and EXEC every reply is this; the replies themselves come with EXEC.
    const readOrQueued: typeof read = (frame, context) => (frame === 'QUEUED' ? (frame as T) : read(frame, context));
    return replyFrom(this.source, new Command(spec, args, readOrQueued, keys));
  }
}

/** The reply to a command with the prefix of its surface. */
function replyFrom<T>(source: ReplySource, command: Command<T>): Reply<T> {
  return new Reply(source, source.prefix === '' ? command : applyPrefix(command, source.prefix));
}

function contextOf({ commandTimeout, idempotent, retry, ...rest }: CommandOptions): Partial<RequestContext> {
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new TypeError(`withOptions: there is no option '${unknown}' for commands`);
  if (commandTimeout !== undefined) duration('commandTimeout', commandTimeout);
  return {
    ...(commandTimeout !== undefined && { commandTimeout, limitsBlocking: true }),
    ...(idempotent !== undefined && { idempotent }),
    ...(retry !== undefined && { retry: retryPolicy(resolveRetry(retry)) }),
  };
}

/** In RESP2 messages need a connection that carries nothing else. */
function subscriberConnection(options: ResolvedOptions, { session }: Connection): Connection {
  return new Connection({ ...options, protocol: 2 }, { arraysArePushes: true, session });
}

/** A command by its name, with all that the client knows of it. */
function knownCall<T>(name: string, args: readonly Arg[]): Command<T> {
  const command = call<T>(name, ...args);
  const known = knownCommand(command.spec.name, args);
  return known === undefined ? command : new Command(known.spec, known.args, command.read, known.keys);
}

function listOf(method: string, names: Names): readonly string[] {
  const list = typeof names === 'string' ? [names] : names;
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(`${method}: a channel, or an array of at least one, was expected`);
  }
  list.forEach((name: unknown) => {
    if (typeof name !== 'string') throw new TypeError(`${method}: a channel is a string, got ${typeof name}`);
  });
  return list as readonly string[];
}

import { filter, map, merge, type Observable } from 'rxjs';
import type { Key, Many } from './commands/arguments';
import type { Awaitable } from './commands/awaitable';
import type { Arg, Command } from './commands/command';
import { evalshaOrEval } from './commands/evalsha-or-eval';
import { publish, spublish } from './commands/generated/builders';
import { CommandSurface } from './commands/generated/surface';
import { knownCall } from './commands/known-commands';
import { inText } from './commands/in-text';
import { ownMessage, prefixChannel } from './commands/prefix';
import { isBinary } from './commands/prefix-bytes';
import { Reply, type ReplySource } from './commands/reply';
import type { RequestContext, RetryPolicy } from './commands/request-context';
import { refuseOnSharedConnection } from './commands/shared-connection';
import { retryPolicy } from './connection/retry';
import type { DedicatedConnection } from './dedicated-connection';
import type { RedisError } from './errors';
import type { CommandChain } from './groups/command-chain';
import { libraryOf, type Library, type LibraryFunctions, type LibraryOptions } from './groups/library';
import type { Script, ScriptOptions } from './groups/script';
import type { ScriptReply } from './groups/script-replies';
import { ScriptRegistry, Scripts, defineScript } from './groups/scripts';
import { sendGroup } from './groups/send-group';
import type { FailFast, GroupOptions, ValuesOf } from './groups/values';
import { watchKeys, type Lender } from './groups/watch';
import type { Reads, WatchCommands, Watched, WatchKeys, WatchOptions } from './groups/watch-types';
import { duration } from './option-checks';
import { kindOf } from './resp/kind-of';
import { resolveRetry, withoutUndefined, type RetryOptions } from './options';
import type { ChannelName } from './pubsub/channel-name';
import type { RedisCommands } from './redis-commands';
import { MessageStream } from './pubsub/message-stream';
import type { PubSub } from './pubsub/pubsub';
import {
  isGlob,
  namesOf,
  optionsFor,
  type ChannelNames,
  type MessageOptions,
  type SubscribeOptions,
} from './pubsub/subscribe-options';
import type { SubscriptionKind } from './pubsub/subscriptions';
import type { Message } from './pubsub/topic';

/** What may be said otherwise for some commands than for the whole client. */
export interface CommandOptions {
  /** how long a command may take, waiting, sending and repeating included, ms; blocking ones too; Infinity for ever */
  readonly commandTimeout?: number | undefined;
  /** how long the server may be silent while it works on such a command, ms; Infinity for ever */
  readonly readTimeout?: number | undefined;
  /** how long a full send buffer may take to empty while such a command is under way, ms; Infinity for ever */
  readonly writeTimeout?: number | undefined;
  /** what a blocking command may take beyond its own wait, ms */
  readonly blockingGrace?: number | undefined;
  /** repeating does no harm, whatever the client knows of the command: it may be sent again when it may have run */
  readonly idempotent?: boolean | undefined;
  /** which failed commands are sent again */
  readonly retry?: boolean | RetryOptions | RetryPolicy | undefined;
}

/** What can be done on the shared connection: the client's own surface, and its views with other options or with bytes. */
export class RedisView<S extends string | Buffer = string>
  extends CommandSurface<S>
  implements RedisCommands<S, never>
{
  readonly #source: ReplySource;
  readonly #pubsub: PubSub;
  readonly #lender: Lender<DedicatedConnection>;
  readonly #scripts: ScriptRegistry;
  #bytes: RedisView<Buffer> | undefined;

  /** @internal */
  protected constructor(
    source: ReplySource,
    pubsub: PubSub,
    lender: Lender<DedicatedConnection>,
    scripts = new ScriptRegistry(),
  ) {
    super();
    this.#source = source;
    this.#pubsub = pubsub;
    this.#lender = lender;
    this.#scripts = scripts;
  }

  /** The same commands and subscriptions with Buffers where strings were. */
  get bytes(): RedisView<Buffer> {
    return (this.#bytes ??= new RedisView<Buffer>(
      { ...this.#source, bytes: true },
      this.#pubsub,
      this.#lender,
      this.#scripts,
    ));
  }

  /**
   * The same client with other options for the commands that are called on it.
   * @throws TypeError that names the option and what was expected
   * @example
   * await redis.withOptions({ commandTimeout: 500 }).get('k');
   */
  withOptions(options: CommandOptions): RedisView<S> {
    const source = { ...this.#source, ...contextOf(options, this.#source) };
    return new RedisView<S>(source, this.#pubsub, this.#lender, this.#scripts);
  }

  /**
   * Sends a command by its name, for what has no method: new commands, modules.
   * @param name one or several words: `'JSON.SET'`, `'CLIENT LIST'`
   * @returns the reply as RESP has it: maps are `Map`, sets are arrays
   * @throws TypeError when the name or an argument cannot be sent, or the command would change the connection for all who share it
   * @example
   * await redis.call('JSON.SET', 'doc', '$', '{}');
   */
  call<T = unknown>(name: string, ...args: readonly Arg[]): Reply<T> {
    const command = knownCall<T>(name, args);
    refuseOnSharedConnection(command.spec);
    const { name: known } = command.spec;
    return known === 'PUBLISH' || known === 'SPUBLISH' ? this.#publish(command) : this.send(command);
  }

  /** As {@link RedisCommands.pipeline}. */
  pipeline(options?: GroupOptions & { readonly failFast?: false | undefined }): CommandChain<[], S, RedisError>;
  pipeline(options: FailFast): CommandChain<[], S, never>;
  pipeline<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never>>;
  pipeline<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError>>;
  pipeline<C extends readonly Command[]>(...commands: C): Reply<ValuesOf<C, S, RedisError>>;
  pipeline(...given: readonly unknown[]): unknown {
    return sendGroup(this.#source, 'pipeline', given, this.#pubsub.publisher);
  }

  /** As {@link RedisCommands.multi}. */
  multi(options?: GroupOptions & { readonly failFast?: false | undefined }): CommandChain<[], S, RedisError>;
  multi(options: FailFast): CommandChain<[], S, never>;
  multi<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never>>;
  multi<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError>>;
  multi<C extends readonly Command[]>(...commands: C): Reply<ValuesOf<C, S, RedisError>>;
  multi(...given: readonly unknown[]): unknown {
    return sendGroup(this.#source, 'multi', given, this.#pubsub.publisher);
  }

  /** As {@link RedisCommands.script}. */
  script<N extends number, R extends ScriptReply | undefined>(
    lua: string,
    options?: ScriptOptions<N, R>,
  ): Script<N, R, S> {
    return defineScript((command) => this.send(command), this.#scripts, lua, options);
  }

  /** The scripts that were made on this client. */
  get scripts(): Scripts {
    return new Scripts(this.#source, this.#scripts);
  }

  /** As {@link RedisCommands.evalshaOrEval}. */
  evalshaOrEval<T = unknown>(script: string, keys?: Many<Key>, args?: Many<Arg>): Reply<T> {
    return this.send(evalshaOrEval<T>(script, keys, args));
  }

  /** As {@link RedisCommands.library}. */
  library<const F extends LibraryFunctions>(code: string, options: LibraryOptions<F>): Library<F, S> {
    return libraryOf(this.#source, (command) => this.send(command), code, options) as unknown as Library<F, S>;
  }

  /**
   * Changes keys as what is in them demands: a transaction that runs only if no key has changed since it was read. The keys are watched
   * on a connection of their own and read; `fn` gets their values and gives the commands, in an array, or a Promise or Observable of
   * one. When another client has changed a key meanwhile nothing has run, and it begins anew with the new values, after a short delay that
   * chance decides: `fn` may be called several times. It is cold, as every reply, and can be awaited.
   *
   * WATCH and the reads travel in one write, MULTI, the commands and EXEC in another. Without `read` each key is read as a whole by
   * its type; what is no string takes a round trip more.
   * @param keys one or several
   * @param fn what it gives is done; null leaves everything as it is. It gets the values by key, null where there is no such key, or what
   * `read` says by its names, and the connection for whatever else it has to read. Values of several keys may be of different moments; then
   * the transaction does not run
   * @returns the values of the commands, as `multi` gives them; null where `fn` gave null, and when every attempt has met a change. How
   * many attempts it took comes on `events$`. Nothing is watched any more when it ends, in whatever way, or is unsubscribed from. A
   * connection that is lost before EXEC was written costs an attempt, for `commandTimeout` ms
   * @throws TypeError when an argument is wrong. It errors with what `fn` throws, with a TypeError where that gives no commands, or a key has
   * a type that only `read` can read; with a ReplyError when the server refuses to watch or to read; otherwise as `multi` does
   * @example
   * await redis.watch(['stock', 'orders'], ({ stock }) => (Number(stock) > 0 ? [decr('stock'), incr('orders')] : null));
   * await redis.watch('user:1', ({ user }) => [hset('user:1', { visits: Number(user.visits) + 1 })], { read: { user: hgetall('user:1') } });
   */
  watch<
    const K extends WatchKeys,
    const C extends readonly Command[],
    R extends Reads | undefined = undefined,
    F extends boolean = false,
  >(
    keys: K,
    fn: (watched: Watched<K, R, S>, connection: DedicatedConnection<S>) => WatchCommands<C>,
    options?: WatchOptions<R, F>,
  ): Awaitable<ValuesOf<C, S, F extends true ? never : RedisError> | null>;
  watch(keys: unknown, fn: unknown, options?: unknown): unknown {
    return watchKeys(this.#source, this.#lender, keys, fn, options);
  }

  /**
   * The messages of channels. A name with `*`, `?` or `[` is a pattern unless `literal` says otherwise. However many Observers
   * there are, the server sees one subscription, made with the first of them, ended with the last, restored after a reconnect.
   * @param names text or bytes; on `redis.bytes` the names in messages are bytes
   * @returns messages until the client is closed, for Observers and for `for await`; errors with a ReplyError when the server refuses
   * the channel, and as commands do where every attempt at a connection would fail in the same way
   * @throws TypeError when a name is neither text nor bytes, or an option is wrong
   * @example
   * redis.subscribe('news:*').pipe(filter(({ data }) => data !== '')).subscribe(render);
   * for await (const { channel, data } of redis.subscribe('news:*')) await handle(channel, data);
   */
  subscribe(names: ChannelNames, options: SubscribeOptions = {}): MessageStream<Message<S>> {
    const all = namesOf('subscribe', names);
    const { literal, buffer } = optionsFor('subscribe', options, ['literal', 'buffer']);
    const isPattern = (name: ChannelName) => !literal && isGlob(name);
    const patterns = all.filter(isPattern);
    const channels = all.filter((name) => !isPattern(name));
    if (patterns.length === 0) return new MessageStream(this.#messages('channel', channels), buffer);
    if (channels.length === 0) return new MessageStream(this.#messages('pattern', patterns), buffer);
    return new MessageStream(merge(this.#messages('channel', channels), this.#messages('pattern', patterns)), buffer);
  }

  /**
   * The messages of all channels whose names match a pattern.
   * @example
   * redis.psubscribe('news.[a-m]*').subscribe(({ channel, data }) => console.log(channel, data));
   */
  psubscribe(patterns: ChannelNames, options: MessageOptions = {}): MessageStream<Message<S>> {
    return this.#streamOf('psubscribe', 'pattern', patterns, options);
  }

  /**
   * The messages of shard channels (Redis 7 and later). A subscription that the server takes away, because its slot moves, is asked for
   * again. Errors with a ReplyError when the server has refused it for `commandTimeout` ms.
   * @example
   * redis.ssubscribe('orders:{42}').subscribe(({ data }) => console.log(data));
   */
  ssubscribe(channels: ChannelNames, options: MessageOptions = {}): MessageStream<Message<S>> {
    return this.#streamOf('ssubscribe', 'shard', channels, options);
  }

  /** What a log shows: no option, because some are secrets. */
  toJSON(): unknown {
    return {};
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'RedisView';
  }

  protected send<T>(command: Command<T>): Reply<T> {
    return Reply.from(this.#source, command);
  }

  protected sendAnswered<T>(command: Command<T>): Reply<T> {
    return Reply.answered(command);
  }

  /** Waits for the subscriptions that were made on this client before, so that they get the message. */
  override publish(...args: Parameters<CommandSurface['publish']>): Reply<number> {
    return this.#publish(publish(...args));
  }

  /** Waits for the subscriptions that were made on this client before, so that they get the message. */
  override spublish(...args: Parameters<CommandSurface['spublish']>): Reply<number> {
    return this.#publish(spublish(...args));
  }

  #publish<T>(command: Command<T>): Reply<T> {
    return Reply.from({ ...this.#source, executor: this.#pubsub.publisher }, command);
  }

  #streamOf(
    method: string,
    kind: SubscriptionKind,
    names: ChannelNames,
    options: MessageOptions,
  ): MessageStream<Message<S>> {
    const all = namesOf(method, names);
    const { buffer } = optionsFor(method, options, ['buffer']);
    return new MessageStream(this.#messages(kind, all), buffer);
  }

  #messages(kind: SubscriptionKind, names: readonly ChannelName[]): Observable<Message<S>> {
    const { bytes, prefix } = this.#source;
    const wanted = prefix === '' ? names : names.map((name) => prefixChannel(kind, name, prefix));
    // As text a prefix of bytes could not be told from others.
    const asBytes = bytes || isBinary(prefix);
    const messages = asBytes ? this.#pubsub.messagesAsBytes(kind, wanted) : this.#pubsub.messages(kind, wanted);
    const all = messages as Observable<unknown> as Observable<Message<S>>;
    if (prefix === '') return all;
    return all.pipe(
      map((message) => ownMessage(message, prefix)),
      filter((message) => message !== undefined),
      map((message) => (asBytes && !bytes ? (inText({ ...message }) as Message<S>) : message)),
    );
  }
}

function contextOf(options: CommandOptions, before: RequestContext): Partial<RequestContext> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`withOptions: an object was expected, got ${kindOf(options)}`);
  }
  const { idempotent, retry, ...limits } = options;
  if (idempotent !== undefined && typeof idempotent !== 'boolean') {
    throw new TypeError(`The option 'idempotent' is a boolean, got ${kindOf(idempotent)}`);
  }
  const { commandTimeout, readTimeout, writeTimeout, blockingGrace, ...rest } = withoutUndefined(limits);
  const unknown = Object.keys(rest)[0];
  if (unknown === 'connectTimeout') {
    throw new TypeError(
      "withOptions: 'connectTimeout' is the connection's; how long a command waits for that is its 'commandTimeout'",
    );
  }
  if (unknown !== undefined) throw new TypeError(`withOptions: there is no option '${unknown}' for commands`);
  for (const [name, limit] of Object.entries({ commandTimeout, readTimeout, writeTimeout, blockingGrace })) {
    if (limit !== undefined) duration(name, limit);
  }
  return {
    ...(commandTimeout !== undefined && { commandTimeout, limitsBlocking: true }),
    ...((readTimeout ?? writeTimeout) !== undefined && {
      linkLimits: { ...before.linkLimits, ...withoutUndefined({ readTimeout, writeTimeout }) },
    }),
    ...(blockingGrace !== undefined && { blockingGrace }),
    ...(idempotent !== undefined && { idempotent }),
    ...(retry !== undefined && { retry: retryPolicy(resolveRetry(retry)) }),
  };
}

import type { Awaitable } from './commands/awaitable';
import type { Key, Many, Optionals } from './commands/arguments';
import { blockingWait } from './commands/blocking-wait';
import { atOneCall } from './commands/call-sites';
import type { Arg, Command } from './commands/command';
import { evalshaOrEval } from './commands/evalsha-or-eval';
import { publish, spublish } from './commands/generated/builders';
import { knownCall } from './commands/known-commands';
import { Reply, type ReplySource } from './commands/reply';
import { asksOfItsConnection } from './commands/reply-error';
import { refuseOnSharedConnection } from './commands/shared-connection';
import { contextOf, type CommandOptions } from './command-options';
import { StreamSurface, type StreamSurfaceParts } from './command-streams';
import type { NoWork, WorkOptions } from './demand/stream-options';
import type { ProgressStream } from './demand/progress-stream';
import type { PullStream } from './demand/pull-stream';
import type { DedicatedConnection } from './dedicated-connection';
import type { RedisError } from './errors';
import type { CommandChain } from './groups/command-chain';
import { memberOf } from './groups/group-members';
import { libraryOf, type Library, type LibraryFunctions, type LibraryOptions } from './groups/library';
import type { Script, ScriptOptions } from './groups/script';
import type { ScriptReply } from './groups/script-replies';
import { Scripts, defineScript, type ScriptRegistry } from './groups/scripts';
import { sendGroup } from './groups/send-group';
import type { FailFast, GroupOptions, ValuesOf } from './groups/values';
import { watchKeys, type Lender } from './groups/watch';
import type { Reads, WatchCommands, Watched, WatchKeys, WatchOptions } from './groups/watch-types';
import type { RedisCommands } from './redis-commands';
import type { ScannedCluster } from './scanning/cluster-scan';
import type { Links } from './scanning/scan';
import type {
  FieldBatch,
  HscanStreamOptions,
  MemberBatch,
  ScanStreamOptions,
  SscanStreamOptions,
  ZscanStreamOptions,
} from './scanning/scan-options';
import { scanned, type ScanMethod } from './scanning/scan-streams';
import { load } from './streams/load';
import type { LoadOptions, LoadProgress } from './streams/load-options';
import { Queue, type QueueParts } from './streams/queue';
import type { QueueOptions } from './streams/queue-options';

/** What the commands of a view are sent with. */
export interface ViewParts extends StreamSurfaceParts {
  readonly lender: Lender<DedicatedConnection>;
  readonly scripts: ScriptRegistry;
  /** the links that the pages of a scan travel on */
  readonly links: Links;
  /** the nodes that a scan of all keys goes over, where there are several */
  readonly cluster?: ((source: ReplySource) => ScannedCluster) | undefined;
}

/** What can be done on connections that callers share: the commands of a client or a pool, and views with other options or with bytes. */
export class CommandView<S extends string | Buffer = string>
  extends StreamSurface<S>
  implements RedisCommands<S, never>
{
  readonly #parts: ViewParts;
  #bytes: CommandView<Buffer> | undefined;

  /** @internal */
  protected constructor(parts: ViewParts) {
    super(parts);
    this.#parts = parts;
  }

  /** The same commands with Buffers where strings were. */
  get bytes(): CommandView<Buffer> {
    return (this.#bytes ??= new CommandView<Buffer>(inBytes(this.#parts)));
  }

  /**
   * The same client with other options for the commands that are called on it.
   * @throws TypeError that names the option and what was expected
   * @example
   * await redis.withOptions({ commandTimeout: 500 }).get('k');
   */
  withOptions(options: CommandOptions): CommandView<S> {
    return new CommandView<S>(withContext(this.#parts, options));
  }

  /** As {@link RedisCommands.call}. */
  call<T = unknown>(name: string, ...args: Optionals<Arg>): Reply<T> {
    const command = knownCall<T>(name, args);
    refuseOnSharedConnection(command.spec);
    const { name: known, blocking } = command.spec;
    if (blocking !== undefined) return this.sendBlocking(command);
    return known === 'PUBLISH' || known === 'SPUBLISH' ? this.#publish(command) : this.send(command);
  }

  /** As {@link RedisCommands.pipeline}. */
  pipeline(options: FailFast): CommandChain<[], S, never>;
  pipeline(options?: GroupOptions): CommandChain<[], S, RedisError>;
  pipeline<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never>>;
  pipeline<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError>>;
  pipeline<C extends readonly [Command, ...Command[]]>(...commands: C): Reply<ValuesOf<C, S, RedisError>>;
  pipeline(...given: readonly unknown[]): unknown {
    const { source, publisher } = this.#parts;
    return sendGroup(source, 'pipeline', given, publisher);
  }

  /** As {@link RedisCommands.multi}. */
  multi(options: FailFast): CommandChain<[], S, never>;
  multi(options?: GroupOptions): CommandChain<[], S, RedisError>;
  multi<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never>>;
  multi<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError>>;
  multi<C extends readonly [Command, ...Command[]]>(...commands: C): Reply<ValuesOf<C, S, RedisError>>;
  multi(...given: readonly unknown[]): unknown {
    const { source, publisher } = this.#parts;
    return sendGroup(source, 'multi', given, publisher);
  }

  /** As {@link RedisCommands.script}. */
  script<N extends number, R extends ScriptReply | undefined>(
    lua: string,
    options?: ScriptOptions<N, R>,
  ): Script<N, R, S> {
    return defineScript((command) => this.send(command), this.#parts.scripts, lua, options);
  }

  /** The scripts that were made on this client. */
  get scripts(): Scripts {
    return new Scripts(this.#parts.source, this.#parts.scripts);
  }

  /** As {@link RedisCommands.evalshaOrEval}. */
  evalshaOrEval<T = unknown>(script: string, keys?: Many<Key>, args?: Many<Arg>): Reply<T> {
    return this.send(evalshaOrEval<T>(script, keys, args));
  }

  /** As {@link RedisCommands.library}. */
  library<const F extends LibraryFunctions>(code: string, options: LibraryOptions<F>): Library<F, S> {
    return libraryOf(this.#parts.source, (command) => this.send(command), code, options) as unknown as Library<F, S>;
  }

  /**
   * Changes keys as what is in them demands: a transaction that runs only if no key has changed since it was read. The keys are watched
   * on a connection of their own and read; `fn` gets their values and gives the commands, in an array, or a Promise or Observable of
   * one. When another client has changed a key meanwhile nothing has run, and it begins anew with the new values, after a short delay that
   * chance decides: `fn` may be called several times. It is cold, as every reply, and can be awaited.
   *
   * WATCH and the reads travel in one write, MULTI, the commands and EXEC in another. Without `read` each key is read as a whole by
   * its type. A key that this client has not watched before is asked for by a command for each type, of which the server refuses the wrong ones
   * with WRONGTYPE. The client remembers what the last 10 000 keys were; one that has become something else takes a second write.
   * @param keys one or several
   * @param fn what it gives is done; null leaves everything as it is. It gets the values by key, null where there is no such key, or what
   * `read` says by its names, and the connection for whatever else it has to read; that refuses what would end the watching, as `multi`. Values
   * of several keys may be of different moments; then the transaction does not run
   * @returns the values of the commands, as `multi` gives them; null where `fn` gave null, and when every attempt has met a change. How
   * many attempts it took comes on `events$`. Nothing is watched any more when it ends, in whatever way, or is unsubscribed from. A
   * connection that is lost before EXEC was written costs an attempt, for `commandTimeout` ms, and so does a refusal for the moment (LOADING,
   * BUSY), after the delays of the option `retry`
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
    const { source, lender } = this.#parts;
    return watchKeys(source, lender, keys, fn, options);
  }

  /** As {@link RedisCommands.scanStream}. */
  scanStream(options?: ScanStreamOptions & NoWork): PullStream<S[]>;
  scanStream<R>(options: ScanStreamOptions & WorkOptions<S[], R>): PullStream<R>;
  scanStream(options?: unknown): PullStream<never> {
    return this.#scanned('scanStream', undefined, options);
  }

  /** As {@link RedisCommands.hscanStream}. */
  hscanStream<V extends boolean | undefined = undefined>(
    key: Key,
    options?: HscanStreamOptions & { readonly NOVALUES?: V } & NoWork,
  ): PullStream<FieldBatch<S, V>>;
  hscanStream<R, V extends boolean | undefined = undefined>(
    key: Key,
    options: HscanStreamOptions & { readonly NOVALUES?: V } & WorkOptions<FieldBatch<S, V>, R>,
  ): PullStream<R>;
  hscanStream(key: Key, options?: unknown): PullStream<never> {
    return this.#scanned('hscanStream', key, options);
  }

  /** As {@link RedisCommands.sscanStream}. */
  sscanStream(key: Key, options?: SscanStreamOptions & NoWork): PullStream<S[]>;
  sscanStream<R>(key: Key, options: SscanStreamOptions & WorkOptions<S[], R>): PullStream<R>;
  sscanStream(key: Key, options?: unknown): PullStream<never> {
    return this.#scanned('sscanStream', key, options);
  }

  /** As {@link RedisCommands.zscanStream}. */
  zscanStream<V extends boolean | undefined = undefined>(
    key: Key,
    options?: ZscanStreamOptions & { readonly NOSCORES?: V } & NoWork,
  ): PullStream<MemberBatch<S, V>>;
  zscanStream<R, V extends boolean | undefined = undefined>(
    key: Key,
    options: ZscanStreamOptions & { readonly NOSCORES?: V } & WorkOptions<MemberBatch<S, V>, R>,
  ): PullStream<R>;
  zscanStream(key: Key, options?: unknown): PullStream<never> {
    return this.#scanned('zscanStream', key, options);
  }

  #scanned(method: ScanMethod, key: Key | undefined, options: unknown): PullStream<never> {
    const { ending, links, cluster } = this.#parts;
    const source = atOneCall(this.#parts.source, this.#scanned);
    const ask = <T>(command: Command<T>): Reply<T> => Reply.from(source, command);
    return scanned(
      { ask, prefix: source.prefix, ending, links, cluster: cluster?.(source) },
      method,
      key,
      options,
    ) as PullStream<never>;
  }

  /**
   * Writes many items, as many as a source has: reads from it only what can be written, sends the commands of a batch of items as one
   * pipeline, several of them at the same time, and goes on after a lost connection. What may be sent again is; an item fails with what a
   * command of it is answered otherwise. Items are independent of each other: their order is kept within a batch alone, and not where
   * something is sent again. It is cold, and can be awaited.
   * @param source an array, a generator, a stream of Node.js, a stream of this client: anything that `for` or `for await` takes but a string
   * @param toCommands gives the commands of an item, none where it needs none; what it throws is the failure of the item
   * @returns how far it is after each batch; awaiting gives the last: `failures` has the items that were not written, with their errors.
   * When the client is closed it ends with what was written until then, and `isComplete` is false
   * @throws TypeError when an argument is wrong. It errors with what the source throws, behind all that it gave, with the `reason` of `signal`, with a
   * DisconnectedError when the client is destroyed or has given up, and with an AuthenticationError when it cannot sign in
   * @example
   * const lines = createInterface({ input: createReadStream('users.csv') });
   * const { done, failures } = await redis.load(lines, (line) => hset(`user:${line.split(',')[0]}`, { line }));
   */
  load<T>(
    source: Iterable<T> | AsyncIterable<T>,
    toCommands: (item: T, index: number) => Command | readonly Command[],
    options?: LoadOptions,
  ): ProgressStream<LoadProgress<T>> {
    const { source: replies, publisher, ending, lender } = this.#parts;
    const send = (commands: readonly Command[]): Reply<readonly unknown[]> =>
      sendGroup(replies, 'pipeline', [commands], publisher) as Reply<readonly unknown[]>;
    // The prefix is added where they are sent.
    const checked = (given: unknown, place: string): Command => memberOf(given, 0, 'pipeline', '', place);
    return load({ send, checked, ending, clock: lender.clock }, source, toCommands, options);
  }

  /**
   * A queue of jobs, each of which is done at least once. What a worker takes lies in a list of its own (BLMOVE) until it is acknowledged. Jobs
   * of a worker that died are taken back once its `lease` is over, and never before; one that fails is tried again after a delay, up to
   * `attempts` times, and is kept among the dead ones then. Nothing is sent before it is used.
   *
   * All its keys begin with `queue:{name}:`, so that they are in one slot of a cluster.
   * @param name of the queue: the same in all processes that use it
   * @param options durations are milliseconds
   * @throws TypeError that names what is wrong
   * @example
   * const mails = redis.queue('mails', { attempts: 5 });
   * await mails.push(JSON.stringify({ to: 'ann' }));
   * mails.work((job) => send(JSON.parse(job.payload)), { concurrency: 16 }).subscribe();
   */
  queue(name: Key, options?: QueueOptions): Queue<S> {
    const { source, blocking, ending, lender } = this.#parts;
    const waiting: QueueParts['waiting'] = (command, after) => blocking.carrying(command, after);
    return new Queue<S>({ source, waiting, ending, clock: lender.clock }, name, options);
  }

  /** What a log shows: no option, because some are secrets. */
  toJSON(): unknown {
    return {};
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'CommandView';
  }

  protected send<T>(command: Command<T>): Reply<T> {
    return Reply.from(this.#parts.source, command);
  }

  /** WAIT and WAITAOF ask about the writes before them, so they stay on the connection of those. */
  protected override sendBlocking<T>(command: Command<T>): Reply<T> {
    if (blockingWait(command) === undefined || asksOfItsConnection(command)) return this.send(command);
    const { source, blocking } = this.#parts;
    return Reply.from({ ...source, executor: blocking.carrying(command) }, command);
  }

  protected sendAnswered<T>(command: Command<T>): Reply<T> {
    return Reply.answered(command);
  }

  /** On a client it waits for the subscriptions that were made on that before, so that they get the message. */
  override publish(...args: Parameters<StreamSurface['publish']>): Reply<number> {
    return this.#publish(publish(...args));
  }

  /** On a client it waits for the subscriptions that were made on that before, so that they get the message. */
  override spublish(...args: Parameters<StreamSurface['spublish']>): Reply<number> {
    return this.#publish(spublish(...args));
  }

  #publish<T>(command: Command<T>): Reply<T> {
    const { source, publisher } = this.#parts;
    return Reply.from({ ...source, executor: publisher }, command);
  }
}

/** @internal The parts of a view with Buffers where strings were. */
export function inBytes<P extends ViewParts>(parts: P): P {
  return { ...parts, source: { ...parts.source, bytes: true } };
}

/**
 * @internal The parts of a view with other options.
 * @throws TypeError that names the option and what was expected
 */
export function withContext<P extends ViewParts>(parts: P, options: CommandOptions): P {
  const { source } = parts;
  return { ...parts, source: { ...source, ...contextOf(options, source) } };
}

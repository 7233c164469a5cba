import { EventEmitter } from 'node:events';
import type { Subscription } from 'rxjs';
import { Redis, type ConnectionState, type RedisView } from '../index';
import { readArguments, type Argument, type Callback } from './arguments';
import { commandNames, type CommandName } from './command-names';
import { MessageEvents, type MessageKind } from './messages';
import { clientFor, unprefixed } from './names';
import { PATIENCE, clientOptions, givenOptions, patienceOf, type IORedisOptions } from './options';
import { IORedisPipeline } from './pipeline';
import { asKnown, inBuffers, shaped, told } from './replies';
import { ScanStream, type ScanStreamOptions } from './scan-stream';
import { scriptArguments, type ScriptDefinition } from './scripts';

/** What ioredis calls the states of a client. */
export type IORedisStatus = 'wait' | 'connecting' | 'connect' | 'ready' | 'reconnecting' | 'close' | 'end';

type CommandMethods = {
  readonly [N in CommandName | `${CommandName}Buffer`]: <T = unknown>(...given: readonly Argument[]) => Promise<T>;
};

const CLOSED = 'Connection is closed.';
const DEFAULTS = { host: 'localhost', port: 6379, db: 0, keyPrefix: '', maxRetriesPerRequest: 20, lazyConnect: false };

/** Its methods for commands are put there below. */
const WithCommands = EventEmitter as unknown as new () => EventEmitter & CommandMethods;

/**
 * A client in the shape of ioredis, for programs and libraries that want that: commands with their arguments as the server has them, replies
 * as RESP2 has them, `…Buffer`, callbacks, `pipeline()` and `multi()` with `[error, reply]`, messages as events, `status`.
 *
 * It shares one connection for commands and has another for messages, so a client that has subscribed sends commands as before. Blocking
 * commands get connections of their own by themselves.
 *
 * @example
 * import IORedis from 'rxjs-redis/ioredis';
 * const queue = new Queue('mail', { connection: new IORedis({ maxRetriesPerRequest: null }) });
 */
export class IORedis extends WithCommands {
  readonly isCluster = false;
  readonly options: IORedisOptions;
  status: IORedisStatus = 'wait';
  readonly #scripts = new Map<string, ScriptDefinition>();
  readonly #messages: MessageEvents;
  /** a client that belongs to someone else: it is never closed here */
  readonly #given: Redis | undefined;
  #client: Redis | undefined;
  #following: Subscription | undefined;
  #isWarned = false;
  /** why the connection is not there */
  #reason: Error | undefined;

  /**
   * @param given options, a URL and options, or a port, a host and options
   * @throws TypeError that names the option that is not there
   */
  constructor(...given: (IORedisOptions | string | number | null | undefined)[]) {
    super();
    const [first] = given;
    this.#given = first instanceof Redis ? first : undefined;
    const options = this.#given === undefined ? givenOptions(given) : { maxRetriesPerRequest: null };
    this.options = { ...DEFAULTS, ...options };
    this.#messages = new MessageEvents(this, patienceOf(this.options) ?? PATIENCE);
    if (this.#given === undefined) clientOptions(this.options);
    for (const [name, script] of Object.entries(this.options.scripts ?? {})) this.defineCommand(name, script);
    if (this.options.lazyConnect !== true) this.#begin();
  }

  /**
   * Connects, where that was left for later (`lazyConnect`) or the client has ended.
   * @returns when it is ready
   * @throws Error when the first attempt fails; the client goes on trying where `retryStrategy` says so
   */
  connect(callback?: Callback<void>): Promise<void> {
    if (this.status !== 'wait' && this.status !== 'end') {
      return told(Promise.reject(new Error('Redis is already connecting/connected')), callback);
    }
    this.status = 'wait';
    return told(
      this.#run(() => this.#connected()),
      callback,
    );
  }

  /** Ends at once: commands that wait fail. @param reconnect whether to connect again instead */
  disconnect(reconnect = false): void {
    if (reconnect) void this.#client?.reconnect({ now: true }).then(undefined, () => undefined);
    else if (this.#given === undefined && this.#client !== undefined)
      void this.#client.destroy().then(undefined, () => undefined);
    else this.#end();
  }

  /** The old name of `disconnect()`. */
  end(): void {
    this.disconnect();
  }

  /** Ends once the replies that are owed have come. */
  quit(callback?: Callback<'OK'>): Promise<'OK'> {
    if (this.status === 'end') return told(Promise.reject(new Error(CLOSED)), callback);
    const quitted = this.#run(async (): Promise<'OK'> => {
      const client = this.#client;
      if (this.#given === undefined && client !== undefined) await client.close();
      else this.#end();
      return 'OK';
    });
    return told(quitted, callback);
  }

  /** The same as `new IORedis(…)`. */
  static createClient(...given: (IORedisOptions | string | number | null | undefined)[]): IORedis {
    return new IORedis(...given);
  }

  /** Another client with the same options, and others. One that is made over a client shares that. */
  duplicate(others: IORedisOptions = {}): IORedis {
    if (this.#given !== undefined) return toIORedis(this.#given);
    return new IORedis({ ...this.options, ...others });
  }

  /** Any command by its name. */
  call<T = unknown>(name: string, ...given: readonly Argument[]): Promise<T> {
    return this.#send<T>(name.toLowerCase(), given, false);
  }

  /** The same, with bytes in its reply. */
  callBuffer<T = unknown>(name: string, ...given: readonly Argument[]): Promise<T> {
    return this.#send<T>(name.toLowerCase(), given, true);
  }

  /** The old name of `call`, which libraries still use. */
  send_command<T = unknown>(name: string, ...given: readonly Argument[]): Promise<T> {
    return this.call<T>(name, ...given);
  }

  /** A `Command` of ioredis. @returns its reply, as bytes unless it has `replyEncoding` */
  sendCommand<T = unknown>(command: {
    readonly name: string;
    readonly args: readonly Argument[];
    readonly replyEncoding?: string | null;
  }): Promise<T> {
    return this.#send<T>(command.name.toLowerCase(), command.args, !command.replyEncoding);
  }

  /** @internal A command that has a method. */
  static send(redis: IORedis, name: string, given: readonly Argument[], asBytes: boolean): Promise<unknown> {
    return redis.#send(name, given, asBytes);
  }

  /** Makes a Lua script a command, of this client and of its pipelines. */
  defineCommand(name: string, definition: ScriptDefinition): void {
    if (typeof definition?.lua !== 'string')
      throw new TypeError(`IORedis: the command '${name}' needs 'lua', a script`);
    this.#scripts.set(name, definition);
    const method =
      (asBytes: boolean) =>
      (...given: readonly Argument[]): Promise<unknown> => {
        const { args, callback } = readArguments(name, given);
        const reply = this.#run(() => {
          const script = this.#surface(asBytes).script(definition.lua, { readOnly: definition.readOnly });
          return script(...scriptArguments(definition, args));
        });
        return told(reply, callback);
      };
    Object.assign(this, { [name]: method(false), [`${name}Buffer`]: method(true) });
  }

  /** Commands that are sent as one. @param commands `[['set', 'a', 1], ['get', 'a']]` */
  pipeline(commands?: readonly (readonly Argument[])[]): IORedisPipeline {
    return new IORedisPipeline(this.#host, 'pipeline', commands);
  }

  /**
   * A transaction: commands that are sent as one, behind MULTI.
   * @throws TypeError for `{ pipeline: false }`: its commands would be sent one by one, on a connection that is shared
   */
  multi(given?: readonly (readonly Argument[])[] | { readonly pipeline: boolean }): IORedisPipeline {
    if (given !== undefined && !Array.isArray(given) && !(given as { readonly pipeline: boolean }).pipeline) {
      throw new TypeError(
        'IORedis: multi({ pipeline: false }) is not there, for the connection is shared; use multi()',
      );
    }
    return new IORedisPipeline(this.#host, 'multi', Array.isArray(given) ? given : []);
  }

  subscribe(...given: readonly Argument[]): Promise<number> {
    return this.#join('channel', 'subscribe', given);
  }

  psubscribe(...given: readonly Argument[]): Promise<number> {
    return this.#join('pattern', 'psubscribe', given);
  }

  ssubscribe(...given: readonly Argument[]): Promise<number> {
    return this.#join('shard', 'ssubscribe', given);
  }

  unsubscribe(...given: readonly Argument[]): Promise<number> {
    return this.#leave('channel', 'unsubscribe', given);
  }

  punsubscribe(...given: readonly Argument[]): Promise<number> {
    return this.#leave('pattern', 'punsubscribe', given);
  }

  sunsubscribe(...given: readonly Argument[]): Promise<number> {
    return this.#leave('shard', 'sunsubscribe', given);
  }

  /** The keys of the database, in pages. */
  scanStream(options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('scan', args, false), options);
  }

  sscanStream(key: Argument, options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('sscan', [key, ...args], false), options);
  }

  hscanStream(key: Argument, options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('hscan', [key, ...args], false), options);
  }

  zscanStream(key: Argument, options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('zscan', [key, ...args], false), options);
  }

  scanBufferStream(options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('scan', args, true), options);
  }

  sscanBufferStream(key: Argument, options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('sscan', [key, ...args], true), options);
  }

  hscanBufferStream(key: Argument, options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('hscan', [key, ...args], true), options);
  }

  zscanBufferStream(key: Argument, options: ScanStreamOptions = {}): ScanStream {
    return new ScanStream((...args) => this.#send('zscan', [key, ...args], true), options);
  }

  /** @throws Error always: WATCH belongs to a connection, and this one is shared */
  watch(): Promise<never> {
    return Promise.reject(
      new Error("IORedis: WATCH belongs to a connection, and this one is shared; use redis.watch(…) of 'rxjs-redis'"),
    );
  }

  unwatch(): Promise<'OK'> {
    return Promise.resolve('OK');
  }

  /** @throws Error always: MONITOR takes a whole connection */
  monitor(): Promise<never> {
    return Promise.reject(
      new Error("IORedis: MONITOR takes a whole connection; use redis.dedicated((c) => c.monitor()) of 'rxjs-redis'"),
    );
  }

  #connected(): Promise<void> {
    const client = this.#live();
    return new Promise((resolve, reject) => {
      const ready = (): void => void this.off('close', lost);
      const lost = (): void => {
        this.off('ready', ready);
        reject(new Error(CLOSED, { cause: this.#reason }));
      };
      this.once('ready', ready);
      this.once('close', lost);
      client.connect().then(resolve, reject);
    });
  }

  get #host() {
    return { scripts: this.#scripts, live: () => this.#live() };
  }

  #send<T>(name: string, given: readonly Argument[], asBytes: boolean): Promise<T> {
    const { args, callback } = readArguments(name, given);
    const reply = this.#run(async () => {
      const client = clientFor(this.#live(), name);
      return shaped(
        name,
        asBytes ? inBuffers(await client.bytes.call(name, args)) : await client.call(name, args),
      ) as T;
    });
    return told(reply, callback as Callback<T>);
  }

  #join(kind: MessageKind, name: string, given: readonly Argument[]): Promise<number> {
    const { args, callback } = readArguments(name, given);
    const joined = this.#run(() => this.#messages.join(unprefixed(this.#live()), kind, args.map(String)));
    return told(joined, callback as Callback<number>);
  }

  #leave(kind: MessageKind, name: string, given: readonly Argument[]): Promise<number> {
    const { args, callback } = readArguments(name, given);
    const left = this.#run(() => Promise.resolve(this.#messages.leave(kind, args.map(String))));
    return told(left, callback as Callback<number>);
  }

  async #run<T>(work: () => PromiseLike<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asKnown(error);
    }
  }

  #surface(asBytes: boolean): RedisView<string> | RedisView<Buffer> {
    const client = this.#live();
    return asBytes ? client.bytes : client;
  }

  #live(): Redis {
    if (this.status === 'end') throw new Error(CLOSED);
    return this.#client ?? this.#begin();
  }

  #begin(): Redis {
    const client = (this.#client = this.#given ?? new Redis(clientOptions(this.options)));
    this.#following = client.state$.subscribe((state) => this.#follow(state));
    this.#following.add(
      client.events$.subscribe((event) => {
        if (event.type !== 'error') return;
        if (this.listenerCount('error') === 0) {
          this.#warn(event.error);
          return;
        }
        // Of sentinels the whole sentence: which of them it is, and that it is none of the servers.
        this.emit('error', this.options.sentinels === undefined ? rootOf(event.error) : event.error);
      }),
    );
    if (this.status === 'wait') this.#become('connecting');
    client.connect().then(undefined, () => undefined);
    return client;
  }

  #follow(state: ConnectionState): void {
    if ('error' in state) this.#reason = state.error;
    switch (state.kind) {
      case 'connecting':
        if (this.status !== 'connecting') this.#become('connecting');
        break;
      case 'ready':
        if (state.protocol === 3) {
          this.#tell(
            'error',
            new TypeError(
              'toIORedis: the client speaks RESP3, and replies have the form of RESP2: give it protocol: 2',
            ),
          );
          this.#end();
          break;
        }
        this.#become('connect');
        this.#become('ready');
        break;
      case 'reconnecting':
        this.#become('close');
        this.#become('reconnecting', state.delay);
        break;
      case 'closed':
        this.#end();
        break;
      default:
    }
  }

  #end(): void {
    if (this.status === 'end') return;
    this.#messages.leaveAll();
    this.#following?.unsubscribe();
    this.#client = undefined;
    this.#become('close');
    this.#become('end');
  }

  #become(status: IORedisStatus, ...what: readonly unknown[]): void {
    this.status = status;
    this.#tell(status, ...what);
  }

  /** The client does not, because its events are listened to here. */
  #warn({ message }: Error): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    const told = `${message}. Listen to 'error' of the client to be told`;
    process.emitWarning(told, { type: 'RedisWarning', code: 'REDIS_UNREACHABLE' });
  }

  /** At the end of the tick, so that what has just made the client can listen. */
  #tell(event: string, ...what: readonly unknown[]): void {
    void Promise.resolve().then(() => {
      if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, ...what);
    });
  }
}

for (const name of commandNames) {
  const method = (asBytes: boolean) =>
    function (this: IORedis, ...given: readonly Argument[]): Promise<unknown> {
      return IORedis.send(this, name, given, asBytes);
    };
  Object.defineProperty(IORedis.prototype, name, { value: method(false), configurable: true, writable: true });
  Object.defineProperty(IORedis.prototype, `${name}Buffer`, {
    value: method(true),
    configurable: true,
    writable: true,
  });
}

/** The error that is the cause of all others: what the system says, where it says something. */
function rootOf(error: Error): Error {
  const { cause } = error as { cause?: Error };
  return typeof cause?.message === 'string' ? rootOf(cause) : error;
}

/**
 * A client in the shape of ioredis over one that is there, made with `protocol: 2`. Its `quit()` and `disconnect()` end the shape alone.
 * @throws TypeError when it is no client
 * @example
 * const limiter = new RateLimiterRedis({ storeClient: toIORedis(redis), points: 5, duration: 1 });
 */
export function toIORedis(redis: Redis): IORedis {
  if (!(redis instanceof Redis)) throw new TypeError('toIORedis: a client was expected');
  return new IORedis(redis as unknown as IORedisOptions);
}

import { defer, takeUntil, type Observable } from 'rxjs';
import type { Key, Many, Optionals } from './commands/arguments';
import { atOneCall } from './commands/call-sites';
import type { Arg, Command } from './commands/command';
import { evalshaOrEval } from './commands/evalsha-or-eval';
import { monitor } from './commands/generated/builders';
import { SessionSurface } from './commands/generated/session';
import { knownCall } from './commands/known-commands';
import { Reply, type ReplySource } from './commands/reply';
import { refuseInWatch, refuseOnLease, unguardedBy } from './commands/shared-connection';
import { inContext } from './connection/async-context';
import type { Ending } from './demand/ending';
import type { PullStream } from './demand/pull-stream';
import type { NoWork, WorkOptions } from './demand/stream-options';
import type { RedisError } from './errors';
import type { CommandChain } from './groups/command-chain';
import { libraryOf, type Library, type LibraryFunctions, type LibraryOptions } from './groups/library';
import type { Script, ScriptOptions } from './groups/script';
import type { ScriptReply } from './groups/script-replies';
import { ScriptRegistry, Scripts, defineScript } from './groups/scripts';
import { sendGroup } from './groups/send-group';
import type { FailFast, GroupOptions, ValuesOf } from './groups/values';
import { monitorOn } from './leases/monitor';
import { orQueued, type Lease } from './leases/lease';
import type { RedisCommands } from './redis-commands';
import type {
  FieldBatch,
  HscanStreamOptions,
  MemberBatch,
  ScanStreamOptions,
  SscanStreamOptions,
  ZscanStreamOptions,
} from './scanning/scan-options';
import { scanned, type ScanMethod } from './scanning/scan-streams';

/** It is not made again when it is lost, so the pages of a scan meet no other server. */
const ONE_LINK = { kind: 'one' } as const;

/**
 * A connection that belongs to its user alone, with the commands that change a connection: `redis.dedicated(…)`. `S` is what texts come as.
 *
 * A transaction is made by `multi(…)`, whose values have their types. Where MULTI is sent by hand, `call('MULTI')`, every method gives the
 * word `'QUEUED'` until `exec()` or `discard()`, whatever its type says, and `exec()` the values as RESP has them.
 */
export class DedicatedConnection<S extends string | Buffer = string>
  extends SessionSurface<S>
  implements RedisCommands<S>
{
  readonly #source: ReplySource;
  readonly #lease: Lease;
  readonly #ending: Ending;
  /** Made with the first script. */
  #scripts: ScriptRegistry | undefined;
  readonly #watching: boolean;

  /**
   * @internal
   * @param ending how streams end with the client
   * @param watching keys are watched on it, so that it does nothing that ends this
   */
  constructor(source: ReplySource, lease: Lease, ending: Ending, watching: boolean) {
    super();
    this.#source = source;
    this.#lease = lease;
    this.#ending = ending;
    this.#watching = watching;
  }

  /**
   * All commands that the server is sent by any client, a line for each, secrets included; so also the PING of a connection that
   * was silent for `readTimeout` ms. Observed twice it is asked for once. Completes when the client is closed, the connection given back or
   * RESET ends it; errors when the connection is lost: with a ConnectionError, or a TimeoutError when it was found dead; with a
   * DisconnectedError on a connection that was given back before. From then on the connection takes no transaction, in whose reply the
   * lines would stand.
   * @example
   * redis.dedicated((connection) => connection.monitor()).pipe(take(10)).subscribe(console.log);
   */
  monitor(): Observable<string> {
    if (this.#watching) throw unguardedBy('MONITOR');
    const lines$ = defer(() => {
      const { connection, ended$ } = this.#lease;
      this.#lease.mustBeLent();
      return monitorOn(connection)
        .lines(() => Reply.from(this.#source, monitor()))
        .pipe(takeUntil(ended$));
    });
    return lines$.pipe(inContext());
  }

  /**
   * As {@link RedisCommands.call}.
   * @throws TypeError also when what comes is no reply: messages come through `redis.subscribe`, the lines of MONITOR through `monitor()`
   * @example
   * await connection.call('CLIENT NO-TOUCH', 'ON');
   */
  call<T = unknown>(name: string, ...args: Optionals<Arg>): Reply<T> {
    return this.send(knownCall<T>(name, args));
  }

  /** As {@link RedisCommands.pipeline}. */
  pipeline(options: FailFast): CommandChain<[], S, never>;
  pipeline(options?: GroupOptions): CommandChain<[], S, RedisError>;
  pipeline<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never>>;
  pipeline<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError>>;
  pipeline<C extends readonly [Command, ...Command[]]>(...commands: C): Reply<ValuesOf<C, S, RedisError>>;
  pipeline(...given: readonly unknown[]): unknown {
    return sendGroup(this.#source, 'pipeline', given);
  }

  /** As {@link RedisCommands.multi}; null where a key has changed that is watched on this connection. */
  multi(options: FailFast): CommandChain<[], S, never, null>;
  multi(options?: GroupOptions): CommandChain<[], S, RedisError, null>;
  multi<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never> | null>;
  multi<const C extends readonly Command[]>(
    commands: C,
    options?: GroupOptions,
  ): Reply<ValuesOf<C, S, RedisError> | null>;
  multi<C extends readonly [Command, ...Command[]]>(...commands: C): Reply<ValuesOf<C, S, RedisError> | null>;
  multi(...given: readonly unknown[]): unknown {
    if (this.#watching) throw unguardedBy('multi');
    return sendGroup(this.#source, 'multi', given);
  }

  /** As {@link RedisCommands.script}. */
  script<N extends number, R extends ScriptReply | undefined>(
    lua: string,
    options?: ScriptOptions<N, R>,
  ): Script<N, R, S> {
    return defineScript((command) => this.send(command), this.#registry, lua, options);
  }

  /** The scripts that were made on this connection. */
  get scripts(): Scripts {
    return new Scripts(this.#source, this.#registry);
  }

  get #registry(): ScriptRegistry {
    return (this.#scripts ??= new ScriptRegistry());
  }

  /** As {@link RedisCommands.evalshaOrEval}. */
  evalshaOrEval<T = unknown>(script: string, keys?: Many<Key>, args?: Many<Arg>): Reply<T> {
    return this.send(evalshaOrEval<T>(script, keys, args));
  }

  /** As {@link RedisCommands.library}. */
  library<const F extends LibraryFunctions>(code: string, options: LibraryOptions<F>): Library<F, S> {
    return libraryOf(this.#source, (command) => this.send(command), code, options) as unknown as Library<F, S>;
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
    const source = atOneCall(this.#source, this.#scanned);
    const ask = <T>(command: Command<T>): Reply<T> => this.#sendBy(source, command);
    const scanner = { ask, prefix: source.prefix, ending: this.#ending, links: ONE_LINK };
    return scanned(scanner, method, key, options) as PullStream<never>;
  }

  protected sendAnswered<T>(command: Command<T>): Reply<T> {
    return Reply.answered(command);
  }

  protected send<T>(command: Command<T>): Reply<T> {
    return this.#sendBy(this.#source, command);
  }

  #sendBy<T>(source: ReplySource, command: Command<T>): Reply<T> {
    if (this.#watching) refuseInWatch(command);
    else refuseOnLease(command);
    // With a prefix its reply is looked at before the lease's own executor does.
    const isLookedAt = command.spec.anyKey === true;
    return Reply.from(source, isLookedAt ? orQueued(command, this.#lease.connection) : command);
  }
}

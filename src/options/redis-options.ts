import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Observable, ObservableInput } from 'rxjs';
import type { Command } from '../commands/command';
import type { RetryPolicy, UndeliveredHandler } from '../commands/request-context';
import type { RedisError, ReplyError } from '../errors';
import type { DecoderLimits, ReplyLimits } from '../resp/limits';
import type { ResolvedSentinels, SentinelOptions } from './sentinels';
import type { CacheOptions, ResolvedCache } from './cache';
import type { DebugFunction, ResolvedTelemetry, TelemetryOptions } from './telemetry';
import type { Complete } from './without-undefined';

export type { ReplyLimits } from '../resp/limits';

/** How repeated attempts are spaced. Durations are milliseconds. */
export interface BackoffOptions {
  /** before the first attempt */
  readonly initialDelay?: number | undefined;
  /** the longest delay */
  readonly maxDelay?: number | undefined;
  /** by how much each delay is longer than the one before */
  readonly factor?: number | undefined;
  /** the share of a delay that is left to chance, 0 to 1 */
  readonly jitter?: number | undefined;
  /** how often in a row it is tried before it is given up */
  readonly maxAttempts?: number | undefined;
}

/**
 * How a lost connection is made again, by default without end: first after 100 ms, doubling up to 60 000 ms, or up to 2 000 ms while
 * something waits for it. Chance takes up to a quarter off each delay. The count starts anew once a connection has lasted as long as the
 * wait before it, or 5 000 ms.
 */
export interface ReconnectOptions extends BackoffOptions {
  /**
   * the longest delay while something waits for the connection: a command, `connect()`, an Observer of messages; it bounds
   * `initialDelay` as well. `maxDelay` counts while nothing does
   */
  readonly maxDelayWaiting?: number | undefined;
}

/** When a command is sent again: first after 50 ms, doubling up to 1 000 ms, at most 16 times. Chance takes up to a quarter off each delay. */
export type RetryOptions = BackoffOptions;

/**
 * Decides when a lost connection is made again: after a delay in milliseconds, when an Observable emits, or not at all, as when the
 * Observable completes without a value.
 * `attempt` counts from 1 and starts anew once a connection has lasted as long as the delay before it, or 5 000 ms; where an
 * Observable decided, once it has worked at all.
 */
export type ReconnectFunction = (attempt: number, error: RedisError) => number | Observable<unknown> | false;

/** The user to sign in as. A password without a user name is the `default` user's. */
export interface Credentials {
  readonly username?: string | undefined;
  readonly password: string;
}

/**
 * Credentials, or where to get them whenever a connection is made. What an Observable emits after its first value signs the live
 * connection in anew: token rotation. Every connection subscribes to it and signs in with the first value, so that is to be the
 * latest, as from a BehaviorSubject or `shareReplay(1)`.
 *
 * An AUTH of the user holds for the connections that follow until a newer value comes, or the server refuses it.
 */
export type CredentialsSource =
  Credentials | Observable<Credentials> | (() => Credentials | ObservableInput<Credentials>);

/** Whether a reply error means that the connection leads to the wrong server: make it anew, and send the command once more. */
export type ReconnectOnError = (error: ReplyError) => boolean | 'resend';

/** The connections that a client lends, to `dedicated`, to `watch` and to commands that wait at the server. Durations are milliseconds. */
export interface LeaseOptions {
  /** the most of them, lent or kept; further callers wait. Default 32 */
  readonly max?: number | undefined;
  /** how long one that is not lent is kept; default 60 000, Infinity for ever */
  readonly idleTimeout?: number | undefined;
  /** how long one is waited for, be it that all are lent or that none can be dialled; default 5 000, Infinity for ever */
  readonly acquireTimeout?: number | undefined;
}

/** What a client can be told. Durations are milliseconds. */
export interface RedisOptions extends SentinelOptions {
  /** `redis://[[user:]password@]host[:port][/database]`; other options take precedence over it */
  readonly url?: string | undefined;
  /** default `localhost` */
  readonly host?: string | undefined;
  /** default 6379 */
  readonly port?: number | undefined;
  /** a Unix socket, in place of host and port */
  readonly path?: string | undefined;
  /** `true`, or details as for `tls.connect`; certificates are verified unless these say otherwise */
  readonly tls?: boolean | TlsOptions | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** in place of user name and password */
  readonly credentials?: CredentialsSource | undefined;
  /** the database to select; default 0 */
  readonly database?: number | undefined;
  /** shown in CLIENT LIST, unless the server or the user's rights know no CLIENT */
  readonly clientName?: string | undefined;
  /**
   * tell the server the library's name and version, as CLIENT LIST shows them, and a tag behind the name: `{ tag: 'orders' }` for
   * `rxjs-redis(orders)`. Default true; false for proxies that hang up on CLIENT SETINFO
   */
  readonly clientInfo?: boolean | { readonly tag?: string | undefined } | undefined;
  /** RESP version; `auto`, the default, asks for 3 and takes 2 where the server refuses */
  readonly protocol?: 2 | 3 | 'auto' | undefined;
  /**
   * sent on every connection when it is made, before anything else; a refusal counts as a failed connection. CLIENT TRACKING is not
   * sent on that of messages.
   *
   * No SELECT, AUTH, HELLO or CLIENT SETNAME, for which there are options; nothing that the shared connection refuses but CLIENT
   * TRACKING, READONLY and READWRITE; nothing that waits. What the user changes later by CLIENT NO-EVICT and the like stays changed.
   */
  readonly onConnect?: readonly Command[] | (() => readonly Command[]) | undefined;
  /**
   * how long a server may take to accept, and then to answer the handshake; default 10 000. Of a name with several addresses, each but
   * the last is left after an eighth of it, at least the time that Node gives it: 250
   */
  readonly connectTimeout?: number | undefined;
  /** how long a command may take, waiting, sending and repeating included; default 30 000, Infinity for ever */
  readonly commandTimeout?: number | undefined;
  /**
   * how long a connection that owes replies may be silent before it counts as dead. Commands that are still in a full send buffer do not
   * count; with subscriptions an idle connection is probed by PING. Default 30 000
   */
  readonly readTimeout?: number | undefined;
  /**
   * how long a full send buffer may take to empty, all of it, before the connection counts as dead. A value that takes longer to send,
   * however steadily, needs more. Default 30 000
   */
  readonly writeTimeout?: number | undefined;
  /** what a blocking command may take beyond its own wait; default 2 000 */
  readonly blockingGrace?: number | undefined;
  /** default on; `false` closes the client when its connection is lost */
  readonly reconnect?: boolean | ReconnectOptions | ReconnectFunction | undefined;
  /**
   * whether an error means the wrong server. By default an error which shows that the server has become a replica makes the connection
   * anew and sends the command again. It is READONLY, also inside the error of a script, which is not sent again, or the error of a
   * command that waited at the server, which then waits the rest of its time at the next one. With the role `replica` or `prefer-replica` it
   * is MASTERDOWN alone, which a replica says that has lost its master
   */
  readonly reconnectOnError?: ReconnectOnError | undefined;
  /** which failed commands are sent again; by default those that a repetition cannot harm */
  readonly retry?: boolean | RetryOptions | RetryPolicy | undefined;
  /**
   * takes what a blocking command brings after its Observer has left, such as an element that BLPOP has popped already. By default it is put
   * back to the end that it came from, members of sorted sets with their scores; what BLMOVE has moved stays in the destination, entries of
   * XREADGROUP stay pending
   */
  readonly onUndelivered?: UndeliveredHandler | undefined;
  /** put before every key and channel, and taken off where they come back; text, or any bytes */
  readonly prefix?: string | Uint8Array | undefined;
  /** send the commands of one tick in one write; default true */
  readonly autoPipeline?: boolean | undefined;
  /** the most commands in one write; default 10 000 */
  readonly pipelineDepth?: number | undefined;
  /** how many commands may wait while disconnected; default 1000 */
  readonly offlineQueue?: number | undefined;
  /** bytes read at once; default 65 536. With TLS Node decides, by the record: 16 384 at most */
  readonly readBufferSize?: number | undefined;
  /** bytes gathered for one write; default 65 536 */
  readonly writeBufferSize?: number | undefined;
  /**
   * the connections that `dedicated`, `watch` and commands that wait at the server use, as BLPOP: how many there may be, how long one is kept
   * for the next caller, and how long a caller waits for one
   */
  readonly leases?: LeaseOptions | undefined;
  /**
   * keeps replies to reads in memory until the server tells that a key has changed, by client tracking, which needs RESP3: `true` takes the
   * defaults. Default false
   */
  readonly cache?: boolean | CacheOptions | undefined;
  /** how large a reply may be; a larger one ends the connection, and its command fails with a ProtocolError */
  readonly limits?: ReplyLimits | undefined;
  /**
   * how long a connection is idle before TCP probes it; rounded down to whole seconds. 1 000 to 32 767 000, or 0, which turns it off;
   * default 5 000
   */
  readonly keepAlive?: number | undefined;
  /** send small writes at once (TCP_NODELAY); default true */
  readonly noDelay?: boolean | undefined;
  /**
   * sends an ECHO of something unique after every so many commands of a connection, also of one that `dedicated` opens. The connection
   * ends with a ProtocolError when another reply comes for the ECHO, as where a proxy loses a reply. Commands in flight then may have
   * run. Default 0: no ECHO is sent
   */
  readonly verify?: number | undefined;
  /**
   * for development: a process warning tells of every Reply that is collected and was neither subscribed to, awaited nor forgotten, with
   * its command and where it was made; default false
   */
  readonly warnUnused?: boolean | undefined;
  /**
   * for development: the stack of a reply's error shows where the command was called, in place of the frames of the event loop. Default
   * false, because capturing a stack costs every call time
   */
  readonly callSites?: boolean | undefined;
  /** the addresses of the host that are tried: 4 or 6, or 0, the default, for both */
  readonly family?: 0 | 4 | 6 | undefined;
  /**
   * calls the Observers of replies in the context of AsyncLocalStorage in which they subscribed. Observers of messages, `state$` and
   * `events$` always are; `await` and `firstValueFrom` need no option. Default false, because it costs every reply time
   */
  readonly asyncContext?: boolean | undefined;
  /**
   * spans of OpenTelemetry: `true` takes the global providers, for which `@opentelemetry/api` has to be installed; an object says more. The
   * active context at subscription is the parent; so that it is there in the operators behind a reply, `asyncContext` is on. Default false
   */
  readonly telemetry?: boolean | TelemetryOptions | undefined;
  /**
   * lines for people about what is sent and received: the server, command, size, duration and shape of the reply, never a value. `true` writes
   * them to the standard error, as the environment does by `NODE_DEBUG=rxjs-redis`; a function takes them. Default false
   */
  readonly debug?: boolean | DebugFunction | undefined;
}

/** Options whose absence means something. */
type Optional = 'path' | 'tls' | 'clientName' | 'onUndelivered';
/** Options that are resolved to something else. */
export type Derived =
  | 'url'
  | keyof SentinelOptions
  | 'username'
  | 'password'
  | 'credentials'
  | 'reconnect'
  | 'retry'
  | 'onConnect'
  | 'limits'
  | 'leases'
  | 'clientInfo'
  | 'prefix'
  | 'telemetry'
  | 'cache';

/** The options with every default filled in. */
export type ResolvedOptions = {
  readonly [K in Exclude<keyof RedisOptions, Optional | Derived>]-?: NonNullable<RedisOptions[K]>;
} & { readonly [K in Optional]: RedisOptions[K] | undefined } & {
  /**
   * Where the credentials of a new connection come from; a function, so that no secret lies in plain sight. They are checked when they are
   * used, because user code gives them: see `checkCredentials`.
   */
  readonly credentials: (() => Observable<unknown>) | undefined;
  /** the sentinels that are asked where the server is; undefined where host and port tell it */
  readonly sentinel: ResolvedSentinels | undefined;
  readonly reconnect: Complete<ReconnectOptions> | ReconnectFunction | false;
  readonly retry: Complete<RetryOptions> | RetryPolicy | false;
  readonly onConnect: () => readonly Command[];
  readonly limits: DecoderLimits;
  readonly leases: Complete<LeaseOptions>;
  /** text, or what stands for bytes that are none: see `prefixOf` */
  readonly prefix: string;
  /** what the server is told that the client is; undefined where it is told nothing */
  readonly libraryName: string | undefined;
  readonly telemetry: ResolvedTelemetry | undefined;
  readonly cache: ResolvedCache | undefined;
};

import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { from, isObservable, of, type Observable, type ObservableInput } from 'rxjs';
import type { Command } from './commands/command';
import { tellsOfFailover } from './commands/reply-error';
import type { RetryPolicy } from './commands/request-context';
import { refuseInOnConnect } from './commands/shared-connection';
import type { RedisError, ReplyError } from './errors';
import { LONGEST_TIMER, duration, inRange, is, isPlainObject, kindOf, text, wholeNumber } from './option-checks';
import { parseUrl } from './url';

/** How repeated attempts are spaced. Durations are milliseconds. */
export interface BackoffOptions {
  /** before the first attempt */
  readonly initialDelay?: number;
  /** the longest delay */
  readonly maxDelay?: number;
  /** by how much each delay is longer than the one before */
  readonly factor?: number;
  /** the share of a delay that is left to chance, 0 to 1 */
  readonly jitter?: number;
  /** how often in a row it is tried before it is given up */
  readonly maxAttempts?: number;
}

/**
 * How a lost connection is made again: first after 100 ms, doubling up to 60 000 ms, less up to a quarter, for ever. The count
 * starts anew once a connection has lasted as long as the wait before it, or 5 000 ms.
 */
export type ReconnectOptions = BackoffOptions;

/** When a command is sent again: first after 50 ms, doubling up to 1 000 ms, less up to a quarter, at most 16 times. */
export type RetryOptions = BackoffOptions;

/**
 * Decides when a lost connection is made again: after a delay in milliseconds, when an Observable emits, or not at all, as when the
 * Observable completes without a value.
 * `attempt` counts from 1 and starts anew once a connection has lasted as long as the delay before it, or 5 000 ms; where an
 * Observable decided, once it has worked at all.
 */
export type ReconnectFunction = (attempt: number, error: RedisError) => number | Observable<unknown> | false;

/** Who signs in. A password without a user name is the `default` user's. */
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

/** What a client can be told. Durations are milliseconds. */
export interface RedisOptions {
  /** `redis://[[user:]password@]host[:port][/database]`; other options take precedence over it */
  readonly url?: string;
  /** default `localhost` */
  readonly host?: string;
  /** default 6379 */
  readonly port?: number;
  /** a Unix socket, in place of host and port */
  readonly path?: string;
  /** `true`, or details as for `tls.connect`; certificates are verified unless these say otherwise */
  readonly tls?: boolean | TlsOptions;
  readonly username?: string;
  readonly password?: string;
  /** in place of user name and password */
  readonly credentials?: CredentialsSource;
  /** the database to select; default 0 */
  readonly database?: number;
  /** shown in CLIENT LIST */
  readonly clientName?: string;
  /** RESP version; `auto`, the default, asks for 3 and takes 2 where the server refuses */
  readonly protocol?: 2 | 3 | 'auto';
  /**
   * sent on every connection when it is made, before anything else; a refusal counts as a failed connection.
   *
   * No SELECT, AUTH, HELLO or CLIENT SETNAME, for which there are options; nothing that the shared connection refuses but CLIENT
   * TRACKING, READONLY and READWRITE; nothing that waits. What the user changes later by CLIENT NO-EVICT and the like stays changed.
   */
  readonly onConnect?: readonly Command[] | (() => readonly Command[]);
  /**
   * how long a server may take to accept, and then to greet; default 10 000. Of a name with several addresses, each but the last is
   * left after an eighth of it, at least the time that Node gives it: 250
   */
  readonly connectTimeout?: number;
  /** how long a command may take, waiting, sending and repeating included; default 30 000, Infinity for ever */
  readonly commandTimeout?: number;
  /**
   * how long a connection may be silent that owes replies, to what has left a full send buffer, before it counts as dead;
   * default 30 000
   */
  readonly readTimeout?: number;
  /**
   * how long a full send buffer may take to empty, all of it, before the connection counts as dead: a value that takes longer to
   * send, however steadily, needs more; default 30 000
   */
  readonly writeTimeout?: number;
  /** what a blocking command may take beyond its own wait; default 2 000 */
  readonly blockingGrace?: number;
  /** default on; `false` closes the client when its connection is lost */
  readonly reconnect?: boolean | ReconnectOptions | ReconnectFunction;
  /**
   * default: what a server says that a failover has made a replica of makes the connection anew and resends. That is READONLY, also in
   * the error of a script, which is not sent again, and what a command is told that waited there: it waits the rest of its time
   */
  readonly reconnectOnError?: ReconnectOnError;
  /** which failed commands are sent again; default on, for those that a repetition cannot harm */
  readonly retry?: boolean | RetryOptions | RetryPolicy;
  /** put before every key and channel, and taken off where they come back */
  readonly prefix?: string;
  /** send the commands of one tick in one write; default true */
  readonly autoPipeline?: boolean;
  /** the most commands in one write; default 10 000 */
  readonly pipelineDepth?: number;
  /** how many commands may wait while disconnected; default 1000 */
  readonly offlineQueue?: number;
  /** bytes read at once; default 65 536 */
  readonly readBufferSize?: number;
  /** bytes gathered for one write; default 65 536 */
  readonly writeBufferSize?: number;
  /**
   * how long a connection is idle before TCP probes it, in whole seconds: what is left over does not count. 1 000 to 32 767 000, or
   * 0, which turns it off; default 5 000
   */
  readonly keepAlive?: number;
  /** send small writes at once (TCP_NODELAY); default true */
  readonly noDelay?: boolean;
  /**
   * for development: a Reply that is collected and was neither subscribed to, awaited nor forgotten is told by a process warning with
   * its command and where it was made; default false
   */
  readonly warnUnused?: boolean;
  /**
   * for development: the stack of a reply's error shows where the command was called, in place of the frames of the event loop;
   * default false, for each call costs the capture of its stack
   */
  readonly callSites?: boolean;
}

/** Options whose absence means something. */
type Optional = 'path' | 'tls' | 'clientName';
/** Options that are resolved to something else. */
type Derived = 'url' | 'username' | 'password' | 'credentials' | 'reconnect' | 'retry' | 'onConnect';

/** The options with every default filled in. */
export type ResolvedOptions = {
  readonly [K in Exclude<keyof RedisOptions, Optional | Derived>]-?: NonNullable<RedisOptions[K]>;
} & { readonly [K in Optional]: RedisOptions[K] | undefined } & {
  /**
   * Where the credentials of a new connection come from; a function, so that no secret lies in plain sight. What they are shows
   * when they are used, for they are user code's: see `checkCredentials`.
   */
  readonly credentials: (() => Observable<unknown>) | undefined;
  readonly reconnect: Required<ReconnectOptions> | ReconnectFunction | false;
  readonly retry: Required<RetryOptions> | RetryPolicy | false;
  readonly onConnect: () => readonly Command[];
};

const defaultReconnect: Required<ReconnectOptions> = {
  initialDelay: 100,
  maxDelay: 60_000,
  factor: 2,
  jitter: 0.25,
  maxAttempts: Infinity,
};

const defaultRetry: Required<RetryOptions> = {
  ...defaultReconnect,
  initialDelay: 50,
  maxDelay: 1_000,
  maxAttempts: 16,
};

const defaults: Omit<ResolvedOptions, 'credentials' | 'reconnect' | 'retry' | 'onConnect'> = {
  host: 'localhost',
  port: 6379,
  path: undefined,
  tls: undefined,
  clientName: undefined,
  database: 0,
  protocol: 'auto',
  connectTimeout: 10_000,
  commandTimeout: 30_000,
  readTimeout: 30_000,
  writeTimeout: 30_000,
  blockingGrace: 2_000,
  reconnectOnError: (error) => (tellsOfFailover(error) ? 'resend' : false),
  prefix: '',
  autoPipeline: true,
  pipelineDepth: 10_000,
  offlineQueue: 1000,
  readBufferSize: 64 * 1024,
  writeBufferSize: 64 * 1024,
  keepAlive: 5_000,
  noDelay: true,
  warnUnused: false,
  callSites: false,
};

/**
 * Fills in the defaults and checks what was given.
 * @throws TypeError that names the option and what was expected, never a value that may be a secret
 */
export function resolveOptions(given: RedisOptions = {}): ResolvedOptions {
  const { url, username, password, credentials, reconnect, retry, onConnect = [], ...rest } = withUrl(given);
  for (const name of Object.keys(rest)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`There is no option '${name}'`);
  }
  const options: ResolvedOptions = {
    ...defaults,
    ...rest,
    credentials: credentialsOf(username, password, credentials),
    reconnect: backoffOf('reconnect', reconnect, defaultReconnect),
    retry: resolveRetry(retry),
    onConnect: onConnectOf(onConnect),
  };
  check(options);
  return options;
}

/**
 * What retry options stand for, defaults filled in.
 * @throws TypeError that names the option and what was expected
 */
export function resolveRetry(given: RedisOptions['retry']): ResolvedOptions['retry'] {
  return backoffOf('retry', given, defaultRetry);
}

function withUrl(given: RedisOptions): RedisOptions {
  const own = withoutUndefined(given);
  if (own.url === undefined) return own;
  const { path, ...parsed } = parseUrl(own.url);
  // Who names a host does not want the Unix socket of the URL.
  const isElsewhere = own.host !== undefined || own.port !== undefined;
  return { ...parsed, ...(path !== undefined && !isElsewhere && { path }), ...own };
}

/** Options that are undefined are options that are not given. */
export function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

function credentialsOf(
  username: string | undefined,
  password: string | undefined,
  source: CredentialsSource | undefined,
): (() => Observable<unknown>) | undefined {
  text('username', username);
  text('password', password);
  if (source === undefined) {
    if (username !== undefined && password === undefined)
      throw new TypeError("The option 'username' needs a 'password'");
    return password === undefined ? undefined : () => of({ username, password });
  }
  if (typeof source !== 'function' && (typeof source !== 'object' || source === null)) {
    throw new TypeError(`The option 'credentials' is an object, an Observable or a function, got ${typeof source}`);
  }
  if (isObservable(source)) return () => source;
  if (typeof source !== 'function') {
    checkCredentials(source);
    return () => of(source);
  }
  return () => {
    const provided: unknown = source();
    return typeof provided === 'object' && provided !== null && !('password' in provided)
      ? from(provided as ObservableInput<unknown>)
      : of(provided);
  };
}

/** @throws TypeError that says what is wrong with what should be credentials, and nothing of what they are */
export function checkCredentials(given: unknown): asserts given is Credentials {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`The option 'credentials' gives an object with a 'password', got ${kindOf(given)}`);
  }
  const { username, password } = given as Partial<Record<keyof Credentials, unknown>>;
  if (typeof password !== 'string')
    throw new TypeError(`The option 'credentials' needs a 'password', a string, got ${kindOf(password)}`);
  if (username !== undefined && typeof username !== 'string') {
    throw new TypeError(`The 'username' of the option 'credentials' is a string, got ${kindOf(username)}`);
  }
}

function onConnectOf(given: NonNullable<RedisOptions['onConnect']>): ResolvedOptions['onConnect'] {
  if (typeof given === 'function') return () => checkedForOnConnect(given());
  const commands = checkedForOnConnect(given);
  return () => commands;
}

/** @returns a copy, which stays as it was checked */
function checkedForOnConnect(given: unknown): readonly Command[] {
  if (!Array.isArray(given)) {
    throw new TypeError(`The option 'onConnect' is a list of commands or a function, got ${kindOf(given)}`);
  }
  return (given as unknown[]).map((command) => {
    // By its looks, for the package may be loaded twice.
    const isCommand = typeof (command as Command | undefined)?.spec?.name === 'string';
    if (!isCommand) throw new TypeError(`The option 'onConnect' is a list of commands, got ${kindOf(command)} in it`);
    refuseInOnConnect(command as Command);
    return command as Command;
  });
}

function backoffOf<F>(
  name: string,
  given: boolean | BackoffOptions | F | undefined,
  standard: Required<BackoffOptions>,
): Required<BackoffOptions> | F | false {
  if (given === false || typeof given === 'function') return given;
  if (given !== undefined && given !== true && !isPlainObject(given)) {
    throw new TypeError(`The option '${name}' is a boolean, an object or a function, got ${kindOf(given)}`);
  }
  const backoff = { ...standard, ...(typeof given === 'object' ? withoutUndefined(given as BackoffOptions) : {}) };
  for (const key of Object.keys(backoff)) {
    if (!Object.hasOwn(standard, key)) throw new TypeError(`There is no option '${name}.${key}'`);
  }
  inRange(`${name}.initialDelay`, backoff.initialDelay, 0, LONGEST_TIMER);
  inRange(`${name}.maxDelay`, backoff.maxDelay, 0, LONGEST_TIMER);
  inRange(`${name}.factor`, backoff.factor, 1);
  inRange(`${name}.jitter`, backoff.jitter, 0, 1);
  inRange(`${name}.maxAttempts`, backoff.maxAttempts, 0);
  return backoff;
}

/** ms; Node tells the system whole seconds, where none are the system's own default, and Linux takes no more than these. */
const LONGEST_KEEP_ALIVE = 32_767_000;

/** Bytes; beyond it no machine is quicker for it. */
const LARGEST_BUFFER = 2 ** 30;

function check(options: ResolvedOptions): void {
  text('host', options.host);
  text('path', options.path);
  for (const name of ['host', 'path'] as const) {
    if (options[name] === '') throw new TypeError(`The option '${name}' is not to be empty`);
  }
  text('clientName', options.clientName);
  // A server refuses others, on every connection anew.
  if (!/^[!-~]*$/.test(options.clientName ?? '')) {
    throw new TypeError("The option 'clientName' holds printable ASCII characters alone, no spaces");
  }
  text('prefix', options.prefix);
  is('boolean', 'autoPipeline', options.autoPipeline);
  is('boolean', 'noDelay', options.noDelay);
  is('boolean', 'warnUnused', options.warnUnused);
  is('boolean', 'callSites', options.callSites);
  is('function', 'reconnectOnError', options.reconnectOnError);
  if (options.tls !== undefined && typeof options.tls !== 'boolean') is('object', 'tls', options.tls);
  wholeNumber('port', options.port, 1, 65_535);
  wholeNumber('database', options.database, 0);
  wholeNumber('pipelineDepth', options.pipelineDepth, 1);
  wholeNumber('offlineQueue', options.offlineQueue, 0, Infinity);
  wholeNumber('readBufferSize', options.readBufferSize, 1024, LARGEST_BUFFER);
  wholeNumber('writeBufferSize', options.writeBufferSize, 1024, LARGEST_BUFFER);
  if (options.keepAlive !== 0) wholeNumber('keepAlive', options.keepAlive, 1_000, LONGEST_KEEP_ALIVE);
  wholeNumber('connectTimeout', options.connectTimeout, 1, LONGEST_TIMER);
  for (const name of ['commandTimeout', 'readTimeout', 'writeTimeout', 'blockingGrace'] as const) {
    duration(name, options[name]);
  }
  if (![2, 3, 'auto'].includes(options.protocol)) {
    throw new TypeError(`The option 'protocol' is 2, 3 or 'auto', got ${String(options.protocol)}`);
  }
}

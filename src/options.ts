import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { parseUrl } from './url';

/** How a lost connection is made again. Durations are milliseconds. */
export interface ReconnectOptions {
  /** before the first attempt; default 100 */
  readonly initialDelay?: number;
  /** the longest delay; default 60 000 */
  readonly maxDelay?: number;
  /** by how much each delay is longer than the one before; default 2 */
  readonly factor?: number;
  /** the share of a delay that is left to chance, 0 to 1; default 0.25 */
  readonly jitter?: number;
  /** how often in a row it is tried before the client gives up and closes; default Infinity */
  readonly maxAttempts?: number;
}

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
  /** `true`, or details as for `tls.connect` */
  readonly tls?: boolean | TlsOptions;
  readonly username?: string;
  readonly password?: string;
  /** the database to select; default 0 */
  readonly database?: number;
  /** shown in CLIENT LIST */
  readonly clientName?: string;
  /** RESP version; `auto`, the default, asks for 3 and takes 2 where the server refuses */
  readonly protocol?: 2 | 3 | 'auto';
  /** how long a server may take to accept and greet; default 10 000 */
  readonly connectTimeout?: number;
  /** default on; `false` closes the client when its connection is lost */
  readonly reconnect?: boolean | ReconnectOptions;
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
  /** how long a connection is idle before TCP probes it; 0 turns it off; default 5 000 */
  readonly keepAlive?: number;
  /** send small writes at once (TCP_NODELAY); default true */
  readonly noDelay?: boolean;
}

/** The options with every default filled in. */
export type ResolvedOptions = {
  readonly [K in Exclude<keyof RedisOptions, Optional | 'url' | 'reconnect'>]-?: NonNullable<RedisOptions[K]>;
} & { readonly [K in Optional]: RedisOptions[K] | undefined } & {
  readonly reconnect: Required<ReconnectOptions> | false;
};

type Optional = 'path' | 'tls' | 'username' | 'password' | 'clientName';

const defaultReconnect: Required<ReconnectOptions> = {
  initialDelay: 100,
  maxDelay: 60_000,
  factor: 2,
  jitter: 0.25,
  maxAttempts: Infinity,
};

const defaults: ResolvedOptions = {
  host: 'localhost',
  port: 6379,
  path: undefined,
  tls: undefined,
  username: undefined,
  password: undefined,
  clientName: undefined,
  database: 0,
  protocol: 'auto',
  connectTimeout: 10_000,
  reconnect: defaultReconnect,
  autoPipeline: true,
  pipelineDepth: 10_000,
  offlineQueue: 1000,
  readBufferSize: 64 * 1024,
  writeBufferSize: 64 * 1024,
  keepAlive: 5_000,
  noDelay: true,
};

/**
 * Fills in the defaults and checks what was given.
 * @throws TypeError that names the option and what was expected
 */
export function resolveOptions(given: RedisOptions = {}): ResolvedOptions {
  const {
    url,
    reconnect = true,
    ...rest
  } = { ...(given.url === undefined ? {} : parseUrl(given.url)), ...withoutUndefined(given) };
  for (const name of Object.keys(rest)) {
    if (!(name in defaults)) throw new TypeError(`There is no option '${name}'`);
  }
  const options: ResolvedOptions = {
    ...defaults,
    ...rest,
    reconnect:
      reconnect === false ? false : { ...defaultReconnect, ...(reconnect === true ? {} : withoutUndefined(reconnect)) },
  };
  check(options);
  return options;
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

function check(options: ResolvedOptions): void {
  wholeNumber('port', options.port, 1, 65_535);
  wholeNumber('database', options.database, 0);
  wholeNumber('connectTimeout', options.connectTimeout, 1);
  wholeNumber('pipelineDepth', options.pipelineDepth, 1);
  wholeNumber('offlineQueue', options.offlineQueue, 0, Infinity);
  wholeNumber('readBufferSize', options.readBufferSize, 1024);
  wholeNumber('writeBufferSize', options.writeBufferSize, 1024);
  wholeNumber('keepAlive', options.keepAlive, 0);
  if (![2, 3, 'auto'].includes(options.protocol)) {
    throw new TypeError(`The option 'protocol' is 2, 3 or 'auto', got ${JSON.stringify(options.protocol)}`);
  }
  if (options.reconnect === false) return;
  const { initialDelay, maxDelay, factor, jitter, maxAttempts } = options.reconnect;
  inRange('reconnect.initialDelay', initialDelay, 0);
  inRange('reconnect.maxDelay', maxDelay, 0);
  inRange('reconnect.factor', factor, 1);
  inRange('reconnect.jitter', jitter, 0, 1);
  inRange('reconnect.maxAttempts', maxAttempts, 0);
}

function wholeNumber(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): void {
  inRange(name, value, least, most);
  if (value !== Infinity && !Number.isInteger(value)) {
    throw new TypeError(`The option '${name}' is a whole number, got ${String(value)}`);
  }
}

function inRange(name: string, value: unknown, least: number, most = Infinity): void {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    const got = typeof value === 'number' ? String(value) : typeof value;
    throw new TypeError(`The option '${name}' is a number from ${least} to ${most}, got ${got}`);
  }
}

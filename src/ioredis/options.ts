import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { RedisError, RedisOptions } from '../index';

/** The options of ioredis that this client has as well. Durations are milliseconds. */
export interface IORedisOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** of a Unix socket */
  readonly path?: string | undefined;
  readonly family?: 0 | 4 | 6 | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly db?: number | undefined;
  readonly tls?: TlsOptions | true | undefined;
  readonly keyPrefix?: string | undefined;
  readonly connectionName?: string | null | undefined;
  readonly connectTimeout?: number | undefined;
  /** how long a command may take; where it is not given, and `maxRetriesPerRequest` is null, for ever */
  readonly commandTimeout?: number | undefined;
  /** null: commands wait for as long as it takes. A number is not counted: a command that is not answered in `commandTimeout` fails */
  readonly maxRetriesPerRequest?: number | null | undefined;
  readonly enableOfflineQueue?: boolean | undefined;
  /** no connection before `connect()` or the first command */
  readonly lazyConnect?: boolean | undefined;
  /** the delay before an attempt to connect again; what is no number ends the client */
  readonly retryStrategy?: ((times: number) => number | null | void) | null | undefined;
  /** what else there is to say to the client */
  readonly client?: Partial<RedisOptions> | undefined;
  /** in place of host and port, with `name` as the name of the master */
  readonly sentinels?: RedisOptions['sentinels'];
  readonly name?: string | undefined;
  readonly role?: 'master' | 'slave' | undefined;
  readonly sentinelUsername?: string | null | undefined;
  readonly sentinelPassword?: string | null | undefined;
  /** of the sentinels; `tls` is of the servers, and counts with `enableTLSForSentinelMode` */
  readonly sentinelTLS?: TlsOptions | true | undefined;
  readonly enableTLSForSentinelMode?: boolean | undefined;
  readonly natMap?: RedisOptions['natMap'];
  /** options of ioredis that mean nothing here */
  readonly [other: string]: unknown;
}

/** What ioredis can do with more than one server, and this client cannot yet. */
const MISSING = [
  'Connector',
  'sentinelRetryStrategy',
  'sentinelReconnectStrategy',
  'sentinelCommandTimeout',
  'preferredSlaves',
  'sentinelMaxConnections',
  'readOnly',
  'stringNumbers',
];

/** @throws TypeError that names an option that would mean something else */
export function clientOptions(options: IORedisOptions): RedisOptions {
  for (const name of MISSING)
    if (options[name] !== undefined && options[name] !== null && options[name] !== false)
      throw new TypeError(`IORedis: there is no option '${name}' here`);
  if (options.updateSentinels === false)
    throw new TypeError("IORedis: 'updateSentinels' is true here: sentinels that others tell of are asked as well");
  if (options.replyMapping === 'resp3')
    throw new TypeError("IORedis: 'replyMapping' is 'legacy' here: replies have the form of RESP2");
  const { username, password, retryStrategy, commandTimeout, maxRetriesPerRequest } = options;
  const patience = commandTimeout ?? (maxRetriesPerRequest === null ? Infinity : undefined);
  return {
    ...(options.sentinels
      ? sentinelOptions(options)
      : options.path === undefined
        ? { host: options.host ?? 'localhost', port: options.port ?? 6379 }
        : { path: options.path }),
    ...(password ? { credentials: { password, ...(username && { username }) } } : {}),
    ...(patience !== undefined && { commandTimeout: patience }),
    ...(retryStrategy && { reconnect: delaysOf(retryStrategy) }),
    ...(retryStrategy === null && { reconnect: false }),
    ...(options.enableOfflineQueue === false && { offlineQueue: 0 }),
    ...(options.connectionName && { clientName: options.connectionName }),
    family: options.family,
    database: options.db,
    tls: options.sentinels && options.enableTLSForSentinelMode !== true ? undefined : options.tls,
    prefix: options.keyPrefix,
    connectTimeout: options.connectTimeout,
    ...options.client,
    // Replies have the form of RESP2.
    protocol: 2,
  };
}

function sentinelOptions(options: IORedisOptions): RedisOptions {
  const { sentinels, name, role, sentinelUsername, sentinelPassword, sentinelTLS, natMap } = options;
  return {
    sentinels,
    service: name,
    role: role === 'slave' ? 'replica' : role,
    sentinelUsername: sentinelUsername ?? undefined,
    sentinelPassword: sentinelPassword ?? undefined,
    sentinelTls: sentinelTLS ?? false,
    natMap,
  };
}

function delaysOf(strategy: NonNullable<IORedisOptions['retryStrategy']>) {
  return (attempt: number, _error: RedisError): number | false => {
    const delay = strategy(attempt);
    return typeof delay === 'number' ? delay : false;
  };
}

/** The options of a constructor: `(port, host, options)`, `(url, options)`, `(path, options)`, `(options)`. */
export function givenOptions(given: readonly unknown[]): IORedisOptions {
  let options: Record<string, unknown> = {};
  for (const one of given) {
    if (one === null || one === undefined) continue;
    if (typeof one === 'object') options = { ...one, ...options };
    else if (typeof one === 'number' || (typeof one === 'string' && /^\d+$/.test(one))) options.port = Number(one);
    else if (typeof one === 'string')
      options = { ...options, ...(options.port === undefined ? placeIn(one) : { host: one }) };
    else throw new TypeError(`IORedis: options, a port, a host or a URL were expected, got ${typeof one}`);
  }
  return options;
}

/** Of a URL, the path of a Unix socket, or a host. */
function placeIn(text: string): IORedisOptions {
  if (text.startsWith('/')) return { path: text };
  if (!/^rediss?:\/\//.test(text)) return { host: text };
  const url = new URL(text);
  const database = url.searchParams.get('db') ?? url.pathname.slice(1);
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(database !== '' && { db: Number(database) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  };
}

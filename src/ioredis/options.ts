import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { RedisError, RedisOptions } from '../index';
import type { ScriptDefinition } from './scripts';

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
  /** what `defineCommand` would be called with */
  readonly scripts?: Readonly<Record<string, ScriptDefinition>> | undefined;
  /** options of ioredis that mean nothing here */
  readonly [other: string]: unknown;
}

/** What ioredis can do and this client cannot, and what either would not read. */
const MISSING = [
  'url',
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
  const { username, password, retryStrategy } = options;
  const patience = patienceOf(options);
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
    // Null is what is not given.
    family: options.family ?? undefined,
    database: options.db ?? undefined,
    tls: options.sentinels && options.enableTLSForSentinelMode !== true ? undefined : (options.tls ?? undefined),
    prefix: options.keyPrefix ?? undefined,
    connectTimeout: options.connectTimeout ?? undefined,
    ...options.client,
    // Replies have the form of RESP2.
    protocol: 2,
  };
}

function sentinelOptions(options: IORedisOptions): RedisOptions {
  const { sentinels, name, role, sentinelUsername, sentinelPassword, sentinelTLS, natMap } = options;
  if (!name) throw new TypeError("IORedis: 'sentinels' need the option 'name': by that they know the master");
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

/** How long a call may take unless told otherwise, ms; as for the client. */
export const PATIENCE = 30_000;

/** How long a call may take, ms; undefined for the client's own limit. */
export function patienceOf({ client, commandTimeout, maxRetriesPerRequest }: IORedisOptions): number | undefined {
  return client?.commandTimeout ?? commandTimeout ?? (maxRetriesPerRequest === null ? Infinity : undefined);
}

/** Numbers that may come as text, as those of URLs and of the environment do. */
const NUMBERS = ['port', 'db', 'family', 'connectTimeout', 'commandTimeout'];

/** The options of a constructor: `(port, host, options)`, `(url, options)`, `(path, options)`, `(options)`. What comes first counts. */
export function givenOptions(given: readonly unknown[]): IORedisOptions {
  let options: Record<string, unknown> = {};
  let isSecure = false;
  for (const one of given) {
    if (one === null || one === undefined) continue;
    if (typeof one === 'object') options = { ...one, ...options };
    else if (typeof one === 'number' || (typeof one === 'string' && /^\d+$/.test(one))) options.port = one;
    else if (typeof one === 'string') {
      options = { ...placeIn(one), ...options };
      isSecure ||= SECURE.test(one);
    } else throw new TypeError(`IORedis: options, a port, a host or a URL were expected, got ${typeof one}`);
  }
  // Details that stand beside the URL count.
  if (isSecure) options.tls ??= {};
  if (typeof options.tls === 'string') options.tls = {};
  for (const name of NUMBERS) if (typeof options[name] === 'string') options[name] = Number(options[name]);
  return options;
}

const SCHEME = /^(?:(?:redis|valkey)s?:)?\/\//i;
const SECURE = /^(?:redis|valkey)s:/i;
/** An address of IPv6 by itself: a host with a port has one colon. */
const IPV6 = /^(?=.*:.*:)[\da-f:.]+(?:%.*)?$/i;

/**
 * Of a URL, of what stands in one behind `redis://`, or the path of a Unix socket. Options that are its parameters count less.
 * @throws TypeError that shows nothing of it, because a password may be in it
 */
function placeIn(text: string): Record<string, unknown> {
  if (IPV6.test(text)) return { host: text };
  if (/^\/(?!\/)/.test(text)) {
    const [path, parameters] = text.split('?');
    return { ...Object.fromEntries(new URLSearchParams(parameters)), path };
  }
  const rest = text.replace(SCHEME, '');
  try {
    if (/^[a-z+]+:\/\//i.test(rest)) throw new TypeError('another scheme');
    const { hostname, port, pathname, username, password, searchParams } = new URL(`redis://${rest}`);
    const parts = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      db: pathname.slice(1),
    };
    const known = Object.entries(parts).filter(([, part]) => part !== '');
    return { ...Object.fromEntries(searchParams), ...Object.fromEntries(known) };
  } catch {
    throw new TypeError(
      'IORedis: a URL reads redis://[[user]:password@]host[:port][/db], and a password in it is percent-encoded',
    );
  }
}

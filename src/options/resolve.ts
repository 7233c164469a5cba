import type { Command } from '../commands/command';
import { prefixOf } from '../commands/prefix-bytes';
import { tellsOfFailover } from '../commands/reply-error';
import { kindOf } from '../resp/kind-of';
import { resolveReconnect, resolveRetry } from './backoff';
import { cacheOf } from './cache';
import { check } from './check';
import { libraryNameOf } from './client-info';
import { credentialsOf } from './credentials';
import { leasesOf } from './leases';
import { limitsOf } from './limits';
import { onConnectOf } from './on-connect';
import type { Derived, RedisOptions, ResolvedOptions } from './redis-options';
import { sentinelsOf } from './sentinels';
import { resolveTelemetry } from './telemetry';
import { parseUrl } from './url';
import { withoutUndefined, type Given } from './without-undefined';
import { isBytes } from '../resp/is-bytes';

const defaults: Omit<ResolvedOptions, Derived | 'libraryName' | 'sentinel'> = {
  host: 'localhost',
  port: 6379,
  path: undefined,
  tls: undefined,
  clientName: undefined,
  onUndelivered: undefined,
  database: 0,
  protocol: 'auto',
  connectTimeout: 10_000,
  commandTimeout: 30_000,
  readTimeout: 30_000,
  writeTimeout: 30_000,
  blockingGrace: 2_000,
  reconnectOnError: (error) => (tellsOfFailover(error) ? 'resend' : false),
  autoPipeline: true,
  pipelineDepth: 10_000,
  offlineQueue: 1000,
  readBufferSize: 64 * 1024,
  writeBufferSize: 64 * 1024,
  keepAlive: 5_000,
  noDelay: true,
  verify: 0,
  warnUnused: false,
  callSites: false,
  family: 0,
  asyncContext: false,
  debug: false,
};

/** What a replica says that tells nothing, because it has lost its master, or has only begun to read what it has. */
const TELLS_NOTHING = new Set(['MASTERDOWN', 'LOADING']);
/** A replica refuses the writes of scripts; it is no wrong server for that. */
const onReplica: Partial<ResolvedOptions> = { reconnectOnError: ({ kind }) => TELLS_NOTHING.has(kind) && 'resend' };

/**
 * Fills in the defaults and checks what was given.
 * @throws TypeError that names the option and what was expected, never a value that may be a secret
 */
export function resolveOptions(given: RedisOptions = {}): ResolvedOptions {
  const {
    url,
    username,
    password,
    credentials,
    reconnect,
    retry,
    onConnect = [],
    limits,
    leases,
    clientInfo,
    prefix = '',
    telemetry,
    sentinels,
    service,
    role,
    sentinelUsername,
    sentinelPassword,
    sentinelTls,
    natMap,
    cache,
    ...rest
  } = withUrl(given);
  for (const name of Object.keys(rest)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`There is no option '${name}'${hintFor(name)}`);
  }
  const watched = resolveTelemetry(telemetry);
  const asked = { sentinels, service, role, sentinelUsername, sentinelPassword, sentinelTls, natMap };
  const sentinel = sentinelsOf(asked, rest.tls);
  const options: ResolvedOptions = {
    ...defaults,
    ...(sentinel !== undefined && { host: sentinel.service }),
    ...(sentinel !== undefined && sentinel.role !== 'master' && onReplica),
    asyncContext: watched !== undefined,
    ...rest,
    credentials: credentialsOf(username, password, credentials),
    sentinel,
    reconnect: resolveReconnect(reconnect),
    retry: resolveRetry(retry),
    onConnect: onConnectOf(onConnect),
    limits: limitsOf(limits),
    leases: leasesOf(leases),
    prefix: prefixOption(prefix),
    libraryName: libraryNameOf(clientInfo),
    cache: cacheOf(cache, rest.readTimeout ?? defaults.readTimeout),
    telemetry: watched && { ...watched, bringsContext: rest.asyncContext === undefined },
  };
  check(options);
  if (options.cache !== undefined) refuseSecondTracking(onConnect);
  return options;
}

/** @throws TypeError where the user's own tracking would take the place of that of the cache */
function refuseSecondTracking(onConnect: RedisOptions['onConnect']): void {
  if (!Array.isArray(onConnect) || !onConnect.some(({ spec }: Command) => spec.effect === 'tracking')) return;
  throw new TypeError(
    "The options 'cache' and 'onConnect' contradict each other: the cache needs a CLIENT TRACKING of its own",
  );
}

/** @throws TypeError unless it is text or bytes */
function prefixOption(given: unknown): string {
  if (typeof given === 'string' || isBytes(given)) return prefixOf(given);
  throw new TypeError(`The option 'prefix' is a string or a Uint8Array, got ${kindOf(given)}`);
}

/** What others call an option. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  db: 'database',
  keyPrefix: 'prefix',
  user: 'username',
  pass: 'password',
  auth: 'password',
  name: "clientName' or 'service",
  socket: "host' and 'port",
  hostname: 'host',
  enableOfflineQueue: 'offlineQueue',
  disableOfflineQueue: 'offlineQueue',
  commandsQueueMaxLength: 'offlineQueue',
  maxRetriesPerRequest: 'retry',
  retryStrategy: 'reconnect',
  reconnectStrategy: 'reconnect',
  enableAutoPipelining: 'autoPipeline',
  RESP: 'protocol',
  masterName: 'service',
  sentinelRootNodes: 'sentinels',
  sentinelTLS: 'sentinelTls',
  enableTLSForSentinelMode: 'sentinelTls',
};

function hintFor(name: string): string {
  const known = Object.keys(defaults).find((option) => option.toLowerCase() === name.toLowerCase());
  const meant = known ?? (Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined);
  return meant === undefined ? '' : `: did you mean '${meant}'?`;
}

/** Options of which one would silently count for nothing. */
const CONTRADICTIONS = [
  ['path', 'host'],
  ['path', 'port'],
  ['credentials', 'username'],
  ['credentials', 'password'],
  ['sentinels', 'url'],
  ['sentinels', 'host'],
  ['sentinels', 'port'],
  ['sentinels', 'path'],
] as const;

function refuseBoth(own: Given<RedisOptions>): void {
  for (const [one, other] of CONTRADICTIONS) {
    if (own[one] === undefined || own[other] === undefined) continue;
    throw new TypeError(`The options '${one}' and '${other}' contradict each other: leave one of them out`);
  }
}

function withUrl(given: RedisOptions): Given<RedisOptions> {
  const own = withoutUndefined(given);
  refuseBoth(own);
  if (own.url === undefined) return own;
  const { path, ...read } = withoutUndefined(parseUrl(own.url));
  const { username, password, ...rest } = read;
  // Credentials beside the URL take the place of those in it.
  const parsed = own.credentials === undefined ? read : rest;
  if (parsed.tls === true && own.tls === false) {
    throw new TypeError("The option 'tls' is false, and the URL says TLS by its scheme: leave one of them out");
  }
  // A host or port beside the URL takes the place of the Unix socket in it.
  const isElsewhere = own.host !== undefined || own.port !== undefined;
  return { ...parsed, ...(path !== undefined && !isElsewhere && { path }), ...own };
}

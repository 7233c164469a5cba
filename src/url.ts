import type { RedisOptions } from './options';

const TLS_SCHEMES = new Set(['rediss:', 'valkeys:']);
const SCHEMES = new Set(['redis:', 'valkey:', 'redis+unix:', 'valkey+unix:', ...TLS_SCHEMES]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads a connection URL: `redis://[[user:]password@]host[:port][/database]`, `rediss://` for TLS,
 * `redis+unix://[[user:]password@]/path.sock[?db=N]`; `valkey` may stand for `redis`.
 *
 * @throws TypeError that says what is wrong and never repeats a password
 */
export function parseUrl(text: string): RedisOptions {
  const url = tryParse(text);
  const options: Writable<RedisOptions> = {};
  if (url.username !== '') options.username = decode(url.username, 'user name');
  if (url.password !== '') options.password = decode(url.password, 'password');
  if (TLS_SCHEMES.has(url.protocol)) options.tls = true;
  const db = url.searchParams.get('db');
  if (db !== null) options.database = parseDatabase(db);
  if (url.protocol.endsWith('+unix:')) {
    if (url.hostname !== '') throw new TypeError('A Unix socket URL has no host: redis+unix:///path.sock');
    options.path = decode(url.pathname, 'path');
    return options;
  }
  if (url.hostname !== '') options.host = decode(url.hostname, 'host').replace(/^\[|\]$/g, '');
  if (url.port !== '') options.port = Number(url.port);
  const path = decode(url.pathname, 'database').replace(/^\//, '');
  if (path !== '') options.database = parseDatabase(path);
  return options;
}

function tryParse(text: string): URL {
  const scheme = /^[a-z][a-z0-9+.-]*:(?=\/\/)/i.exec(text)?.[0].toLowerCase();
  if (scheme === undefined || !SCHEMES.has(scheme)) {
    const known = [...SCHEMES].map((known) => `${known}//`).join(', ');
    throw new TypeError(`A Redis URL begins with one of ${known}`);
  }
  try {
    return new URL(text);
  } catch {
    throw new TypeError(`A Redis URL reads ${scheme}//[[user:]password@]host[:port][/database], this one does not`);
  }
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`The ${what} in the Redis URL is not percent-encoded correctly`);
  }
}

function parseDatabase(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new TypeError(`The database in the Redis URL is a number, got ${JSON.stringify(text)}`);
  return Number(text);
}

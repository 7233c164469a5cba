import type { RedisOptions } from './redis-options';

const TLS_SCHEMES = new Set(['rediss:', 'valkeys:']);
const SCHEMES = new Set(['redis:', 'valkey:', 'redis+unix:', 'valkey+unix:', ...TLS_SCHEMES]);

/** The standard knows no credentials without a host, so the URL of a socket gets one that cannot be. */
const NO_HOST = 'no-host.invalid';
const SOCKET_CREDENTIALS = /^[a-z]+\+unix:\/\/[^/?#]*@(?=\/)/i;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Options that a query parameter may set, and how to read its text. */
const parameters: { readonly [K in keyof RedisOptions]?: (text: string, name: string) => RedisOptions[K] } = {
  clientName: (text) => text,
  prefix: (text) => text,
  protocol: (text) =>
    text === 'auto' ? text : text === '2' ? 2 : text === '3' ? 3 : refuse('protocol', "2, 3 or 'auto'"),
  connectTimeout: number,
  commandTimeout: number,
  readTimeout: number,
  writeTimeout: number,
  blockingGrace: number,
  pipelineDepth: number,
  offlineQueue: number,
  readBufferSize: number,
  writeBufferSize: number,
  keepAlive: number,
  reconnect: boolean,
  retry: boolean,
  autoPipeline: boolean,
  noDelay: boolean,
  verify: number,
  warnUnused: boolean,
  callSites: boolean,
  asyncContext: boolean,
  family: (text) => (text === '4' ? 4 : text === '6' ? 6 : text === '0' ? 0 : refuse('family', '0, 4 or 6')),
};

/**
 * Reads a connection URL: `redis://[[user:]password@]host[:port][/database][?option=value…]`, `rediss://` for TLS,
 * `redis+unix://[[user:]password@]/path.sock[?db=N]`; `valkey` may stand for `redis`. What stands alone before the `@` is a
 * password.
 *
 * @throws TypeError that says what is wrong and never repeats a password
 */
export function parseUrl(text: string): RedisOptions {
  const url = tryParse(text);
  // All of it may be the rest of a password.
  if (url.hash !== '') throw new TypeError('A Redis URL has nothing behind #; the # of a password is written %23');
  const options: Writable<RedisOptions> = {};
  if (url.username !== '') options.username = decode(url.username, 'user name');
  if (url.password !== '') options.password = decode(url.password, 'password');
  if (options.username !== undefined && options.password === undefined) {
    // With a colon behind it, it is a user whose password is empty; alone it is a password.
    if (!/^[^/]*\/\/[^/?#@:]*:[^/?#]*@/.test(text)) {
      options.password = options.username;
      delete options.username;
    } else {
      options.password = '';
    }
  }
  if (TLS_SCHEMES.has(url.protocol)) options.tls = true;
  Object.assign(options, parseParameters(url));
  if (url.protocol.endsWith('+unix:')) {
    if (url.hostname !== '' && url.hostname !== NO_HOST) {
      throw new TypeError('A Unix socket URL has no host: redis+unix:///path.sock');
    }
    options.path = decode(url.pathname, 'path');
    if (options.path === '' || options.path === '/') {
      throw new TypeError('A Unix socket URL has a path: redis+unix:///path.sock');
    }
    return options;
  }
  if (url.hostname !== '') options.host = decode(url.hostname, 'host').replace(/^\[|\]$/g, '');
  if (url.port !== '') options.port = Number(url.port);
  const path = decode(url.pathname, 'database').replace(/^\//, '');
  if (path !== '' && options.database !== undefined) throw new TypeError('A Redis URL names its database once');
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
    return new URL(text.replace(SOCKET_CREDENTIALS, `$&${NO_HOST}`));
  } catch {
    throw new TypeError(`A Redis URL reads ${scheme}//[[user:]password@]host[:port][/database], this one does not`);
  }
}

function parseParameters({ search, searchParams }: URL): RedisOptions {
  const options: Record<string, unknown> = {};
  for (const [name, text] of searchParams) {
    if (searchParams.getAll(name).length > 1) throw new TypeError(`A Redis URL takes the parameter '${name}' once`);
    if (name === 'db') {
      options.database = parseDatabase(text);
      continue;
    }
    const parse = Object.hasOwn(parameters, name) ? parameters[name as keyof RedisOptions] : undefined;
    if (parse === undefined) {
      // The rest of a password, where the user name is taken for the host.
      if (search.includes('@')) throw new TypeError('The ? of a password is written %3F in a Redis URL');
      throw new TypeError(`A Redis URL takes no parameter '${name}'`);
    }
    options[name] = parse(text, name);
  }
  return options;
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`The ${what} in the Redis URL is not percent-encoded correctly`);
  }
}

function parseDatabase(text: string): number {
  if (!/^\d{1,9}$/.test(text)) return refuse('database', 'a number');
  return Number(text);
}

function number(text: string, name: string): number {
  return /^\d+$/.test(text) ? Number(text) : refuse(name, 'a number');
}

function boolean(text: string, name: string): boolean {
  return text === 'true' || (text === 'false' ? false : refuse(name, 'true or false'));
}

function refuse(name: string, expected: string): never {
  throw new TypeError(`The ${name} in the Redis URL must be ${expected}`);
}

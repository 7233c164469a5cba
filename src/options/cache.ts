import { refuseOverlap } from '../commands/shared-connection';
import { duration, isPlainObject, wholeNumber } from '../option-checks';
import { isBytes } from '../resp/is-bytes';
import { kindOf } from '../resp/kind-of';
import { withoutUndefined } from './without-undefined';

/** Which keys a cache keeps: those that begin with one of these, or those for which a function gives true. */
export type CachedKeys = string | Uint8Array | readonly (string | Uint8Array)[] | ((key: string) => boolean);

/** A client-side cache: what is read is kept in memory until the server tells that it has changed. Durations are milliseconds. */
export interface CacheOptions {
  /** the most replies that are kept; those that were not used for the longest time go first. Default 10 000 */
  readonly maxEntries?: number | undefined;
  /** the most bytes that they take, about; default 64 MiB */
  readonly maxBytes?: number | undefined;
  /** how long a reply is kept at most; default Infinity, because the server tells of changes */
  readonly ttl?: number | undefined;
  /**
   * what the server remembers: every key that the client reads (`default`); only those of replies that may be kept, which costs a second
   * command each (`optin`); or nothing, so that it tells of every change of a key with these `keys` (`broadcast`)
   */
  readonly mode?: 'default' | 'optin' | 'broadcast' | undefined;
  /** which keys are kept, without the client's `prefix`: prefixes, or a function, which `broadcast` cannot have; default all */
  readonly keys?: CachedKeys | undefined;
  /**
   * how long the server may be silent before all that is kept is dropped, because the connection may be dead; it is asked by PING after half
   * of that. So no value is handed out that is older. Live queries have the connection left then. Default `readTimeout`, Infinity to rely on that
   */
  readonly staleAfter?: number | undefined;
}

export interface ResolvedCache {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly ttl: number;
  readonly mode: 'default' | 'optin' | 'broadcast';
  readonly keys: readonly (string | Uint8Array)[] | ((key: string) => boolean);
  readonly staleAfter: number;
}

const MODES = ['default', 'optin', 'broadcast'];

/** @throws TypeError that names the option and what was expected */
export function cacheOf(given: boolean | CacheOptions | undefined, readTimeout: number): ResolvedCache | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true && !isPlainObject(given))
    throw new TypeError(`The option 'cache' is an object or a boolean, got ${kindOf(given)}`);
  const { keys = [], ...own } = given === true ? {} : given;
  const defaults = {
    maxEntries: 10_000,
    maxBytes: 64 * 2 ** 20,
    ttl: Infinity,
    mode: 'default' as const,
    staleAfter: readTimeout,
  };
  const cache = { ...defaults, ...withoutUndefined(own) };
  for (const name of Object.keys(cache)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`There is no option 'cache.${name}'`);
  }
  wholeNumber('cache.maxEntries', cache.maxEntries, 1, Infinity);
  wholeNumber('cache.maxBytes', cache.maxBytes, 1, Infinity);
  duration('cache.ttl', cache.ttl);
  duration('cache.staleAfter', cache.staleAfter);
  if (!MODES.includes(cache.mode))
    throw new TypeError(`The option 'cache.mode' is 'default', 'optin' or 'broadcast', got ${String(cache.mode)}`);
  return { ...cache, keys: keysOf(keys, cache.mode === 'broadcast') };
}

function keysOf(given: CachedKeys, isBroadcast: boolean): ResolvedCache['keys'] {
  if (typeof given === 'function') {
    if (!isBroadcast) return given;
    throw new TypeError(
      "The option 'cache.keys' is a prefix or several where the mode is 'broadcast', for the server has to know them",
    );
  }
  const prefixes = Array.isArray(given) ? (given as readonly unknown[]) : [given];
  for (const prefix of prefixes) {
    if (typeof prefix !== 'string' && !isBytes(prefix))
      throw new TypeError(
        `The option 'cache.keys' is a string or a Uint8Array, several of them, or a function, got ${kindOf(prefix)}`,
      );
  }
  const all = prefixes as readonly (string | Uint8Array)[];
  // Servers from 7.0 on refuse them, and older ones tell of such a key twice.
  if (isBroadcast) refuseOverlap("The option 'cache.keys'", all);
  return all;
}

/** What commands of a view want of the cache: nothing, or how long a reply may have been kept. */
export type CacheWish = false | { readonly ttl: number };

/** @throws TypeError that names the option and what was expected */
export function cacheWishOf(given: unknown): CacheWish | undefined {
  if (given === undefined || given === true) return undefined;
  if (given === false) return false;
  if (!isPlainObject(given)) throw new TypeError(`The option 'cache' is a boolean or { ttl }, got ${kindOf(given)}`);
  const { ttl, ...rest } = given as { readonly ttl?: unknown };
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new TypeError(`withOptions: there is no option 'cache.${unknown}' for commands`);
  if (ttl === undefined) return undefined;
  duration('cache.ttl', ttl);
  return { ttl: ttl as number };
}

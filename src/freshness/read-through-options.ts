import { duration, inRange, is, isPlainObject, onlyKnown } from '../option-checks';
import { kindOf } from '../resp/kind-of';

/** Makes text of values, and values of text. */
export interface Serializer<T = unknown> {
  serialize(value: T): string;
  deserialize(text: string): T;
}

/** How a value is kept that is read through the server. Durations are milliseconds. */
export interface CachedOptions<T = unknown> {
  /** how long a value is kept */
  readonly ttl: number;
  /** the share of that which chance takes off, 0 to 1, so that what was stored together does not end together; default 0.1 */
  readonly jitter?: number | undefined;
  /** how eagerly a value is loaded in the background before it is over, as XFetch has it: 1, the default; more for earlier, 0 for never */
  readonly beta?: number | undefined;
  /**
   * one loader at a time in all processes, by a lock beside the key. It is given back when the value is there, or when all callers have left; where its
   * process has died it ends by itself after so many ms, 10 000 for `true`. Loading should take less. Default false: one in each process
   */
  readonly lock?: boolean | number | undefined;
  /** null and undefined are kept as well; default false, so they are loaded each time */
  readonly nulls?: boolean | undefined;
  /** default JSON */
  readonly serializer?: Serializer<T> | undefined;
}

export interface ResolvedCached<T> {
  readonly ttl: number;
  readonly jitter: number;
  readonly beta: number;
  readonly lock: number | undefined;
  readonly nulls: boolean;
  readonly serializer: Serializer<T>;
}

/** How long a lock lasts at the most, ms. */
const LOCKED_FOR = 10_000;

const asJson: Serializer<never> = {
  // JSON has no undefined.
  serialize: (value: unknown) => JSON.stringify(value === undefined ? null : value),
  deserialize: (text) => JSON.parse(text) as never,
};

const OPTIONS = ['ttl', 'jitter', 'beta', 'lock', 'nulls', 'serializer'];

/** @throws TypeError that names what is wrong */
export function cachedOptionsOf<T>(loader: unknown, given: CachedOptions<T>): ResolvedCached<T> {
  if (typeof loader !== 'function')
    throw new TypeError(`cached: a loader was expected, a function, got ${kindOf(loader)}`);
  if (!isPlainObject(given))
    throw new TypeError(`cached: options with a 'ttl' were expected behind the loader, got ${kindOf(given)}`);
  const {
    ttl,
    jitter = 0.1,
    beta = 1,
    lock = false,
    nulls = false,
    serializer = asJson,
  } = onlyKnown('cached', given, OPTIONS);
  inRange('ttl', ttl, 1, Number.MAX_SAFE_INTEGER);
  inRange('jitter', jitter, 0, 1);
  inRange('beta', beta, 0);
  if (typeof lock === 'number') duration('lock', lock);
  else is('boolean', 'lock', lock, ' or a number of milliseconds');
  is('boolean', 'nulls', nulls);
  is('object', 'serializer', serializer);
  const methods = serializer as unknown as Readonly<Record<string, unknown>>;
  for (const name of ['serialize', 'deserialize']) is('function', `serializer.${name}`, methods[name]);
  const lasts = typeof lock === 'number' ? lock : lock ? LOCKED_FOR : undefined;
  return { ttl, jitter, beta, lock: lasts, nulls, serializer };
}

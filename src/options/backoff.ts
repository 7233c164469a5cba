import { LONGEST_TIMER, inRange, isPlainObject } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { withoutUndefined, type Complete } from './without-undefined';
import type { RetryPolicy } from '../commands/request-context';
import type {
  BackoffOptions,
  ReconnectFunction,
  RedisOptions,
  ReconnectOptions,
  ResolvedOptions,
  RetryOptions,
} from './redis-options';

const defaultReconnect: Complete<ReconnectOptions> = {
  initialDelay: 100,
  maxDelay: 60_000,
  maxDelayWaiting: 2_000,
  factor: 2,
  jitter: 0.25,
  maxAttempts: Infinity,
};

const defaultRetry: Complete<RetryOptions> = {
  initialDelay: 50,
  maxDelay: 1_000,
  factor: 2,
  jitter: 0.25,
  maxAttempts: 16,
};

/** @throws TypeError that names the option and what was expected */
export function resolveReconnect(given: RedisOptions['reconnect']): ResolvedOptions['reconnect'] {
  return backoffOf<ReconnectFunction, Complete<ReconnectOptions>>('reconnect', given, defaultReconnect);
}

/**
 * What retry options stand for, defaults filled in.
 * @throws TypeError that names the option and what was expected
 */
export function resolveRetry(given: RedisOptions['retry']): ResolvedOptions['retry'] {
  return backoffOf<RetryPolicy, Complete<RetryOptions>>('retry', given, defaultRetry);
}

function backoffOf<F, B extends Complete<BackoffOptions>>(
  name: string,
  given: boolean | { readonly [K in keyof B]?: B[K] | undefined } | F | undefined,
  standard: B,
): B | F | false {
  if (given === false || typeof given === 'function') return given;
  if (given !== undefined && given !== true && !isPlainObject(given)) {
    throw new TypeError(`The option '${name}' is a boolean, an object or a function, got ${kindOf(given)}`);
  }
  const backoff: B = { ...standard, ...(typeof given === 'object' ? withoutUndefined(given as object) : {}) };
  for (const key of Object.keys(backoff)) {
    if (!Object.hasOwn(standard, key)) throw new TypeError(`There is no option '${name}.${key}'`);
  }
  inRange(`${name}.initialDelay`, backoff.initialDelay, 0, LONGEST_TIMER);
  inRange(`${name}.maxDelay`, backoff.maxDelay, 0, LONGEST_TIMER);
  if ('maxDelayWaiting' in backoff) inRange(`${name}.maxDelayWaiting`, backoff.maxDelayWaiting, 0, LONGEST_TIMER);
  inRange(`${name}.factor`, backoff.factor, 1);
  inRange(`${name}.jitter`, backoff.jitter, 0, 1);
  inRange(`${name}.maxAttempts`, backoff.maxAttempts, 0);
  return backoff;
}

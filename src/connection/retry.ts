import { retry, throwError, timer, type MonoTypeOperatorFunction } from 'rxjs';
import type { RetryPolicy } from '../commands/request';
import { RedisError } from '../errors';
import { resolveRetry, type ResolvedOptions, type RetryOptions } from '../options';
import { backoff } from './backoff';

/** The policy that options stand for: what may be repeated is, after growing delays. A lost connection has its own. */
export function retryPolicy(options: ResolvedOptions['retry']): RetryPolicy {
  if (typeof options === 'function') return options;
  if (options === false) return () => false;
  return (attempt, error) => {
    if (!error.repeatable || attempt > options.maxAttempts) return false;
    return error.delivery === 'answered' ? backoff(options, attempt) : 0;
  };
}

/**
 * Subscribes again when the source fails with a RedisError that says that repeating does no harm: the command never left, was
 * refused for the moment (LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN), or running it twice is the same as running it once.
 * All other errors pass. Delays are milliseconds.
 *
 * @param options how the attempts are spaced, or a function that decides about each
 *
 * @example
 * redis.get('config').pipe(map(parse), retrySafely({ maxAttempts: 3 })).subscribe(apply);
 */
export function retrySafely<T>(options?: RetryOptions | RetryPolicyOfErrors): MonoTypeOperatorFunction<T> {
  const policy = typeof options === 'function' ? options : safely(options);
  return retry<T>({
    delay: (error: unknown, attempt) => {
      const delay = error instanceof RedisError && policy(attempt, error);
      return delay === false ? throwError(() => error) : timer(delay);
    },
  });
}

/** The delay before the attempt, ms, or false; `attempt` counts from 1. */
export type RetryPolicyOfErrors = (attempt: number, error: RedisError) => number | false;

function safely(options: RetryOptions | undefined): RetryPolicyOfErrors {
  const resolved = resolveRetry(options) as Required<RetryOptions>;
  return (attempt, error) => error.repeatable && attempt <= resolved.maxAttempts && backoff(resolved, attempt);
}

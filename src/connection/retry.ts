import { retry, throwError, timer, type MonoTypeOperatorFunction } from 'rxjs';
import type { Request, RetryPolicy } from '../commands/request';
import { RedisError } from '../errors';
import { resolveRetry, type ResolvedOptions, type RetryOptions } from '../options';
import { backoff } from './backoff';
import { reportUnhandled } from './report-unhandled';

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
 * When a request that has failed is sent again, ms from now; false when its policy does not want that or its time would be up.
 * @param now the time on the clock of its deadline
 */
export function delayOfNextTry(request: Request, error: RedisError, now: number): number | false {
  const { attempt, command, context, deadline } = request;
  let delay: unknown;
  try {
    delay = context.retry(attempt + 1, error, command);
  } catch (thrown) {
    reportUnhandled(thrown);
  }
  // A function in JavaScript may answer with nothing at all; that is no time to wait.
  if (typeof delay !== 'number' || !(delay >= 0) || delay === Infinity) return false;
  return deadline !== 0 && now + delay >= deadline ? false : delay;
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

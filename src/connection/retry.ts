import { asyncScheduler, retry, throwError, timer, type MonoTypeOperatorFunction, type SchedulerLike } from 'rxjs';
import type { Request } from '../commands/request';
import type { RetryPolicy } from '../commands/request-context';
import { RedisError, ReplyError } from '../errors';
import { LONGEST_TIMER } from '../option-checks';
import { resolveRetry, type Complete, type ResolvedOptions, type RetryOptions } from '../options';
import { backoff } from './backoff';
import { reportUnhandled } from './guarded';

/** The policy that options stand for: what may be repeated is, after growing delays. A lost connection has its own. */
export function retryPolicy(options: ResolvedOptions['retry']): RetryPolicy {
  if (typeof options === 'function') return options;
  if (options === false) return () => false;
  return (attempt, error) => {
    if (!error.repeatable || attempt > options.maxAttempts) return false;
    return error instanceof ReplyError ? backoff(options, attempt) : 0;
  };
}

/**
 * When a request that has failed is sent again, ms from now; false when its policy does not want that or its time would be up.
 * @param now the time on the clock of its deadline
 */
export function delayOfNextTry(request: Request, error: RedisError, now: number): number | false {
  const { attempt, command, context, deadline } = request;
  const delay = answerOf(() => context.retry(attempt + 1, error, command));
  return delay !== false && deadline !== 0 && now + delay >= deadline ? false : delay;
}

/**
 * Subscribes again when the source fails with a RedisError that says that repeating does no harm: the command never left, was
 * refused for the moment (LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN), or running it twice is the same as running it once.
 * All other errors pass, also that of a write which was sent and not answered in its time: it may still run, behind later ones. Delays are milliseconds.
 *
 * @param options how the attempts are spaced, or a function that decides about each
 * @param scheduler whose time the delays are counted in
 *
 * @example
 * redis.get('config').pipe(map(parse), retrySafely({ maxAttempts: 3 })).subscribe(apply);
 */
export function retrySafely<T>(
  options?: RetryOptions | RetryPolicyOfErrors,
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<T> {
  const policy = typeof options === 'function' ? options : whileRepeatable(options);
  return retry<T>({
    resetOnSuccess: true,
    delay: (error: unknown, attempt) => {
      const delay = error instanceof RedisError && answerOf(() => policy(attempt, error));
      return delay === false ? throwError(() => error) : timer(delay, scheduler);
    },
  });
}

/** What a policy says, if it is a time to wait, ms. A function in JavaScript may say nothing at all, and throw. */
export function answerOf(policy: () => unknown): number | false {
  let delay: unknown;
  try {
    delay = policy();
  } catch (thrown) {
    reportUnhandled(thrown);
  }
  return typeof delay === 'number' && delay >= 0 && delay < Infinity && Math.min(delay, LONGEST_TIMER);
}

/** The delay before the attempt, ms, or false; `attempt` counts from 1, anew after each value. */
export type RetryPolicyOfErrors = (attempt: number, error: RedisError) => number | false;

function whileRepeatable(options: RetryOptions | undefined): RetryPolicyOfErrors {
  const resolved = resolveRetry(options) as Complete<RetryOptions>;
  return (attempt, error) => error.repeatable && attempt <= resolved.maxAttempts && backoff(resolved, attempt);
}

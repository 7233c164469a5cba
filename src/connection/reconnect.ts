import { retry, throwError, timer, type MonoTypeOperatorFunction, type SchedulerLike } from 'rxjs';
import type { RedisError } from '../errors';
import type { ReconnectOptions } from '../options';

export type ReconnectPolicy = Required<ReconnectOptions>;

/** The delay before the attempt, in ms: exponential up to the ceiling, less a share that chance decides. */
export function backoff(policy: ReconnectPolicy, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(policy.maxDelay, policy.initialDelay * policy.factor ** (attempt - 1));
  return Math.round(full * (1 - policy.jitter * random()));
}

/**
 * Subscribes again to a source that is lost, after a growing delay; a value from the source, a connection that works, starts the
 * count anew. Errors with the last error when the attempts are used up, or at once when there is no policy.
 *
 * @param onLoss told before each wait
 */
export function reconnect<T>(
  policy: ReconnectPolicy | false,
  onLoss: (attempt: number, delay: number, error: RedisError) => void,
  scheduler?: SchedulerLike,
): MonoTypeOperatorFunction<T> {
  return retry<T>({
    resetOnSuccess: true,
    delay: (error: RedisError, attempt) => {
      if (policy === false || attempt > policy.maxAttempts) return throwError(() => error);
      const delay = backoff(policy, attempt);
      onLoss(attempt, delay, error);
      return timer(delay, scheduler);
    },
  });
}

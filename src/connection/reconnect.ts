import {
  isObservable,
  retry,
  take,
  throwError,
  throwIfEmpty,
  timer,
  type MonoTypeOperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import type { RedisError } from '../errors';
import type { ReconnectFunction, ReconnectOptions } from '../options';
import { backoff } from './backoff';

export type ReconnectPolicy = Required<ReconnectOptions> | ReconnectFunction | false;

/**
 * Subscribes again to a source that is lost, when the policy says; a value from the source, a connection that works, starts the
 * count anew. Errors with the last error when the policy gives up.
 *
 * @param onLoss told before each wait; the delay is milliseconds, undefined while an Observable decides
 */
export function reconnect<T>(
  policy: ReconnectPolicy,
  onLoss: (attempt: number, delay: number | undefined, error: RedisError) => void,
  scheduler: SchedulerLike,
): MonoTypeOperatorFunction<T> {
  return retry<T>({
    resetOnSuccess: true,
    delay: (error: RedisError, attempt) => {
      const wait = decide(policy, attempt, error);
      if (wait === false) return throwError(() => error);
      const known = isObservable(wait) ? undefined : wait;
      onLoss(attempt, known, error);
      if (!isObservable(wait)) return timer(wait, scheduler);
      return wait.pipe(
        take(1),
        throwIfEmpty(() => error),
      );
    },
  });
}

function decide(policy: ReconnectPolicy, attempt: number, error: RedisError): ReturnType<ReconnectFunction> {
  if (typeof policy === 'function') return policy(attempt, error);
  return policy !== false && attempt <= policy.maxAttempts && backoff(policy, attempt);
}

import {
  catchError,
  isObservable,
  retry,
  take,
  throwError,
  throwIfEmpty,
  timer,
  type MonoTypeOperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import { ConnectionError, type RedisError } from '../errors';
import { LONGEST_TIMER, kindOf } from '../option-checks';
import type { ReconnectFunction, ReconnectOptions } from '../options';
import { backoff } from './backoff';
import { shielded } from './shielded';

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
        shielded(),
        catchError((cause: unknown) => throwError(() => failed(cause))),
        take(1),
        throwIfEmpty(() => error),
      );
    },
  });
}

function decide(policy: ReconnectPolicy, attempt: number, error: RedisError): ReturnType<ReconnectFunction> {
  if (typeof policy !== 'function') {
    return policy !== false && attempt <= policy.maxAttempts && backoff(policy, attempt);
  }
  let wait: unknown;
  try {
    wait = policy(attempt, error);
  } catch (cause) {
    throw failed(cause);
  }
  if (wait === false || isObservable(wait)) return wait;
  if (typeof wait === 'number' && wait >= 0) return Math.min(wait, LONGEST_TIMER);
  const got = typeof wait === 'number' ? String(wait) : kindOf(wait);
  throw failed(new TypeError(`a delay, an Observable or false was expected, got ${got}`));
}

/** The user's function gives no answer, so nobody knows how to go on. */
function failed(cause: unknown): ConnectionError {
  const why = cause instanceof Error ? cause.message : 'it threw';
  return new ConnectionError(`The option 'reconnect' failed: ${why}`, { cause, repeatable: false });
}

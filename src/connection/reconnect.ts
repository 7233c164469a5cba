import {
  NEVER,
  catchError,
  defer,
  isObservable,
  race,
  retry,
  switchMap,
  take,
  tap,
  throwError,
  throwIfEmpty,
  timer,
  type MonoTypeOperatorFunction,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { ConnectionError, type RedisError } from '../errors';
import { LONGEST_TIMER } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import type { Complete, ReconnectFunction, ReconnectOptions } from '../options';
import { backoff } from './backoff';
import { shielded } from './shielded';

/** A connection that lasts so long has worked, whatever the wait before it, ms. */
const LONG_ENOUGH = 5_000;

export type ReconnectPolicy = Complete<ReconnectOptions> | ReconnectFunction | false;

/** What `reconnect` needs to know of the connection that it makes again. */
export interface Reconnectable {
  readonly clock: SchedulerLike;
  /** something waits for the connection, so that it is made again soon */
  readonly isWaitedFor: () => boolean;
  /** emits when something begins to wait */
  readonly waited$: Observable<unknown>;
  /** whether a loss is the end, whatever the policy says */
  readonly ends?: () => boolean;
  /** whether the connection was left to be made again at once, whatever the policy says; asked once a loss */
  readonly takeHurry?: () => boolean;
  /** ends a delay at once */
  readonly hurry$?: Observable<unknown>;
}

/**
 * Subscribes again to a source that is lost, when the policy says. A value from the source is a connection that works; once it has
 * lasted as long as the wait before it, or 5 000 ms, the count starts anew: a server that does the handshake and hangs up is left alone
 * for longer each time. Errors with the last error when the policy gives up.
 *
 * A delay is no longer than `maxDelayWaiting` while something waits, also when it begins to wait during the delay.
 *
 * @param onLoss told before each wait; the delay is milliseconds, undefined while an Observable decides
 */
export function reconnect<T>(
  policy: ReconnectPolicy,
  { clock, isWaitedFor, waited$, ends = () => false, takeHurry = () => false, hurry$ = NEVER }: Reconnectable,
  onLoss: (attempt: number, delay: number | undefined, error: RedisError) => void,
): MonoTypeOperatorFunction<T> {
  /** The end of a delay, or of the longest that something waits. */
  const elapsed = (wait: number): Observable<unknown> => {
    const most = typeof policy === 'object' ? policy.maxDelayWaiting : Infinity;
    if (wait <= most) return timer(wait, clock);
    return race(
      timer(wait, clock),
      waited$.pipe(
        take(1),
        switchMap(() => timer(most, clock)),
      ),
    );
  };
  return (source) =>
    defer(() => {
      let attempt = 0;
      let waited = 0;
      let readyAt = Infinity;
      const delay = (error: RedisError) => {
        const hasLasted = clock.now() - readyAt >= Math.min(waited, LONG_ENOUGH);
        attempt = hasLasted ? 1 : attempt + 1;
        readyAt = Infinity;
        const wait = takeHurry() ? 0 : !ends() && decide(policy, attempt, error, isWaitedFor);
        if (wait === false) return throwError(() => error);
        const known = isObservable(wait) ? undefined : wait;
        waited = known ?? 0;
        onLoss(attempt, known, error);
        if (!isObservable(wait)) return race(elapsed(wait), hurry$.pipe(take(1)));
        const decided$ = wait.pipe(
          shielded(),
          catchError((cause: unknown) => throwError(() => failed(cause))),
          take(1),
          throwIfEmpty(() => error),
        );
        return race(decided$, hurry$.pipe(take(1)));
      };
      return source.pipe(
        tap(() => (readyAt = clock.now())),
        retry({ delay }),
      );
    });
}

function decide(
  policy: ReconnectPolicy,
  attempt: number,
  error: RedisError,
  isWaitedFor: () => boolean,
): ReturnType<ReconnectFunction> {
  if (typeof policy !== 'function') {
    if (policy === false || attempt > policy.maxAttempts) return false;
    const delay = backoff(policy, attempt);
    return isWaitedFor() ? Math.min(delay, policy.maxDelayWaiting) : delay;
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

/** The user's function gives no answer, so reconnecting ends with this error. */
function failed(cause: unknown): ConnectionError {
  const why = cause instanceof Error ? cause.message : 'it threw';
  return new ConnectionError(`The option 'reconnect' failed: ${why}`, { cause, repeatable: false });
}

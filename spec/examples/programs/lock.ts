import { randomUUID } from 'node:crypto';
import type { Observable } from 'rxjs';
import {
  asyncScheduler,
  concatMap,
  defer,
  filter,
  finalize,
  ignoreElements,
  interval,
  merge,
  of,
  startWith,
  switchMap,
  take,
  tap,
  type SchedulerLike,
} from 'rxjs';
import type { Redis } from 'rxjs-redis';

const ACQUIRE = `
  if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return redis.call('INCR', KEYS[2]) end
  return nil`;

const RENEW = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

const RELEASE = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('DEL', KEYS[1])
  return redis.call('PUBLISH', ARGV[2], '')`;

/** Writes a value unless a later holder of the lock has written before. */
const WRITE = `
  if tonumber(redis.call('HGET', KEYS[1], 'token') or 0) > tonumber(ARGV[1]) then return 0 end
  redis.call('HSET', KEYS[1], 'token', ARGV[1], 'value', ARGV[2])
  return 1`;

/** A release that comes before the subscription to releases stands is not heard, so the lock is asked for now and then as well; ms. */
const ASK_AGAIN = 500;

export class LockLost extends Error {}

/**
 * Holds a lock while it is subscribed to, and renews it. It waits for its turn, and is told when the holder releases the lock.
 * @param ttl after so many ms without renewal it is free: then its holder is taken for dead
 * @returns emits a fencing token once, which is greater than those of all earlier holders; errors when the lock is lost
 * @example
 * locked(redis, 'report').pipe(switchMap((token) => writeReport(token)), take(1)).subscribe();
 */
export function locked(
  redis: Redis,
  name: string,
  ttl = 10_000,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<number> {
  const [key, tokens, released] = [`lock:{${name}}`, `lock:{${name}}:tokens`, `lock:{${name}}:released`];
  const acquire = redis.script(ACQUIRE, { keys: 2, reply: 'integer | null' });
  const renew = redis.script(RENEW, { keys: 1, reply: 'boolean' });
  const release = redis.script(RELEASE, { keys: 1, reply: 'integer' });
  return defer(() => {
    const holder = randomUUID();
    const acquire$ = defer(() => acquire([key, tokens], [holder, ttl]));
    const renewal$ = interval(ttl / 3, scheduler).pipe(
      concatMap(() => renew([key], [holder, ttl])),
      tap((renewed) => {
        if (!renewed) throw new LockLost(`The lock '${name}' is lost`);
      }),
      ignoreElements(),
    );
    const chance$ = merge(redis.subscribe(released, { literal: true }), interval(ASK_AGAIN, scheduler));
    return chance$.pipe(
      startWith(undefined),
      concatMap(() => acquire$),
      filter((token) => token !== null),
      take(1),
      switchMap((token) => merge(of(token), renewal$)),
      finalize(() => release([key], [holder, released]).forget()),
    );
  });
}

/**
 * Writes what only the latest holder of a lock may write: a holder that was paused for too long, and does not know it, is refused.
 * @returns whether it was written
 */
export function writeFenced(redis: Redis, key: string, token: number, value: string): Observable<boolean> {
  return redis.eval<number>(WRITE, key, [token, value]).pipe(switchMap((written) => of(written === 1)));
}

import { duration, wholeNumber } from '../option-checks';
import type { LeaseOptions, RedisOptions } from './redis-options';
import { withoutUndefined, type Complete } from './without-undefined';

/** What a pool can be told: what a client can, and how many connections it has. Durations are milliseconds. */
export interface RedisPoolOptions extends Omit<RedisOptions, 'leases' | 'cache'>, Omit<LeaseOptions, 'max'> {
  /** so many connections are kept from the first use on, and made again when they are lost; default 2 */
  readonly min?: number | undefined;
  /** the most connections; further callers wait. Default 10 */
  readonly max?: number | undefined;
}

const defaultPool: Complete<Pick<RedisPoolOptions, 'min' | 'max' | 'idleTimeout' | 'acquireTimeout'>> = {
  min: 2,
  max: 10,
  idleTimeout: 60_000,
  acquireTimeout: 5_000,
};

/** Takes the options of a pool apart: what limits it, and what its connections are made with. */
export function resolvePool(given: RedisPoolOptions): {
  readonly limits: typeof defaultPool;
  readonly others: RedisOptions;
} {
  if ((given as RedisOptions).leases !== undefined) {
    throw new TypeError("A pool has no option 'leases': its own are 'min', 'max', 'idleTimeout' and 'acquireTimeout'");
  }
  if ((given as RedisOptions).cache !== undefined)
    throw new TypeError("A pool has no option 'cache': invalidations come on one connection, which a Redis has");
  const { min, max, idleTimeout, acquireTimeout, ...others } = given;
  const limits = { ...defaultPool, ...withoutUndefined({ min, max, idleTimeout, acquireTimeout }) };
  wholeNumber('max', limits.max, 1, Infinity);
  // A small `max` alone asks for no more than that.
  if (min === undefined) limits.min = Math.min(limits.min, limits.max);
  wholeNumber('min', limits.min, 0, limits.max);
  duration('idleTimeout', limits.idleTimeout);
  duration('acquireTimeout', limits.acquireTimeout);
  return { limits, others };
}

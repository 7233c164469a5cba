import { duration, isPlainObject, wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import type { LeaseOptions } from './redis-options';
import { withoutUndefined, type Complete } from './without-undefined';

const defaultLeases: Complete<LeaseOptions> = { max: 32, idleTimeout: 60_000, acquireTimeout: 5_000 };

/** @throws TypeError that names the option and what was expected */
export function leasesOf(given: LeaseOptions | undefined): Complete<LeaseOptions> {
  if (given !== undefined && !isPlainObject(given)) {
    throw new TypeError(`The option 'leases' is an object, got ${kindOf(given)}`);
  }
  const leases = { ...defaultLeases, ...withoutUndefined(given ?? {}) };
  for (const key of Object.keys(leases)) {
    if (!Object.hasOwn(defaultLeases, key)) throw new TypeError(`There is no option 'leases.${key}'`);
  }
  wholeNumber('leases.max', leases.max, 1, Infinity);
  duration('leases.idleTimeout', leases.idleTimeout);
  duration('leases.acquireTimeout', leases.acquireTimeout);
  return leases;
}

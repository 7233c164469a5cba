import { TimeoutError } from '../errors';
import type { LeaseLists } from './lease-lists';
import type { LeaseLimits } from './lease-pool';

/**
 * The error of a caller that has waited for too long: every connection is in use, or none can be made.
 * @param maxOption what users call `max`
 */
export function noneFree(
  { leased, preparing, unready }: LeaseLists,
  { max, acquireTimeout }: LeaseLimits,
  maxOption: string,
): TimeoutError {
  const late = `No connection was free within ${acquireTimeout} ms`;
  const [next] = [...preparing, ...unready];
  if (next === undefined) {
    const advice = `Give them back sooner, or raise the option '${maxOption}'`;
    return new TimeoutError(`${late}: all ${leased.size} are in use. ${advice}`);
  }
  const { message, cause } = next.connection.late(acquireTimeout);
  const why = next.connection.wasReady ? 'the server has not answered yet whether another can be' : message;
  return new TimeoutError(`${late}: ${leased.size} of ${max} are in use, and ${why}`, { cause });
}

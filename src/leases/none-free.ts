import { TimeoutError } from '../errors';
import type { LeaseLists } from './lease-lists';

/** Why no connection is free. */
export interface NoneFree {
  /** for people: `all 4 are in use` */
  readonly why: string;
  readonly cause?: unknown;
  readonly advice?: string;
}

/**
 * Why no connection is free: every one is in use, or none can be made.
 * @param limit for how long the caller has waited, ms
 * @param maxOption what users call `max`
 */
export function noneFree(
  { leased, preparing, unready }: LeaseLists,
  max: number,
  limit: number,
  maxOption: string,
): NoneFree {
  const next = firstOf(preparing) ?? firstOf(unready) ?? firstOf(leased);
  const inUse = leased.size;
  if (next === undefined || (next.list === 'leased' && next.connection.wasReady)) {
    const [why, them] = inUse === 1 ? ['the only one is in use', 'it'] : [`all ${inUse} are in use`, 'them'];
    return { why, advice: `Give ${them} back sooner, or raise the option '${maxOption}'` };
  }
  const { message, cause } = next.connection.late(limit);
  const reason = next.connection.wasReady ? 'the server has not answered yet whether another can be' : message;
  return { why: `${inUse} of ${max} ${inUse === 1 ? 'is' : 'are'} in use, and ${reason}`, cause };
}

function firstOf<T>(set: ReadonlySet<T>): T | undefined {
  for (const one of set) return one;
  return undefined;
}

/** The error of a caller that has waited for too long. */
export function noneFreeWithin(limit: number, { why, cause, advice }: NoneFree): TimeoutError {
  const more = advice === undefined ? '' : `. ${advice}`;
  return new TimeoutError(`No connection was free within ${limit} ms: ${why}${more}`, { cause });
}

import { RedisError, ReplyError } from '../errors';

/** Delays before what has failed is tried again, ms: the first, and the longest. */
const FIRST_DELAY = 20;
const LONGEST_DELAY = 1_000;

/** The delay before the next time, ms; `count` is how often it has failed. */
export function delayOf(count: number): number {
  return Math.min(FIRST_DELAY * 2 ** (count - 1), LONGEST_DELAY);
}

/** The words of servers for what passes: they write nothing for now, or have become replicas. In old ones they stand inside the error of a script. */
const PASSES = /\b(OOM|MISCONF|NOREPLICAS|READONLY|MASTERDOWN|LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|UNBLOCKED|NOSCRIPT)\b/;

/** Whether the same may be sent again later: the connection was lost, or the server refused it for the moment. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof RedisError)) return false;
  if (error.repeatable) return true;
  if (error instanceof ReplyError)
    return error.code === 'REPLY' && (PASSES.test(error.kind) || PASSES.test(error.message));
  return error.delivery !== 'unsent';
}

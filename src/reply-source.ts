import type { ReplySource } from './commands/reply';
import { plainContext, type Executor } from './commands/request-context';
import { retryPolicy } from './connection/retry';
import type { RedisError } from './errors';
import type { ResolvedOptions } from './options';

/**
 * Where the replies of a client come from, as its options say.
 * @param report told of the errors of replies that are forgotten
 */
export function replySource(
  { prefix, commandTimeout, retry, onUndelivered, warnUnused, callSites }: ResolvedOptions,
  executor: Executor,
  report: (error: RedisError) => void,
): ReplySource {
  return {
    ...plainContext,
    executor,
    prefix,
    commandTimeout,
    retry: retryPolicy(retry),
    onUndelivered,
    report,
    warnUnused,
    callSites,
    plain: prefix === '' && !warnUnused && !callSites,
  };
}

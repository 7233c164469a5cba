import type { BenchClient, Calls, GroupCalls } from './client';

/** A client whose calls return promises: loops that each await their reply before they send the next command. */
export function promiseClient(
  calls: Calls,
  get: (key: string) => PromiseLike<unknown>,
  groups: GroupCalls,
  more: Pick<BenchClient, 'scan' | 'load' | 'consume' | 'doJobs'> = {},
): BenchClient {
  return {
    run: (command, inFlight, total) => awaitInTurns(calls[command], inFlight, total),
    get: calls.get,
    runGroups: (method, size, inFlight, total) => awaitInTurns(() => groups[method](size), inFlight, total),
    ...more,
    leavePending: (key, count) => {
      for (let i = 0; i < count; i++) get(key).then(undefined, endWithError);
    },
  };
}

/** Calls again when a reply has come, in so many loops. */
export async function awaitInTurns(call: () => PromiseLike<unknown>, inFlight: number, total: number): Promise<void> {
  let left = total;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
}

/** A client that refuses what should be pending has not been measured. */
function endWithError(error: unknown): never {
  throw error;
}

import type { RedisError } from 'rxjs-redis';

/** How a reply ended. */
export type Outcome<T> = { readonly value: T } | { readonly error: RedisError };

/** Subscribes to a reply and tells how it ended; never rejects, so nobody has to wait for it at once. */
export function outcome<T>(reply: PromiseLike<T>): Promise<Outcome<T>> {
  const ended = reply.then<Outcome<T>, Outcome<T>>(
    (value) => ({ value }),
    (error: RedisError) => ({ error }),
  );
  return Promise.resolve(ended);
}

/**
 * The error that a reply ends with.
 * @throws Error when it is answered
 */
export async function failure(reply: PromiseLike<unknown>): Promise<RedisError> {
  const ended = await outcome(reply);
  if ('error' in ended) return ended.error;
  throw new Error(`It was answered: ${JSON.stringify(ended.value)}`);
}

/** What a function throws, as text; undefined when it does not. */
export function thrownBy(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

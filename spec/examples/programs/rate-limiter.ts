import { map, type Observable } from 'rxjs';
import type { RedisCommands } from 'rxjs-redis';

// One script: a client that ends in its middle cannot leave a counter without a time to live.
const TAKE = `
  local used = redis.call('INCR', KEYS[1])
  if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return { used, redis.call('PTTL', KEYS[1]) }`;

export interface Verdict {
  readonly allowed: boolean;
  /** how many more are allowed before the window ends */
  readonly remaining: number;
  /** when the window ends, ms from now */
  readonly resetsIn: number;
}

/**
 * Counts what a user does, in windows that begin with the first act.
 * @param limit how often it is allowed in a window
 * @param window how long a window is, ms
 */
export function rateLimiter(
  redis: RedisCommands,
  limit: number,
  window: number,
): (user: string) => Observable<Verdict> {
  const take = redis.script(TAKE, { keys: 1, reply: 'integers' });
  return (user) =>
    take([`limit:${user}`], [window]).pipe(
      map(([used = 0, resetsIn = 0]) => ({
        allowed: used <= limit,
        remaining: Math.max(0, limit - used),
        resetsIn,
      })),
    );
}

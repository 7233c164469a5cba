import { randomUUID } from 'node:crypto';
import type { Redis, RedisPool, RedisView, PoolView, Script } from '../index';
import { aClient, onlyKnown } from './checks';

/** How the storage names its keys. */
export interface RedisThrottlerStorageOptions {
  /** stands before each key; default `throttle:` */
  readonly prefix?: string | undefined;
}

/** What a throttler is told of a hit. Times are seconds, as `@nestjs/throttler` has them, rounded up. */
export interface RedisThrottlerRecord {
  /** hits that count, this one included */
  totalHits: number;
  /** until the first of them counts no more */
  timeToExpire: number;
  isBlocked: boolean;
  /** until requests are let through again; 0 where they are not blocked */
  timeToBlockExpire: number;
}

const PREFIX = 'throttle:';

/**
 * Counts a hit, on the server's clock. The first key has the hits that count, by when each expires; the second is there while requests are
 * blocked, and has how many hits led to that. A hit that is refused does not count.
 */
const HIT = `
  local hits, block = KEYS[1], KEYS[2]
  local ttl, limit, blockFor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local left = redis.call('PTTL', block)
  if left > 0 then return { tonumber(redis.call('GET', block)), left, 1, left } end
  redis.call('ZREMRANGEBYSCORE', hits, '-inf', now)
  local count = redis.call('ZCARD', hits)
  if blockFor > 0 or count < limit then
    redis.call('ZADD', hits, now + ttl, ARGV[4])
    redis.call('PEXPIRE', hits, ttl)
  end
  count = count + 1
  local first = redis.call('ZRANGE', hits, 0, 0, 'WITHSCORES')[2]
  local expires = first and tonumber(first) - now or ttl
  if count <= limit then return { count, expires, 0, 0 } end
  if blockFor <= 0 then return { count, expires, 1, expires } end
  redis.call('SET', block, count, 'PX', blockFor)
  redis.call('DEL', hits)
  return { count, blockFor, 1, blockFor }
`;

/**
 * A storage for `@nestjs/throttler` that several instances share: each hit counts for `ttl` ms, and is counted by one script, so none is
 * let through too many.
 *
 * @example
 * ThrottlerModule.forRootAsync({
 *   inject: [getRedisToken()],
 *   useFactory: (redis: Redis) => ({
 *     throttlers: [{ ttl: 60_000, limit: 100 }],
 *     storage: new RedisThrottlerStorage(redis),
 *   }),
 * });
 */
export class RedisThrottlerStorage {
  private readonly prefix: string;
  private readonly hit: Script<2, 'integers'>;

  /**
   * @param redis a client, a pool, or a view of one
   * @throws TypeError when it is no client, or an option is wrong
   */
  constructor(redis: Redis | RedisPool | RedisView | PoolView, options: RedisThrottlerStorageOptions = {}) {
    aClient('RedisThrottlerStorage', redis);
    onlyKnown('RedisThrottlerStorage', options, ['prefix']);
    const { prefix = PREFIX } = options;
    if (typeof prefix !== 'string') throw new TypeError("RedisThrottlerStorage: the option 'prefix' is a string");
    this.prefix = prefix;
    this.hit = redis.script(HIT, { keys: 2, reply: 'integers' });
  }

  /**
   * Counts a hit.
   * @param key what is counted, as the throttler's guard names it
   * @param ttl how long the hit counts, ms
   * @param limit how many hits may count
   * @param blockDuration how long requests are refused once there are more, ms; with 0 until enough hits count no more
   * @throws TypeError when a number is none; a RedisError when the server does not answer, so that the guard decides nothing by itself
   */
  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    throttlerName: string,
  ): Promise<RedisThrottlerRecord> {
    // One slot of a cluster for both.
    const name = `${this.prefix}{${key}:${throttlerName}}`;
    const numbers = [whole('ttl', ttl, 1), whole('limit', limit, 0), whole('blockDuration', blockDuration, 0)];
    const reply = await this.hit([name, `${name}:blocked`], [...numbers, randomUUID()]);
    const [totalHits = 0, expires = 0, blocked = 0, blockExpires = 0] = reply;
    return {
      totalHits,
      timeToExpire: Math.ceil(expires / 1000),
      isBlocked: blocked === 1,
      timeToBlockExpire: Math.ceil(blockExpires / 1000),
    };
  }
}

function whole(what: string, given: unknown, least: number): number {
  if (typeof given === 'number' && given >= 0 && given <= Number.MAX_SAFE_INTEGER)
    return Math.max(least, Math.ceil(given));
  const got = typeof given === 'number' ? String(given) : typeof given;
  throw new TypeError(`RedisThrottlerStorage: '${what}' is a number from 0 on, got ${got}`);
}

import { KEYS, MANY, SCRIPT, SMALL_VALUE } from '../data';
import type { ClientModule, GroupCalls } from './client';
import { promiseClient } from './promise-client';

/** What Bun has built in, as far as it is used here. */
interface BunRedis {
  get(key: string): Promise<string | null>;
  getBuffer(key: string): Promise<Uint8Array | null>;
  set(key: string, value: string): Promise<unknown>;
  mget(...keys: string[]): Promise<unknown>;
  hgetall(key: string): Promise<unknown>;
  send(command: string, args: readonly string[]): Promise<unknown>;
  subscribe(channel: string, onMessage: () => void): Promise<unknown>;
}

function connect(url: string): BunRedis {
  const { Bun } = globalThis as unknown as { Bun: { RedisClient: new (url: string) => BunRedis } };
  return new Bun.RedisClient(url);
}

/** Bun's own client, which is native code. */
export const bun: ClientModule = {
  connect: (url) => {
    const redis = connect(url);
    const calls = {
      get: () => redis.get(KEYS.small),
      set: () => redis.set(KEYS.small, SMALL_VALUE),
      lrange: () => redis.send('LRANGE', [KEYS.list, '0', '-1']),
      hgetall: () => redis.hgetall(KEYS.hash),
      zrange: () => redis.send('ZRANGE', [KEYS.sortedSet, '0', '-1', 'WITHSCORES']),
      xrange: () => redis.send('XRANGE', [KEYS.entries, '-', '+']),
      mget: () => redis.mget(...MANY),
      getMedium: () => redis.get(KEYS.medium),
      getLarge: () => redis.get(KEYS.large),
      getLargeBytes: () => redis.getBuffer(KEYS.large),
      script: () => redis.send('EVAL', [SCRIPT, '1', KEYS.small]),
    };
    const none = (): never => {
      throw new Error('Bun has no pipelines and no transactions');
    };
    const groups: GroupCalls = { pipeline: none, multi: none };
    return Promise.resolve(promiseClient(calls, (key) => redis.get(key), groups));
  },
  listen: async (url, channel, onMessage) => {
    await connect(url).subscribe(channel, onMessage);
  },
};

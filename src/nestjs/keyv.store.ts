import { EventEmitter } from 'node:events';
import type { RedisPool, Redis, RedisView, PoolView } from '../index';
import { aClient, onlyKnown } from './checks';

/** How a store names its keys. */
export interface RedisKeyvStoreOptions {
  /** stands before each key, so that `clear` deletes nothing else; default `cache:` */
  readonly prefix?: string | undefined;
}

/** Characters that mean something in a pattern. */
const GLOB = /[*?[\]\\^]/g;
const PREFIX = 'cache:';
/** How many keys a SCAN looks at, and how many are read or deleted at once. */
const PAGE = 1_000;

/**
 * A store for Keyv, and so for `@nestjs/cache-manager`. Each value expires at the server. The client is not closed with the cache: it belongs
 * to the application. One store is for one Keyv, because that tells it its namespace.
 *
 * @example
 * CacheModule.registerAsync({
 *   inject: [getRedisToken()],
 *   useFactory: (redis: Redis) => ({ stores: [new RedisKeyvStore(redis)], ttl: 60_000 }),
 * });
 */
export class RedisKeyvStore extends EventEmitter {
  /** Keyv reads from it whether the store has an iterator. */
  readonly opts: { readonly dialect: 'redis'; readonly url: 'redis' } = { dialect: 'redis', url: 'redis' };
  /** Keyv's; it stands before its keys, with a colon, and bounds `clear` */
  namespace: string | undefined = undefined;
  private readonly prefix: string;

  /**
   * @param redis a client, a pool, or a view of one
   * @throws TypeError when it is no client, or an option is wrong
   */
  constructor(
    private readonly redis: Redis | RedisPool | RedisView | PoolView,
    options: RedisKeyvStoreOptions = {},
  ) {
    super();
    aClient('RedisKeyvStore', redis);
    onlyKnown('RedisKeyvStore', options, ['prefix']);
    const { prefix = PREFIX } = options;
    if (typeof prefix !== 'string') throw new TypeError("RedisKeyvStore: the option 'prefix' is a string");
    this.prefix = prefix;
  }

  async get<T = string>(key: string): Promise<T | undefined> {
    return ((await this.told(this.redis.get(this.keyOf(key)))) ?? undefined) as T | undefined;
  }

  async getMany<T = string>(keys: string[]): Promise<(T | undefined)[]> {
    if (keys.length === 0) return [];
    const values = await this.told(this.redis.mget(keys.map((key) => this.keyOf(key))));
    return values.map((value) => (value ?? undefined) as T | undefined);
  }

  /**
   * @param ttl ms; without one, or with 0, the value stays
   * @throws TypeError when the value is no text: Keyv makes one of it unless its `serialize` is switched off
   */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const options = ttl === undefined || ttl === 0 ? {} : { PX: checkedTtl(ttl) };
    await this.redis.set(this.keyOf(key), checkedValue(value), options);
    return true;
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  async delete(key: string): Promise<boolean> {
    return (await this.redis.unlink(this.keyOf(key))) === 1;
  }

  /** @returns whether all of them were there */
  async deleteMany(keys: string[]): Promise<boolean> {
    if (keys.length === 0) return true;
    return (await this.redis.unlink(keys.map((key) => this.keyOf(key)))) === new Set(keys).size;
  }

  async has(key: string): Promise<boolean> {
    return (await this.told(this.redis.exists(this.keyOf(key)))) === 1;
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.has(key)));
  }

  /** Deletes what has the prefix, and the namespace where there is one, by SCAN and UNLINK: page by page, and nothing else waits for it. */
  async clear(): Promise<void> {
    for await (const keys of this.scan(this.namespace)) {
      if (keys.length > 0) await this.redis.unlink(keys);
    }
  }

  /** Keys and values, page by page. A key that is set or deleted meanwhile may be missing, and another may come twice. */
  async *iterator(namespace: string | undefined = this.namespace): AsyncGenerator<[key: string, value: string], void> {
    for await (const keys of this.scan(namespace)) {
      const values = keys.length > 0 ? await this.redis.mget(keys) : [];
      for (const [index, key] of keys.entries()) {
        const value = values[index];
        if (value !== undefined && value !== null) yield [key.slice(this.prefix.length), value];
      }
    }
  }

  /** The client belongs to the application. */
  async disconnect(): Promise<void> {
    return Promise.resolve();
  }

  private scan(namespace: string | undefined): AsyncIterable<string[]> {
    const bound = namespace === undefined ? this.prefix : `${this.prefix}${namespace}:`;
    return this.redis.scanStream({ MATCH: `${bound.replace(GLOB, '\\$&')}*`, COUNT: PAGE });
  }

  private keyOf(key: string): string {
    return this.prefix + key;
  }

  /** Keyv takes a read that fails for a miss and says nothing, so the store does. */
  private async told<T>(reply: PromiseLike<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      if (this.listenerCount('error') > 0) this.emit('error', error);
      throw error;
    }
  }
}

function checkedValue(value: unknown): string | Uint8Array {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  throw new TypeError(
    `RedisKeyvStore: a value is a text or bytes, got ${value === null ? 'null' : typeof value}; let Keyv serialize it`,
  );
}

function checkedTtl(ttl: unknown): number {
  if (typeof ttl === 'number' && ttl > 0 && ttl <= Number.MAX_SAFE_INTEGER) return Math.ceil(ttl);
  throw new TypeError(
    `RedisKeyvStore: a ttl is a number of milliseconds, got ${typeof ttl === 'number' ? ttl : typeof ttl}`,
  );
}

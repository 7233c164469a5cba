import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import type { Cache } from 'cache-manager';
import Keyv from 'keyv';
import type { Redis } from 'rxjs-redis';
import { RedisKeyvStore, RedisModule, getRedisToken } from 'rxjs-redis/nestjs';
import { eventually, useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { useServer } from '../../support/server';

const server = useServer();
const makeClient = useClients();
const { compile, closes } = useNest();

describe('RedisKeyvStore', () => {
  let redis: Redis;
  beforeEach(async () => {
    redis = makeClient(server().url);
    await redis.flushall();
  });
  const storeOf = (prefix?: string) => new RedisKeyvStore(redis, { prefix });

  const cacheOf = async () => {
    const cache = CacheModule.registerAsync({
      inject: [getRedisToken()],
      useFactory: (client: Redis) => ({ stores: [new RedisKeyvStore(client)], ttl: 60_000 }),
    });
    const app = closes(await (await compile({ imports: [RedisModule.forRoot({ url: server().url }), cache] })).init());
    return { app, cache: app.get<Cache>(CACHE_MANAGER) };
  };

  it('has @nestjs/cache-manager get, set, delete, and wrap what is not there', async () => {
    const { cache } = await cacheOf();
    expect(await cache.get('k')).toBeUndefined();
    await cache.set('k', { deep: [1, 'two', null] });
    expect(await cache.get('k')).toEqual({ deep: [1, 'two', null] });
    expect(await cache.wrap('k', () => 'anew')).toEqual({ deep: [1, 'two', null] });
    expect(await cache.del('k')).toBe(true);
    expect(await cache.wrap('k', () => 'anew')).toBe('anew');
    expect(await cache.get('k')).toBe('anew');
  });

  it('has it read, set and delete several at once', async () => {
    const { cache } = await cacheOf();
    await cache.mset([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    expect(await cache.mget(['a', 'none', 'b'])).toEqual([1, undefined, 2]);
    expect(await cache.mdel(['a', 'b'])).toBe(true);
    expect(await cache.mget(['a', 'b'])).toEqual([undefined, undefined]);
  });

  it('has the server expire what is cached', async () => {
    const { cache } = await cacheOf();
    await cache.set('short', 'v', 30);
    await cache.set('default', 'v');
    const left = await redis.pttl('cache:default');
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_000);
    await eventually(
      () => redis.exists('cache:short'),
      (there) => there === 0,
    );
    expect(await cache.get('short')).toBeUndefined();
  });

  it('clears what is cached and nothing else, whatever the prefix has in it', async () => {
    const { cache } = await cacheOf();
    await redis.set('own', 'stays');
    const keys = Array.from({ length: 2_500 }, (_, index) => ({ key: `k${index}`, value: index }));
    await cache.mset(keys);
    await cache.clear();
    expect(await redis.keys('*')).toEqual(['own']);

    await redis.set('abc:k', 'stays');
    const odd = new Keyv({ store: storeOf('a*c:[x]') });
    await odd.set('k', 'v');
    expect(await odd.get('k')).toBe('v');
    await odd.clear();
    expect((await redis.keys('*')).sort()).toEqual(['abc:k', 'own']);
  });

  it('keeps the namespaces of Keyv apart', async () => {
    const [one, two] = ['one', 'two'].map((namespace) => new Keyv({ store: storeOf(), namespace }));
    await one!.set('k', 1);
    await two!.set('k', 2);
    await one!.clear();
    expect([await one!.get('k'), await two!.get('k')]).toEqual([undefined, 2]);
  });

  it('has Keyv iterate over what is there', async () => {
    const keyv = new Keyv({ store: storeOf(), namespace: 'n' });
    const other = new Keyv({ store: storeOf(), namespace: 'm' });
    await other.set('x', 0);
    for (let index = 0; index < 1_200; index++) void keyv.set(`k${index}`, index);
    await keyv.set('last', 'one');
    const seen = new Map<string, unknown>();
    for await (const [key, value] of keyv.iterator!(undefined) as AsyncIterable<[string, unknown]>)
      seen.set(key, value);
    expect(seen.size).toBe(1_201);
    expect([seen.get('last'), seen.get('k7'), seen.has('x')]).toEqual(['one', 7, false]);
  });

  it('tells which keys are there', async () => {
    const keyv = new Keyv({ store: storeOf() });
    await keyv.set('k', 'v');
    expect([await keyv.has('k'), await keyv.has('none')]).toEqual([true, false]);
    expect(await keyv.hasMany(['none', 'k'])).toEqual([false, true]);
    expect(await keyv.deleteMany(['k', 'none'])).toBe(false);
    expect([await storeOf().getMany([]), await storeOf().deleteMany([])]).toEqual([[], true]);
  });

  it('stands on a client that has a prefix itself', async () => {
    const prefixed = makeClient({ url: server().url, prefix: 'app:' });
    const keyv = new Keyv({ store: new RedisKeyvStore(prefixed) });
    await keyv.set('k', 'v');
    await redis.set('cache:other', 'stays');
    expect((await redis.keys('*')).sort()).toEqual(['app:cache:keyv:k', 'cache:other']);
    await keyv.clear();
    expect(await redis.keys('*')).toEqual(['cache:other']);
  });

  it('leaves the client open when the cache is gone, and tells errors of reads', async () => {
    const keyv = new Keyv({ store: storeOf() });
    await keyv.disconnect();
    expect(await redis.ping()).toBe('PONG');
    const errors: Error[] = [];
    keyv.on('error', (error: Error) => errors.push(error));
    await redis.lpush('cache:keyv:list', 'x');
    expect(await keyv.get('list')).toBeUndefined();
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('WRONGTYPE')]);
  });

  it('refuses what is no client, option, value or ttl', async () => {
    expect(() => new RedisKeyvStore({} as Redis)).toThrow('RedisKeyvStore: a client was expected');
    expect(() => new RedisKeyvStore(redis, { prefx: '' } as object)).toThrow(
      "there is no option 'prefx'; known are prefix",
    );
    expect(() => storeOf(7 as unknown as string)).toThrow("the option 'prefix' is a string");
    await expect(storeOf().set('k', { a: 1 })).rejects.toThrow('a value is a text or bytes, got object');
    await expect(storeOf().set('k', 'v', -1)).rejects.toThrow('a ttl is a number of milliseconds, got -1');
  });
});

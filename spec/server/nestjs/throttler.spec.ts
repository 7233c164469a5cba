import { Controller, Get, type INestApplication } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import type { Redis } from 'rxjs-redis';
import { RedisModule, RedisThrottlerStorage, getRedisToken } from 'rxjs-redis/nestjs';
import { eventually, useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { useServer } from '../../support/server';

const server = useServer();
const makeClient = useClients();
const { compile, closes } = useNest();

@Controller()
class Hello {
  @Get()
  hello() {
    return 'hello';
  }
}

describe('RedisThrottlerStorage', () => {
  let redis: Redis;
  beforeEach(async () => {
    redis = makeClient(server().url);
    await redis.flushall();
  });
  const HOUR = 3_600_000;

  const startApp = async (): Promise<INestApplication> => {
    const throttler = ThrottlerModule.forRootAsync({
      inject: [getRedisToken()],
      useFactory: (client: Redis) => ({
        throttlers: [{ ttl: HOUR, limit: 3 }],
        storage: new RedisThrottlerStorage(client),
      }),
    });
    const module = await compile({
      imports: [RedisModule.forRoot({ url: server().url }), throttler],
      controllers: [Hello],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
    });
    const app = closes(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    return app;
  };

  it('has two instances of an application let through no more than the limit together', async () => {
    const urls = await Promise.all([startApp(), startApp()].map(async (app) => (await app).getUrl()));
    const responses = await Promise.all([0, 1, 0, 1, 0].map((index) => fetch(urls[index]!)));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
    const refused = responses.find(({ status }) => status === 429);
    expect(Number(refused!.headers.get('retry-after'))).toBe(3_600);
  });

  it('loses no hit of many at once', async () => {
    const storages = [redis, makeClient(server().url)].map((client) => new RedisThrottlerStorage(client));
    const hits = Array.from({ length: 200 }, (_, index) => storages[index % 2]!.increment('k', HOUR, 150, HOUR, 'n'));
    const records = await Promise.all(hits);
    expect(records.filter(({ isBlocked }) => !isBlocked)).toHaveLength(150);
    expect(Math.max(...records.map(({ totalHits }) => totalHits))).toBe(151);
  });

  it('counts keys and throttlers apart', async () => {
    const storage = new RedisThrottlerStorage(redis);
    const names = ['a n', 'a n', 'a m', 'b n'].map((name) => name.split(' ') as [string, string]);
    const records = await Promise.all(names.map(([key, name]) => storage.increment(key, HOUR, 9, HOUR, name)));
    expect(records.map(({ totalHits }) => totalHits)).toEqual([1, 2, 1, 1]);
    expect(records[0]).toEqual({ totalHits: 1, timeToExpire: 3_600, isBlocked: false, timeToBlockExpire: 0 });
  });

  it('blocks for blockDuration, during which no hit counts, and begins anew then', async () => {
    const storage = new RedisThrottlerStorage(redis);
    const hit = () => storage.increment('k', HOUR, 1, 50, 'n');
    await hit();
    expect(await storage.increment('k', HOUR, 1, HOUR, 'n')).toMatchObject({
      totalHits: 2,
      isBlocked: true,
      timeToBlockExpire: 3_600,
    });
    expect(await hit()).toMatchObject({ totalHits: 2, isBlocked: true });
    await redis.pexpire('throttle:{k:n}:blocked', 1);
    const again = await eventually(hit, ({ isBlocked }) => !isBlocked);
    expect(again).toMatchObject({ totalHits: 1, timeToBlockExpire: 0 });
  });

  it('lets hits expire one by one, also without a block', async () => {
    const storage = new RedisThrottlerStorage(redis);
    await storage.increment('k', 40, 2, 0, 'n');
    await storage.increment('k', HOUR, 2, 0, 'n');
    const third = () => storage.increment('k', HOUR, 2, 0, 'n');
    const let_ = await eventually(third, ({ isBlocked }) => !isBlocked);
    expect(let_.totalHits).toBe(2);
    expect(await third()).toMatchObject({ totalHits: 3, isBlocked: true });
    expect(await redis.zcard('throttle:{k:n}')).toBe(2);
  });

  it('leaves nothing behind that does not expire', async () => {
    const storage = new RedisThrottlerStorage(redis, { prefix: 't:' });
    await storage.increment('k', HOUR, 1, HOUR, 'n');
    expect(await redis.pttl('t:{k:n}')).toBeGreaterThan(0);
    await storage.increment('k', HOUR, 1, HOUR, 'n');
    expect(await redis.keys('*')).toEqual(['t:{k:n}:blocked']);
    expect(await redis.pttl('t:{k:n}:blocked')).toBeGreaterThan(0);
  });

  it('refuses what is no client, option or number', async () => {
    expect(() => new RedisThrottlerStorage({} as Redis)).toThrow('RedisThrottlerStorage: a client was expected');
    expect(() => new RedisThrottlerStorage(redis, { ttl: 1 } as object)).toThrow("there is no option 'ttl'");
    await expect(new RedisThrottlerStorage(redis).increment('k', NaN, 1, 1, 'n')).rejects.toThrow("'ttl' is a number");
  });
});

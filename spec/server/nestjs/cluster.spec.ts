import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { RedisCluster } from 'rxjs-redis';
import {
  RedisHealthIndicator,
  RedisIoAdapter,
  RedisKeyvStore,
  RedisModule,
  RedisThrottlerStorage,
  getRedisToken,
} from 'rxjs-redis/nestjs';
import { useNest } from '../../support/nest';
import { useCluster } from '../../support/whole-cluster';

const cluster = useCluster();
const { compile, closes } = useNest();

describe('RedisModule with the option cluster', () => {
  const start = async () => {
    const nodes = cluster().nodes.map(({ host, port }) => ({ host, port }));
    const imports = [
      RedisModule.forRoot({ cluster: { nodes }, connect: true }),
      TerminusModule.forRoot({ logger: false }),
    ];
    return closes(await (await compile({ imports })).init());
  };

  it('makes a client of the cluster, which is asked for its health and drained at the end', async () => {
    const app = await start();
    const redis = app.get<RedisCluster>(getRedisToken());
    expect(redis).toBeInstanceOf(RedisCluster);
    expect(await redis.mset({ a: 1, b: 2, c: 3 })).toBe('OK');
    const health = await app.get(HealthCheckService).check([() => app.get(RedisHealthIndicator).pingCheck('redis')]);
    expect(health).toMatchObject({ status: 'ok', info: { redis: { status: 'up' } } });
    const pending = redis.mget('a', 'b', 'c').then((values) => values);
    await app.close();
    expect(await pending).toStrictEqual(['1', '2', '3']);
    await expect(redis.get('a').then((value) => value)).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('has stores for the cache and the throttler, whose keys lie on all masters', async () => {
    const redis = (await start()).get<RedisCluster>(getRedisToken());
    const store = new RedisKeyvStore(redis);
    const keys = Array.from({ length: 30 }, (_, n) => `cached:${n}`);
    await store.setMany(keys.map((key) => ({ key, value: `value of ${key}` })));
    expect(await store.getMany(keys)).toEqual(keys.map((key) => `value of ${key}`));
    expect(await Promise.all(keys.map((key) => store.has(key)))).toEqual(keys.map(() => true));
    expect(await store.deleteMany(keys.slice(0, 10))).toBe(true);
    await redis.set('of another', 1);
    await store.clear();
    expect(await store.getMany(keys)).toEqual(keys.map(() => undefined));
    expect(await redis.exists('of another')).toBe(1);
    const throttler = new RedisThrottlerStorage(redis);
    const hits = ['a', 'b', 'c', 'a'].map((key) => throttler.increment(key, 10_000, 1, 10_000, 'default'));
    expect((await Promise.all(hits)).map(({ totalHits, isBlocked }) => [totalHits, isBlocked])).toEqual([
      [1, false],
      [1, false],
      [1, false],
      [2, true],
    ]);
  });

  it('is refused by the adapter for sockets, which says what to give it', async () => {
    const app = await start();
    expect(() => void new RedisIoAdapter(app).createIOServer(0)).toThrow(
      'beside a cluster, give it one of a single server',
    );
  });
});

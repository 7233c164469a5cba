import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { RedisCluster } from 'rxjs-redis';
import { RedisHealthIndicator, RedisModule, getRedisToken } from 'rxjs-redis/nestjs';
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
});

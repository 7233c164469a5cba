import { count } from 'rxjs';
import { RedisCluster } from 'rxjs-redis';
import { record, useClients } from '../../support/clients';
import { thrownBy } from '../../support/outcomes';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

/** Adds so many entries in one call. */
const ADD = "for n = 1, ARGV[1] do redis.call('XADD', KEYS[1], n .. '-0', 'n', n) end";

describe('Streams and messages in numbers', () => {
  const server = useServer();
  const make = useClients();

  it('a tail reads 150 000 entries at once where its batch is as large', async () => {
    const redis = make(server().url);
    await redis.flushall();
    await redis.eval(ADD, ['s'], [150_000]);
    const told = record(redis.tail('s', { from: '0', batch: 150_000, until: '$' }).pipe(count()));
    await until(() => told.ended !== undefined);
    expect([told.ended, told.values]).toStrictEqual(['complete', [150_000]]);
  });

  it('a cluster takes 150 000 shard channels in one call', async () => {
    const cluster = new RedisCluster({ nodes: ['127.0.0.1:1'] });
    const channels = Array.from({ length: 150_000 }, (_, n) => `c:${n}`);
    expect(thrownBy(() => cluster.ssubscribe(channels))).toBeUndefined();
    await cluster.destroy();
  });
});

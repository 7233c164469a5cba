import type * as Commands from '../../../src/commands';
import type * as RxjsRedis from '../../../src/index';
import { KEYS, SCRIPT } from '../data';
import { loadOurs } from './installed';
import { oursAfter } from './ours';

/**
 * Single commands of a client that has sent groups, watched, lent a connection and called a script, and is subscribed to a channel, in a
 * process where other clients have a cache and a tracer, a pool lends connections, and one of a cluster was made. What is there and not
 * used by a command must not cost it anything.
 */
export const oursBesideFeatures = oursAfter(async (redis, url) => {
  const { Redis, RedisCluster, RedisPool } = loadOurs<typeof RxjsRedis>();
  const { get } = loadOurs<typeof Commands>('./commands.cjs');
  const read = get(KEYS.small);
  await redis.pipeline([read, read]);
  await redis.multi([read, read]);
  await redis.watch([KEYS.small], () => [read]);
  await redis.dedicated((connection) => connection.get(KEYS.small));
  await redis.script(SCRIPT, { keys: 1, reply: 'string' })([KEYS.small]);
  redis.subscribe('bench:features').subscribe();
  const cached = new Redis(url, { cache: true });
  const traced = new Redis(url, { telemetry: true });
  const pool = new RedisPool(url);
  for (let time = 0; time < 2; time++) await Promise.all([cached, traced, pool].map((one) => one.get(KEYS.small)));
  await new RedisCluster({ nodes: [new URL(url).host] }).close();
});

import type * as RxjsRedis from '../../../src/index';
import type * as Rxjs from 'rxjs';
import { MANY, SMALL_VALUE } from '../data';
import { loadOurs } from '../clients/installed';
import type { Job, Metrics } from './job';
import { latencies } from './latency';

/** A replica is master after about two seconds, where nodes may be silent for one. */
const SECONDS = 5;

/**
 * GETs of a key whose master lives, beside as many of one whose master is killed.
 * @param url of a cluster that is not used for anything else
 * @returns what measures once: `p99` of the first from the kill on, µs; `times`, how many times that is the p99 before
 */
export async function prepareFailover(
  url: string,
  { perSecond }: Extract<Job, { kind: 'failover' }>,
): Promise<() => Promise<Metrics>> {
  const { RedisCluster } = loadOurs<typeof RxjsRedis>();
  const { firstValueFrom } = loadOurs<typeof Rxjs>('rxjs');
  const cluster = new RedisCluster({ nodes: [new URL(url).host], offlineQueue: perSecond * SECONDS });
  await Promise.all(MANY.map((key) => firstValueFrom(cluster.set(key, SMALL_VALUE))));
  const [living] = MANY;
  const dying = MANY.find((key) => cluster.nodeFor(key) !== cluster.nodeFor(living!));
  const others: Promise<unknown>[] = [];
  const get = (): Promise<unknown> => {
    others.push(firstValueFrom(cluster.get(dying!)));
    return firstValueFrom(cluster.get(living!));
  };
  const high = async (): Promise<number> => {
    const { p99 } = await latencies(get, { perSecond, seconds: SECONDS })();
    await Promise.all(others.splice(0));
    return p99;
  };
  await high(); // warms up
  return async () => {
    const before = await high();
    const { server } = await firstValueFrom(cluster.on(cluster.nodeFor(dying!)!).info('server'));
    process.kill(Number(server!.process_id), 'SIGKILL');
    const p99 = await high();
    return { p99, times: p99 / before };
  };
}

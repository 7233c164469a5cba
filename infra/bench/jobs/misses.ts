import type * as Rxjs from 'rxjs';
import type * as RxjsRedis from '../../../src/index';
import { loadOurs } from '../clients/installed';
import { awaitInTurns } from '../clients/promise-client';
import { MISSED, SMALL_VALUE } from '../data';
import type { Job, Metrics } from './job';
import { prepareThroughput } from './throughput';

type MissesJob = Extract<Job, { kind: 'misses' }>;

const ROWS_A_WRITE = 1_000;

/**
 * GETs of more keys in turn than a cache has room for, so that it has none of them when it is asked.
 * @returns what measures once
 */
export async function prepareMisses(
  url: string,
  isCached: boolean,
  { inFlight, seconds }: MissesJob,
): Promise<() => Promise<Metrics>> {
  const { firstValueFrom } = loadOurs<typeof Rxjs>('rxjs');
  const cache = isCached && { maxEntries: MISSED.entries };
  const redis = new (loadOurs<typeof RxjsRedis>().Redis)(url, { cache });
  const keys = Array.from({ length: MISSED.keys }, (_, n) => `bench:missed:${n}`);
  for (let n = 0; n < keys.length; n += ROWS_A_WRITE) {
    await redis.mset(Object.fromEntries(keys.slice(n, n + ROWS_A_WRITE).map((key) => [key, SMALL_VALUE])));
  }
  let at = 0;
  const get = (): Promise<unknown> => firstValueFrom(redis.get(keys[at++ % MISSED.keys]!));
  const measure = await prepareThroughput({ inFlight, seconds, run: (total) => awaitInTurns(get, inFlight, total) });
  return async () => {
    const metrics = await measure();
    if (redis.cache.stats.hits > 0) throw new Error('The cache has answered what it should have missed');
    return metrics;
  };
}

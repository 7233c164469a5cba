import { startSentinels, type SentinelTrio, type SentinelsOptions } from '../../infra/servers';
import type { RedisOptions } from 'rxjs-redis';

/** Starts a trio of sentinels before the specs of a block, and stops it after them. */
export function useSentinels(options: SentinelsOptions = {}): () => SentinelTrio {
  let trio: SentinelTrio | undefined;
  beforeAll(async () => {
    trio = await startSentinels(options);
  });
  afterAll(() => trio?.stop());
  return () => {
    if (trio === undefined) throw new Error('useSentinels: the trio is there in specs and hooks, not before');
    return trio;
  };
}

/** Starts one for each spec: what a failover has changed reaches no other. */
export function useFreshSentinels(options: SentinelsOptions = {}): () => SentinelTrio {
  let trio: SentinelTrio | undefined;
  beforeEach(async () => {
    trio = await startSentinels(options);
  });
  afterEach(() => trio?.stop());
  return () => {
    if (trio === undefined) throw new Error('useFreshSentinels: the trio is there in specs, not before');
    return trio;
  };
}

/** What a client of the trio is made with. */
export function optionsOf({ sentinels, service }: SentinelTrio): RedisOptions {
  return { sentinels: sentinels.map(({ host, port }) => ({ host, port })), service };
}

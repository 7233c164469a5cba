import type { BenchClient } from '../clients/client';
import type { Metrics } from './job';

/** Walks over all keys of the database, once to warm up. */
export async function prepareScan(
  client: BenchClient,
  { keys, page }: { readonly keys: number; readonly page: number | undefined },
): Promise<() => Promise<Metrics>> {
  const scan = async (): Promise<Metrics> => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const seen = await client.scan?.(page);
    if (seen !== keys) throw new Error(`${String(seen)} of ${keys} keys were found`);
    const perSecond = (keys * 1000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond, cpu: (user + system) / keys };
  };
  await scan();
  return scan;
}

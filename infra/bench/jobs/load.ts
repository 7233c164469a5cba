import type { BenchClient } from '../clients/client';
import type { Metrics } from './job';

/** Writes rows, once to warm up. */
export async function prepareLoad(client: BenchClient, rows: number): Promise<() => Promise<Metrics>> {
  const load = async (): Promise<Metrics> => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await client.load?.(rows);
    const perSecond = (rows * 1000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond, cpu: (user + system) / rows };
  };
  await load();
  return load;
}

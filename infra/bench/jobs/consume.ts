import type { BenchClient } from '../clients/client';
import type { Metrics } from './job';

/** Handles the entries of a stream, once to warm up. */
export async function prepareConsume(
  client: BenchClient,
  entries: number,
  atOnce: number,
): Promise<() => Promise<Metrics>> {
  const consume = async (): Promise<Metrics> => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await client.consume?.(entries, atOnce);
    const perSecond = (entries * 1000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond, cpu: (user + system) / entries };
  };
  await consume();
  return consume;
}

import type { BenchClient } from '../clients/client';
import type { Metrics } from './job';

/** Has jobs of BullMQ done, once to warm up. */
export async function prepareBullmq(
  client: BenchClient,
  { jobs, atOnce }: { readonly jobs: number; readonly atOnce: number },
): Promise<() => Promise<Metrics>> {
  const measure = async (): Promise<Metrics> => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await client.doJobs?.(jobs, atOnce);
    const perSecond = (jobs * 1000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond, cpu: (user + system) / jobs };
  };
  await measure();
  return measure;
}

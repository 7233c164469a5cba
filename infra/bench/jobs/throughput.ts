import type { BenchClient } from '../clients/client';
import type { Job, Metrics } from './job';

type ThroughputJob = Extract<Job, { kind: 'throughput' }>;

/**
 * Warms up, and learns from it how many commands fill the time: a count costs the loops nothing, a look at the clock
 * would.
 * @returns what measures once
 */
export async function prepareThroughput(client: BenchClient, job: ThroughputJob): Promise<() => Promise<Metrics>> {
  const { command, inFlight, seconds } = job;
  let total = inFlight;
  let elapsed = await time(client, job, total);
  while (elapsed < seconds) {
    total = Math.ceil(total * Math.min(8, Math.max(1.5, seconds / elapsed)));
    elapsed = await time(client, job, total);
  }
  const count = Math.max(inFlight, Math.round((total * seconds) / elapsed));
  return async () => {
    const cpu = process.cpuUsage();
    const taken = await time(client, { command, inFlight }, count);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond: count / taken, cpu: (user + system) / count };
  };
}

/** @returns seconds */
async function time(
  client: BenchClient,
  { command, inFlight }: Pick<ThroughputJob, 'command' | 'inFlight'>,
  total: number,
): Promise<number> {
  const start = performance.now();
  await client.run(command, inFlight, total);
  return (performance.now() - start) / 1000;
}

import type { Metrics } from './job';

/** What is measured: loops that each wait for a reply before they send what comes next. */
export interface Throughput {
  /** how many loops there are */
  readonly inFlight: number;
  readonly seconds: number;
  /** how many commands one turn of a loop sends; 1 where it is not said */
  readonly size?: number;
  /** @param total turns of all loops together */
  run(total: number): Promise<void>;
}

/** Warm is what a further turn makes no faster than by a tenth; it is tried so often at most. */
const WARM = 0.9;
const MOST_WARM_UPS = 10;

/**
 * Warms up, and learns from it how many turns fill the time: a count costs the loops nothing, a look at the clock
 * would.
 * @returns what measures once
 */
export async function prepareThroughput(job: Throughput): Promise<() => Promise<Metrics>> {
  const { inFlight, seconds, size = 1 } = job;
  let total = inFlight;
  let elapsed = await time(job, total);
  while (elapsed < seconds) {
    total = Math.ceil(total * Math.min(8, Math.max(1.5, seconds / elapsed)));
    elapsed = await time(job, total);
  }
  // Clients with much code are compiled for seconds, on a busy machine for longer.
  for (let times = 0; times < MOST_WARM_UPS; times++) {
    const next = await time(job, total);
    const isWarm = next > elapsed * WARM;
    elapsed = next;
    if (isWarm) break;
  }
  const count = Math.max(inFlight, Math.round((total * seconds) / elapsed));
  const commands = count * size;
  return async () => {
    const cpu = process.cpuUsage();
    const taken = await time(job, count);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond: commands / taken, cpu: (user + system) / commands };
  };
}

/** @returns seconds */
async function time(job: Throughput, total: number): Promise<number> {
  const start = performance.now();
  await job.run(total);
  return (performance.now() - start) / 1000;
}

import { PerformanceObserver } from 'node:perf_hooks';
import type { BenchClient } from '../clients/client';
import type { Job, Metrics, Profile } from './job';
import { heapProfileOf } from './profile';
import { prepareThroughput } from './throughput';

/** How often the commands are sent before the heap is looked at: code that is compiled meanwhile takes heap, too. */
const WARM_UPS = 10;

/**
 * @returns what measures once: `bytes` of heap for each GET, in a process whose new space takes them all without a collection; and what
 * tells which functions took them
 */
export async function prepareAllocation(
  client: BenchClient,
  { inFlight, count }: Extract<Job, { kind: 'allocation' }>,
): Promise<{ measure: () => Promise<Metrics>; profile: () => Promise<Profile> }> {
  const run = (): Promise<void> => client.run('get', inFlight, count);
  for (let time = 0; time < WARM_UPS; time++) await run();
  const measure = async (): Promise<Metrics> => {
    globalThis.gc!();
    const before = process.memoryUsage().heapUsed;
    await run();
    return { bytes: (process.memoryUsage().heapUsed - before) / count };
  };
  return { measure, profile: () => heapProfileOf(run, false, count) };
}

/** @returns what measures once: `collecting`, the µs of collections of garbage that each GET costs */
export async function prepareCollections(
  client: BenchClient,
  { inFlight, seconds }: Extract<Job, { kind: 'collections' }>,
): Promise<() => Promise<Metrics>> {
  let collecting = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collecting += duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  let commands = 0;
  const run = (total: number): Promise<void> => {
    commands = total;
    return client.run('get', inFlight, total);
  };
  const measure = await prepareThroughput({ inFlight, seconds, run });
  return async () => {
    collecting = 0;
    await measure();
    // What was observed last is told in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    return { collecting: (collecting * 1000) / commands };
  };
}

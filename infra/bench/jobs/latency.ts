import { setImmediate } from 'node:timers/promises';
import type { BenchClient } from '../clients/client';
import type { Job, Metrics } from './job';

type LatencyJob = Extract<Job, { kind: 'latency' }>;

/** @returns what measures once */
export async function prepareLatency({ get }: BenchClient, job: LatencyJob): Promise<() => Promise<Metrics>> {
  if (get === undefined) throw new Error('the client has no single call');
  const measure = latencies(get, job);
  await measure(); // warms up
  return measure;
}

/**
 * GETs that are due evenly. Each is timed from when it was due: one that had to wait because those before were slow counts in full, which
 * a loop that waits for its replies would leave out.
 * @returns what measures once: `p50`, `p99` and `p999`, µs
 */
export function latencies(
  get: () => PromiseLike<unknown>,
  { perSecond, seconds }: Pick<LatencyJob, 'perSecond' | 'seconds'>,
): () => Promise<Record<'p50' | 'p99' | 'p999', number>> {
  const count = Math.ceil(perSecond * seconds);
  const taken = new Float64Array(count);
  return async () => {
    const start = performance.now();
    let [sent, answered] = [0, 0];
    const send = async (): Promise<void> => {
      const due = start + (sent++ * 1000) / perSecond;
      await get();
      taken[answered++] = (performance.now() - due) * 1000;
    };
    const sending: Promise<void>[] = [];
    while (sent < count) {
      const due = Math.min(count, Math.floor(((performance.now() - start) * perSecond) / 1000) + 1);
      while (sent < due) sending.push(send());
      await setImmediate();
    }
    await Promise.all(sending);
    taken.sort();
    const rank = (share: number): number => taken[Math.min(count - 1, Math.floor(count * share))]!;
    return { p50: rank(0.5), p99: rank(0.99), p999: rank(0.999) };
  };
}

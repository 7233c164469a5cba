import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchClient } from '../clients/client';
import { SILENT_KEY } from '../data';
import type { Metrics, Profile } from './job';
import { heapProfileOf } from './profile';

/** Long enough for all commands to be written and swallowed; ms. */
const SETTLING = 1000;
/** What a client creates once, on its first commands, is not memory per command. */
const WARM_UP = 2000;

/**
 * Weighs commands that wait for their replies. Needs a process with --expose-gc.
 * @param native the client's memory is not JavaScript's, so that only the process as a whole tells how much it takes
 */
export async function weighPending(client: BenchClient, count: number, native: boolean): Promise<Metrics> {
  if (client.leavePending === undefined) throw new Error('this client cannot leave commands pending');
  await client.run('get', 100, WARM_UP);
  const before = await weigh();
  client.leavePending(SILENT_KEY, count);
  await sleep(SETTLING);
  const after = await weigh();
  const heap = (after.heap - before.heap) / count;
  const resident = (after.rss - before.rss) / count;
  return { heap, resident, memory: native ? resident : heap };
}

/** Which functions took the heap of commands that wait for their replies. */
export async function profilePending(client: BenchClient, count: number): Promise<Profile> {
  await client.run('get', 100, WARM_UP);
  return heapProfileOf(
    async () => {
      client.leavePending?.(SILENT_KEY, count);
      await sleep(SETTLING);
      await weigh();
    },
    true,
    count,
  );
}

async function weigh(): Promise<{ heap: number; rss: number }> {
  if (globalThis.gc === undefined) throw new Error('node has to be started with --expose-gc');
  for (let i = 0; i < 3; i++) {
    await sleep(50);
    globalThis.gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientModule } from '../clients/client';
import type { Assignment, Job, Metrics } from './job';

/** The two kinds of time take turns, so that whatever else the machine does hits both alike. */
const TURNS = 5;
/** After so many messages they flow. */
const FLOWING = 500;
/** What the server has sent is here by then, ms. */
const ARRIVAL = 20;
const RANK = 0.99;

/**
 * GETs one behind the other, by turns beside messages that come evenly and without them.
 * @returns what measures once: `p99`, µs beside the messages; `times`, how many times that is the p99 without them; `perSecond`, how many
 * messages came
 */
export async function prepareBeside(
  client: ClientModule,
  url: string,
  job: Extract<Job, { kind: 'beside' }>,
): Promise<() => Promise<Metrics>> {
  const { channel, perSecond, seconds } = job;
  let received = 0;
  await client.listen(url, channel, () => received++);
  const connected = await client.connect(url);
  const publisher = startPublisher({ job: { kind: 'pace', channel, perSecond }, client: 'floor', url });
  const tell = async (what: 'go' | 'stop'): Promise<void> => {
    publisher.send(what);
    await once(publisher, 'message');
  };
  const measureFor = async (length: number, latencies: number[]): Promise<void> => {
    const end = performance.now() + length * 1000;
    let before = performance.now();
    while (before < end) {
      await connected.run('get', 1, 1);
      const now = performance.now();
      latencies.push((now - before) * 1000);
      before = now;
    }
  };
  const measure = async (length: number): Promise<Metrics> => {
    const alone: number[] = [];
    const beside: number[] = [];
    let messages = 0;
    let taken = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      await measureFor(length / TURNS, alone);
      await tell('go');
      for (const enough = received + FLOWING; received < enough;) await connected.run('get', 1, 1);
      const [start, before] = [performance.now(), received];
      await measureFor(length / TURNS, beside);
      taken += performance.now() - start;
      messages += received - before;
      await tell('stop');
      await sleep(ARRIVAL);
    }
    const p99 = highOf(beside);
    return { p99, times: p99 / highOf(alone), perSecond: (messages * 1000) / taken };
  };
  await once(publisher, 'message');
  await measure(seconds); // warms up
  return () => measure(seconds);
}

/** The same program: it ends with this process. */
function startPublisher(assignment: Assignment): ChildProcess {
  const publisher = fork(process.argv[1]!, [JSON.stringify(assignment)]);
  publisher.on('exit', () => process.exit(1));
  return publisher;
}

function highOf(latencies: readonly number[]): number {
  const sorted = Float64Array.from(latencies).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * RANK))]!;
}

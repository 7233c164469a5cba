// `npx tsx spec/simulation/cluster/run.ts --seeds 100000 --from 1`: as many seeds as wanted, on all cores, until one fails. `--seconds 600`
// ends it sooner, `--all` goes on behind a seed that fails. `--seeds 1 --from N` tells what happens in the seed N.

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { readArguments, type RunArguments } from '../run-arguments';
import { loadCluster } from './load';
import type { Report } from './seeds';

/** Seeds that a process is given at once. */
const PORTION = 200;

/** What a process is told to run. */
interface Portion {
  readonly from: number;
  readonly count: number;
}

/** What it tells. A Map does not travel. */
type Told = Omit<Report, 'counts'> & { readonly counts: readonly (readonly [string, number])[] };

async function run({ seeds, from, seconds, all }: RunArguments): Promise<void> {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1_000;
  const counts = new Map<string, number>();
  let next = from;
  let done = 0;
  let failed: Report['failure'];
  const take = (): Portion | undefined => {
    if ((failed !== undefined && !all) || elapsed() >= seconds || next >= from + seeds) return undefined;
    const portion = { from: next, count: Math.min(PORTION, from + seeds - next) };
    next += portion.count;
    return portion;
  };
  const drive = (): Promise<void> =>
    new Promise((resolve) => {
      const worker = fork(__filename, ['--worker']);
      let portion = take();
      const go = (): void => {
        if (portion === undefined) worker.disconnect();
        else worker.send(portion);
      };
      worker.on('message', (told: Told) => {
        done += told.seeds;
        for (const [what, times] of told.counts) counts.set(what, (counts.get(what) ?? 0) + times);
        const { failure } = told;
        failed ??= failure;
        if (failure !== undefined) console.log(`Seed ${failure.seed}: ${failure.violations.join('\n  ')}`);
        const rest = { from: portion!.from + told.seeds, count: portion!.count - told.seeds };
        portion = all && rest.count > 0 ? rest : take();
        go();
      });
      worker.on('exit', () => resolve());
      go();
    });
  const rate = () => `${done} seeds from ${from} in ${elapsed().toFixed(0)} s`;
  const progress = setInterval(() => console.log(rate()), 10_000);
  await Promise.all(Array.from({ length: availableParallelism() }, drive));
  clearInterval(progress);
  for (const [what, times] of [...counts].sort(([, a], [, b]) => b - a)) console.log(`  ${times} × ${what}`);
  console.log(`${rate()}. ${failed === undefined ? 'No violation.' : 'There are violations.'}`);
  if (failed !== undefined || done === 0) process.exitCode = 1;
}

async function work(): Promise<void> {
  const { runSeeds } = await loadCluster();
  process.on('message', ({ from, count }: Portion) => {
    void runSeeds(from, count).then(({ seeds, counts, failure }) =>
      process.send!({ seeds, counts: [...counts], failure } satisfies Told),
    );
  });
}

async function explain(seed: number): Promise<void> {
  for (const line of await (await loadCluster()).explain(seed)) console.log(line);
}

if (process.argv.includes('--worker')) void work();
else {
  const given = readArguments(process.argv.slice(2));
  void (given.seeds === 1 ? explain(given.from) : run(given));
}

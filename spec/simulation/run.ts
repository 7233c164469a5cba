// `npm run simulate -- --seeds 1000000 --from 1`: as many seeds as wanted, on all cores, until one fails.
// `--seconds 600` ends it sooner.

import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { explain, runSeeds, type Failure, type Range } from './seeds';

/** Seeds that a worker is given at once. */
const PORTION = 500;
/** How often it is told how far it is, ms. */
const PROGRESS = 5_000;

/** What a worker tells of its portion: a Map does not travel. */
interface Told {
  readonly seeds: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly failure: Failure | undefined;
}

async function work(): Promise<void> {
  process.on('message', (range: Range) => {
    void runSeeds(range).then(({ seeds, counts, failure }) => {
      const told: Told = { seeds, counts: [...counts], failure };
      process.send!(told);
    });
  });
  await Promise.resolve();
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: { seeds: { type: 'string' }, from: { type: 'string' }, seconds: { type: 'string' } },
  });
  const seeds = Number(values.seeds ?? (values.seconds === undefined ? 20_000 : Infinity));
  const from = Number(values.from ?? 1);
  const seconds = Number(values.seconds ?? Infinity);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;

  const counts = new Map<string, number>();
  let next = from;
  let done = 0;
  let failure: Failure | undefined;
  const rate = () => `${done} seeds in ${elapsed().toFixed(0)} s, ${Math.round(done / elapsed())} a second`;
  const progress = setInterval(() => console.log(rate()), PROGRESS);

  const drive = async (worker: ChildProcess): Promise<void> => {
    while (failure === undefined && next < from + seeds && elapsed() < seconds) {
      const range = { from: next, count: Math.min(PORTION, from + seeds - next) };
      next += range.count;
      const told = await ask(worker, range);
      done += told.seeds;
      for (const [what, times] of told.counts) counts.set(what, (counts.get(what) ?? 0) + times);
      failure ??= told.failure;
    }
    worker.disconnect();
  };
  const workers = Array.from({ length: availableParallelism() }, () => fork(__filename, ['--worker']));
  await Promise.all(workers.map(drive));
  clearInterval(progress);

  console.log(`${rate()}, from seed ${from}`);
  console.log(
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([what, times]) => `  ${times} × ${what}`)
      .join('\n'),
  );
  if (failure === undefined) {
    console.log('No violation.');
  } else {
    console.log(await explain(failure));
    process.exitCode = 1;
  }
}

function ask(worker: ChildProcess, range: Range): Promise<Told> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A worker ended with ${code}`));
    worker.once('exit', ended);
    worker.once('message', (told: Told) => {
      worker.off('exit', ended);
      resolve(told);
    });
    worker.send(range);
  });
}

void (process.argv.includes('--worker') ? work() : run());

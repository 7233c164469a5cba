// `npm run simulate -- --seeds 1000000 --from 1`: as many seeds as wanted, on all cores, until one fails.
// `--seconds 600` ends it sooner, `--all` goes on behind a seed that fails.

import { availableParallelism } from 'node:os';
import { readArguments, type RunArguments } from './run-arguments';
import { explain, type Failure, type Range } from './seeds';
import { Worker, work } from './worker';

/** Seeds that a worker is given at once. */
const PORTION = 500;
/** How often it is told how far it is, ms. */
const PROGRESS = 5_000;

async function run({ seeds, from, seconds, all }: RunArguments): Promise<void> {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const counts = new Map<string, number>();
  let next = from;
  let done = 0;
  let failure: Failure | undefined;
  const rate = () => `${done} seeds in ${elapsed().toFixed(0)} s, ${Math.round(done / elapsed())} a second`;
  const progress = setInterval(() => console.log(rate()), PROGRESS);

  const take = (): Range | undefined => {
    const isOver = (failure !== undefined && !all) || elapsed() >= seconds;
    if (isOver || next >= from + seeds) return undefined;
    const range = { from: next, count: Math.min(PORTION, from + seeds - next) };
    next += range.count;
    return range;
  };
  const drive = async (worker: Worker): Promise<void> => {
    let range = take();
    while (range !== undefined) {
      const told = await worker.run(range);
      done += told.seeds;
      for (const [what, times] of told.counts) counts.set(what, (counts.get(what) ?? 0) + times);
      if (told.failure !== undefined && all) console.log(`Seed ${told.failure.seed}: ${told.failure.violations[0]}`);
      failure ??= told.failure;
      const rest: Range = { from: range.from + told.seeds, count: range.count - told.seeds };
      range = all && rest.count > 0 ? rest : take();
    }
    worker.end();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, () => drive(new Worker(__filename))));
  clearInterval(progress);

  console.log(`${rate()}, from seed ${from}`);
  console.log(
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([what, times]) => `  ${times} × ${what}`)
      .join('\n'),
  );
  if (failure === undefined && done > 0) {
    console.log('No violation.');
    return;
  }
  console.log(failure === undefined ? 'No seed was run.' : await textOf(failure));
  process.exitCode = 1;
}

/** A seed that ends its worker, or never ends, would do the same to whoever shortens it. */
async function textOf(failure: Failure): Promise<string> {
  return failure.fatal === true ? `Seed ${failure.seed}: ${failure.violations.join('\n')}` : explain(failure);
}

function readOrExit(): RunArguments {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

if (process.argv.includes('--worker')) work();
else void run(readOrExit());

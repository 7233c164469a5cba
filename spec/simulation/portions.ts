import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { RunArguments } from './run-arguments';

/** Seeds that a process is given at once. */
const PORTION = 200;

/** What a process is told to run. */
interface Portion {
  readonly from: number;
  readonly count: number;
}

/** How many seeds were run, how often what was met, and what the first seed that failed violates. */
export interface PortionReport {
  readonly seeds: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly failure: { readonly seed: number; readonly violations: readonly string[] } | undefined;
}

/** What it tells. A Map does not travel. */
type Told = Omit<PortionReport, 'counts'> & { readonly counts: readonly (readonly [string, number])[] };

/**
 * Runs as many seeds as wanted, on all cores, until one fails.
 * @param filename of a program that calls `work` when it is given `--worker`
 */
export async function runPortions(filename: string, { seeds, from, seconds, all }: RunArguments): Promise<void> {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1_000;
  const counts = new Map<string, number>();
  let next = from;
  let done = 0;
  let failed: PortionReport['failure'];
  const take = (): Portion | undefined => {
    if ((failed !== undefined && !all) || elapsed() >= seconds || next >= from + seeds) return undefined;
    const portion = { from: next, count: Math.min(PORTION, from + seeds - next) };
    next += portion.count;
    return portion;
  };
  const drive = (): Promise<void> =>
    new Promise((resolve) => {
      const worker = fork(filename, ['--worker']);
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

/** Runs the portions that the process is sent. */
export function work(runSeeds: (from: number, count: number) => Promise<PortionReport>): void {
  process.on('message', ({ from, count }: Portion) => {
    void runSeeds(from, count).then(({ seeds, counts, failure }) =>
      process.send!({ seeds, counts: [...counts], failure } satisfies Told),
    );
  });
}

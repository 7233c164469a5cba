// `npx tsx spec/simulation/freshness/run.ts --seeds 100000 --from 1`: as many seeds as wanted, on all cores, until one fails. `--seconds 600`
// ends it sooner, `--all` goes on behind a seed that fails.

import { runPortions, work, type PortionReport } from '../portions';
import { readArguments } from '../run-arguments';
import { runSeeds } from './seeds';

async function portion(from: number, count: number): Promise<PortionReport> {
  const found = await runSeeds(from, count);
  const failure = found && { seed: found.seed, violations: [found.fault] };
  return { seeds: found === undefined ? count : found.seed - from + 1, counts: new Map(), failure };
}

if (process.argv.includes('--worker')) work(portion);
else void runPortions(__filename, readArguments(process.argv.slice(2)));

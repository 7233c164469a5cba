// `npx tsx spec/simulation/cluster/run.ts --seeds 100000 --from 1`: as many seeds as wanted, on all cores, until one fails. `--seconds 600`
// ends it sooner, `--all` goes on behind a seed that fails. `--seeds 1 --from N` tells what happens in the seed N.

import { runPortions, work } from '../portions';
import { readArguments } from '../run-arguments';
import { loadCluster } from './load';

async function explain(seed: number): Promise<void> {
  for (const line of await (await loadCluster()).explain(seed)) console.log(line);
}

if (process.argv.includes('--worker')) void loadCluster().then(({ runSeeds }) => work(runSeeds));
else {
  const given = readArguments(process.argv.slice(2));
  void (given.seeds === 1 ? explain(given.from) : runPortions(__filename, given));
}

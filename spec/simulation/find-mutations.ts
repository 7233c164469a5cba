// `tsx spec/simulation/find-mutations.ts`: looks for each mutation from the first seed on, and writes down which seed finds it, so that the
// specs of mutations begin there. A seed that is out of date costs them time and nothing else.

import { readFileSync, writeFileSync } from 'node:fs';
import { SEEDS } from './mutation-block';
import { FOUND, foundAt } from './mutation-seeds';
import { loadMutant } from './mutant';
import { mutations } from './mutations';

/** @param part one of so many processes: `0/2` looks for every second mutation */
async function find(part = '0/1'): Promise<void> {
  const [own, parts] = part.split('/').map(Number) as [number, number];
  for (const mutation of mutations.filter((_, index) => index % parts === own)) {
    const { runSeeds } = await loadMutant(mutation);
    const seed = (await runSeeds({ from: 1, count: SEEDS })).failure?.seed;
    console.log(`${seed ?? 'not found'}: ${mutation.fault}`);
    if (seed === undefined || seed === foundAt(mutation)) continue;
    // Another process may have written meanwhile.
    const found = { ...(JSON.parse(readFileSync(FOUND, 'utf8')) as object), [mutation.fault]: seed };
    writeFileSync(FOUND, `${JSON.stringify(found, undefined, 2)}\n`);
  }
}

void find(process.argv[2]);

import { bundleOf, loadBundle } from '../../support/bundled';
import { replaceIn } from '../mutant';
import { freshnessMutations } from './mutations';
import { runSeeds } from './seeds';

const SEEDS = 400;

describe('The simulation of client tracking', () => {
  it('finds no value that is older than what the client was told, and no live query that is out of date in the end', async () => {
    expect(await runSeeds(1, SEEDS)).toBeUndefined();
  });

  it.each(freshnessMutations)('finds out when $fault', async (mutation) => {
    const text = await bundleOf('spec/simulation/freshness/seeds.ts', [replaceIn(mutation)]);
    const mutant = loadBundle<{ readonly runSeeds: typeof runSeeds }>(text);
    expect(await mutant.runSeeds(1, SEEDS)).toBeDefined();
  });
});

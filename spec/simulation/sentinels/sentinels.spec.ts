import { loadMutated } from '../mutant';
import { sentinelMutations } from './mutations';
import type * as seeds from './seeds';

const ENTRY = 'spec/simulation/sentinels/seeds.ts';
/** So many seeds hold, and within so many each fault has to be found. */
const SEEDS = 60;
const MOST = 400;

describe('The simulation of sentinels that lie, lag and disagree', () => {
  it('finds nothing in the client as it is', async () => {
    const { runSeeds } = await loadMutated<typeof seeds>(ENTRY, undefined);
    expect(await runSeeds(1, SEEDS)).toBeUndefined();
  });

  it.each(sentinelMutations)('finds out when $fault', async (mutation) => {
    const { runSeeds } = await loadMutated<typeof seeds>(ENTRY, mutation);
    // Where the draws have changed, another seed finds it.
    expect((await runSeeds(mutation.seed, 1)) ?? (await runSeeds(1, MOST))).toBeDefined();
  });
});

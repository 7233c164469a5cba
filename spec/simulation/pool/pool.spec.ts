import { loadMutated } from '../mutant';
import { poolMutations } from './mutations';
import { runSeeds } from './seeds';

const SEEDS = 120;

describe('The simulation of a pool', () => {
  it('finds no connection in two hands, none too many or too few, and no caller that is forgotten', async () => {
    expect(await runSeeds(1, SEEDS)).toBeUndefined();
  });

  it.each(poolMutations)('finds out when $fault', async (mutation) => {
    const mutant = await loadMutated<{ readonly runSeeds: typeof runSeeds }>('spec/simulation/pool/seeds.ts', mutation);
    expect(await mutant.runSeeds(1, SEEDS)).toBeDefined();
  });
});

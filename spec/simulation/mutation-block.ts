import { loadMutant } from './mutant';
import { foundAt } from './mutation-seeds';
import { mutations } from './mutations';

/** Into so many spec files the mutations are dealt, so that all workers of Jest have their share. */
export const BLOCKS = 4;

/** Within so many seeds each fault has to be found. */
export const SEEDS = 5_000;

/** The specs of one block of mutations, counted from 0: every fourth, because those of one guarantee take alike. */
export function describeMutations(block: number): void {
  describe('The simulation', () => {
    it.each(mutations.filter((_, index) => index % BLOCKS === block))('finds out when $fault', async (mutation) => {
      const { runSeeds } = await loadMutant(mutation);
      const known = foundAt(mutation);
      const isKnown = known !== undefined && known <= SEEDS;
      const atOnce = isKnown ? (await runSeeds({ from: known, count: 1 })).failure : undefined;
      expect(atOnce ?? (await runSeeds({ from: 1, count: SEEDS })).failure).toBeDefined();
    });
  });
}

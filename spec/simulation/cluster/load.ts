import { bundleOf, loadBundle } from '../../support/bundled';
import { replaceIn, type Mutation } from '../mutant';
import type * as seeds from './seeds';

/** A seed is ten times faster with few slots, and no rule depends on their number. */
const FEW_SLOTS: Mutation = {
  fault: 'none',
  file: 'resp/hash-slot.ts',
  from: 'SLOTS = 16_384',
  to: 'SLOTS = 64',
};

/** The simulation of a cluster, with a client whose source was changed, or as it is. */
export async function loadCluster(mutation?: Mutation): Promise<typeof seeds> {
  const changes = mutation === undefined ? [FEW_SLOTS] : [FEW_SLOTS, mutation];
  return loadBundle(await bundleOf('spec/simulation/cluster/seeds.ts', changes.map(replaceIn)));
}

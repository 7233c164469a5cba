import { loadCluster } from './load';
import { clusterMutations } from './mutations';
import { PATIENT } from './patient';
import { SWIFT } from './swift';

/** So many seeds hold. */
const SEEDS = 300;
/** These go on for longer. */
const SWIFT_SEEDS = 200;
/** Within so many each fault has to be found. */
const MOST = 6_000;

describe('The simulation of clusters whose slots move and whose nodes disagree', () => {
  it('finds nothing in the client as it is', async () => {
    const { runSeeds } = await loadCluster();
    expect((await runSeeds(1, SEEDS)).failure).toBeUndefined();
  });

  it('finds that it notices by itself, within three seconds, what no limit ends', async () => {
    const { runSeeds } = await loadCluster();
    expect((await runSeeds(PATIENT + 1, SEEDS)).failure).toBeUndefined();
  });

  it('finds that it finds the node that takes writes within 100 ms, or a second where the old one hangs, and disturbs no other slot', async () => {
    const { runSeeds } = await loadCluster();
    expect((await runSeeds(SWIFT + 1, SWIFT_SEEDS)).failure).toBeUndefined();
  });

  it.each(clusterMutations)('finds out when $fault', async (mutation) => {
    const { runSeeds } = await loadCluster(mutation);
    // Which seed found it last; where the draws have changed, another one does.
    const atOnce = (await runSeeds(mutation.seed, 1)).failure;
    const first = [SWIFT, PATIENT].find((begin) => mutation.seed > begin) ?? 0;
    const [from, most] = first > 0 ? [first + 1, SEEDS] : [1, MOST];
    expect(atOnce ?? (await runSeeds(from, most)).failure).toBeDefined();
  });
});

import { loadMutant } from './mutant';
import { mutations } from './mutations';

/** Within so many seeds each fault has to be found. */
const SEEDS = 3_000;

describe('The simulation', () => {
  it('finds nothing in the client as it is', async () => {
    const { runSeeds } = await loadMutant(undefined);
    expect((await runSeeds({ from: 1, count: 300 })).failure).toBeUndefined();
  });

  it.each(mutations)('finds out when $fault', async (mutation) => {
    const { runSeeds } = await loadMutant(mutation);
    expect((await runSeeds({ from: 1, count: SEEDS })).failure).toBeDefined();
  });

  it('prints a failing seed and the shortest plan that still fails', async () => {
    const { runSeeds, explain } = await loadMutant(
      mutations.find(({ fault }) => fault.includes('does not unsubscribe')),
    );
    const { failure } = await runSeeds({ from: 1, count: SEEDS });
    const text = await explain(failure!);
    expect(text).toContain(`npm run simulate -- --from ${failure!.seed} --seeds 1`);
    // Somebody joins and leaves; nothing else is needed.
    expect(text.split('\n').filter((line) => line.startsWith('  at '))).toStrictEqual([
      expect.stringMatching(/^ {2}at \d+: join id \d+ names \S+( leaveAfter \d+)?$/),
    ]);
  });

  it('refuses a mutation that the source has outgrown', async () => {
    const outgrown = { fault: 'none', file: 'connection/ring.ts', from: 'no such text', to: '' };
    await expect(loadMutant(outgrown)).rejects.toThrow('connection/ring.ts holds 0 times: no such text');
  });
});

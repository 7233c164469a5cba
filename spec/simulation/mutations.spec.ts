import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadMutant } from './mutant';
import { BLOCKS, SEEDS } from './mutation-block';
import { mutations } from './mutations';

describe('The simulation', () => {
  it('finds nothing in the client as it is', async () => {
    const { runSeeds } = await loadMutant(undefined);
    expect((await runSeeds({ from: 1, count: 300 })).failure).toBeUndefined();
  });

  it('has each mutation dealt to one spec file', async () => {
    const files = (await readdir(__dirname)).filter((name) => /^mutations-\d+\.spec\.ts$/.test(name));
    expect(files).toHaveLength(BLOCKS);
    const blocks = await Promise.all(files.map((name) => readFile(join(__dirname, name), 'utf8')));
    expect(blocks.map((text) => /describeMutations\((\d+)\)/.exec(text)?.[1]).toSorted()).toStrictEqual(
      Array.from({ length: BLOCKS }, (_, block) => String(block)),
    );
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

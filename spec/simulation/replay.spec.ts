import { drawPlan } from './draw-plan';
import { simulate } from './simulation';
import { listenForErrors } from './user-errors';

describe('A seed', () => {
  let stopListening: () => void;
  beforeAll(() => (stopListening = listenForErrors()));
  afterAll(() => stopListening());

  it('stands for one plan', () => {
    expect(drawPlan(7)).toStrictEqual(drawPlan(7));
    expect(drawPlan(8)).not.toStrictEqual(drawPlan(7));
  });

  it('stands for one run, whatever has run before', async () => {
    const seeds = Array.from({ length: 40 }, (_, index) => index * 101);
    const hashes: string[] = [];
    for (const seed of seeds) hashes.push((await simulate(drawPlan(seed))).hash);
    for (const seed of [...seeds].reverse()) {
      expect((await simulate(drawPlan(seed), { traced: true })).hash).toBe(hashes[seeds.indexOf(seed)]);
    }
    expect(new Set(hashes).size).toBe(seeds.length);
  });
});

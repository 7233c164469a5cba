import type { BenchClient } from '../clients/client';
import { median } from '../statistics';
import type { Job, Metrics } from './job';

/** GETs of one turn: some ten milliseconds, so that what else the machine does seldom hits one kind alone. */
const IN_A_TURN = 200;

/**
 * GETs one behind the other in one process, by short turns plain and on an idle lease each.
 * @returns what measures once: `times`, the rate of those on leases to that of the plain ones, the middle one of all turns
 */
export async function prepareLease(
  plain: BenchClient,
  leased: BenchClient,
  { seconds }: Extract<Job, { kind: 'lease' }>,
): Promise<() => Promise<Metrics>> {
  const time = async (client: BenchClient): Promise<number> => {
    const start = performance.now();
    await client.run('get', 1, IN_A_TURN);
    return performance.now() - start;
  };
  const measure = async (): Promise<Metrics> => {
    const ratios: number[] = [];
    for (const end = performance.now() + seconds * 1000; performance.now() < end || ratios.length === 0;) {
      const before = await time(plain);
      const between = await time(leased);
      // Half of the plain turns come before and half behind, so a machine that gets slower does not matter.
      ratios.push((before + (await time(plain))) / 2 / between);
    }
    return { times: median(ratios) };
  };
  await measure(); // warms up
  return measure;
}

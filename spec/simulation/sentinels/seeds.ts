import { simulateSentinels } from './simulate';

/** The first of so many seeds that fails, and why; undefined for none. */
export async function runSeeds(
  from: number,
  count: number,
): Promise<{ readonly seed: number; readonly violations: readonly string[] } | undefined> {
  for (let seed = from; seed < from + count; seed++) {
    const violations = await simulateSentinels(seed);
    if (violations.length > 0) return { seed, violations };
  }
  return undefined;
}

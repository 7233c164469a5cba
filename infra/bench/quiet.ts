import { measureWorkload, type Site } from './measure';
import { spread } from './statistics';
import { workloads } from './workloads';

/** The floor may move by so much of its median on a machine that does nothing else. */
const MOST = 0.15;
/** Fewer measurements would hardly move. */
const LEAST_ROUNDS = 5;

/** Measures the floor so many times. It has no part that could make it vary. */
export type MeasureFloor = (rounds: number) => Promise<readonly number[]>;

export function floorOf(site: Site, seconds: number): MeasureFloor {
  const workload = workloads(seconds).find(({ rows }) => rows.some(({ id }) => id === 'get-100'))!;
  return async (rounds) => {
    const results = await measureWorkload(site, { ...workload, clients: ['floor'] }, rounds);
    return results.find(({ row }) => row.id === 'get-100')!.values.get('floor') ?? [];
  };
}

/**
 * Measures where the floor is steady before and after.
 * @returns what was measured; nothing of it may be shown earlier
 * @throws Error where the floor varies
 */
export async function whileQuiet<T>(floor: MeasureFloor, rounds: number, measure: () => Promise<T>): Promise<T> {
  const check = async (): Promise<void> => assertQuiet(await floor(Math.max(rounds, LEAST_ROUNDS)));
  await check();
  const measured = await measure();
  await check();
  return measured;
}

/** @throws Error that says by how much the floor moved */
export function assertQuiet(floor: readonly number[]): void {
  const moved = spread(floor);
  if (moved <= MOST) return;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  throw new Error(
    `The floor moves by ${percent(moved)}, and at most ${percent(MOST)} is quiet: figures of this machine would tell of its other work`,
  );
}

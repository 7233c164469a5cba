import { measureWorkload, type Site } from './measure';
import { spread } from './statistics';
import { workloads } from './workloads';

/** The floor may move by so much of its median on a machine that does nothing else. */
const MOST = 0.15;

/**
 * Measures the floor, which has no part that could make it vary.
 * @throws Error where it varies all the same
 */
export async function checkQuiet(
  site: Site,
  options: { readonly rounds: number; readonly seconds: number },
): Promise<void> {
  const workload = workloads(options.seconds).find(({ rows }) => rows.some(({ id }) => id === 'get-100'))!;
  const [results] = await measureWorkload(site, { ...workload, clients: ['floor'] }, options.rounds);
  assertQuiet(results!.values.get('floor') ?? []);
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

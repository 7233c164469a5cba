import { drawPlan } from './draw-plan';
import { formatPlan, shrink } from './shrink';
import { simulate } from './simulation';
import { listenForErrors, strays } from './user-errors';

/** Seeds that follow each other. */
export interface Range {
  readonly from: number;
  readonly count: number;
}

/** How many seeds may have been run before the process hears of something. */
const LATENESS = 30;

/** What a batch of seeds has shown. */
export interface Report {
  /** how many were run: fewer than wanted when one failed */
  readonly seeds: number;
  /** what the runs came across, and how often */
  readonly counts: ReadonlyMap<string, number>;
  /** the first seed that failed */
  readonly failure: Failure | undefined;
}

export interface Failure {
  /** undefined where no single seed can be blamed */
  readonly seed: number | undefined;
  readonly violations: readonly string[];
  /** it took its process with it, or would not let it go */
  readonly fatal?: boolean;
}

/**
 * Runs seeds one after the other until one fails.
 * @param before no further seed is begun then, on the clock of `performance`
 * @param begins told of each seed before it is run, in case it never ends
 */
export async function runSeeds(
  { from, count }: Range,
  before = Infinity,
  begins: (seed: number) => void = () => undefined,
): Promise<Report> {
  const counts = new Map<string, number>();
  const stopListening = listenForErrors();
  try {
    for (let seed = from; seed < from + count; seed++) {
      if (performance.now() > before) return { seeds: seed - from, counts, failure: undefined };
      begins(seed);
      const verdict = await simulate(drawPlan(seed));
      for (const [what, times] of verdict.counts) counts.set(what, (counts.get(what) ?? 0) + times);
      const late = strays.splice(0);
      if (verdict.violations.length + late.length === 0) continue;
      const failure = late.length > 0 ? await blame(seed, late) : { seed, violations: verdict.violations };
      return { seeds: seed - from + 1, counts, failure };
    }
    // What user code let out reaches the process a little later.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const late = strays.splice(0);
    return { seeds: count, counts, failure: late.length > 0 ? await blame(from + count - 1, late) : undefined };
  } finally {
    stopListening();
  }
}

/** Finds the seed that something comes from which reached the process late: one of the last. */
async function blame(last: number, late: readonly string[]): Promise<Failure> {
  for (let seed = Math.max(0, last - LATENESS); seed <= last; seed++) {
    const { violations } = await simulate(drawPlan(seed), { patient: true });
    if (violations.length > 0) return { seed, violations };
  }
  return { seed: undefined, violations: late };
}

/** What a person needs who is to understand a failure: the seed, the shortest plan that still fails, and what happens in it. */
export async function explain({ seed, violations }: Failure): Promise<string> {
  if (seed === undefined) return violations.join('\n');
  const stopListening = listenForErrors();
  try {
    const { plan, verdict } = await shrink(drawPlan(seed));
    return [
      `Seed ${seed}: ${violations.join('\n')}`,
      `The shortest plan found that still fails (npm run simulate -- --from ${seed} --seeds 1):`,
      formatPlan(plan),
      'What happens in it, by the millisecond:',
      ...verdict.lines,
    ].join('\n');
  } finally {
    stopListening();
  }
}

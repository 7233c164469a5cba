import { listenForErrors, strays } from '../user-errors';
import { drawWorld, type World } from './draw';
import { PATIENT, drawPatientWorld } from './patient';
import { simulateCluster } from './simulate';
import { SWIFT, drawSwiftWorld } from './swift';

function worldOf(seed: number): World {
  if (seed < PATIENT) return drawWorld(seed);
  return seed < SWIFT ? drawPatientWorld(seed) : drawSwiftWorld(seed);
}

/** What seeds have shown. */
export interface Report {
  readonly seeds: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly failure: { readonly seed: number; readonly violations: readonly string[] } | undefined;
}

/** Runs every `step`th of some seeds, until one fails. @param before no further seed is begun then, on the clock of `performance` */
export async function runSeeds(from: number, count: number, step = 1, before = Infinity): Promise<Report> {
  const counts = new Map<string, number>();
  const stopListening = listenForErrors();
  let seeds = 0;
  try {
    for (let seed = from; seed < from + count && performance.now() < before; seed += step) {
      const journal = await simulateCluster(worldOf(seed));
      seeds++;
      for (const [what, times] of journal.counts) counts.set(what, (counts.get(what) ?? 0) + times);
      const violations = [...journal.violations, ...strays.splice(0)];
      if (violations.length > 0) return { seeds, counts, failure: { seed, violations } };
    }
    return { seeds, counts, failure: undefined };
  } finally {
    stopListening();
  }
}

/** The lines of one seed, for people. */
export async function explain(seed: number): Promise<readonly string[]> {
  const lines: string[] = [];
  await simulateCluster(worldOf(seed), lines);
  return lines;
}

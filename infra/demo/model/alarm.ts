import { map, pipe, scan, type OperatorFunction } from 'rxjs';
import { recent } from './recent';
import { median, medianDeviation } from './statistics';

export interface UsualRange {
  /** how many values tell what is usual */
  readonly memory: number;
  /** with fewer values than this, everything is usual */
  readonly experience: number;
  /** the least that counts as a deviation */
  readonly tolerance: number;
}

export interface Thresholds {
  /** an alarm begins beyond this distance, in deviations */
  readonly raise: number;
  /** and ends within this one: what trembles between the two changes nothing */
  readonly clear: number;
}

/** Whether each value is out of the range that was usual before it. A peak does not change what is usual; what stays does. */
export function alarm(range: UsualRange, thresholds: Thresholds): OperatorFunction<number, boolean> {
  return pipe(surprise(range), hysteresis(thresholds));
}

/** How many deviations each value lies above or below the median of the values before it. */
export function surprise({ memory, experience, tolerance }: UsualRange): OperatorFunction<number, number> {
  return pipe(
    recent(memory + 1),
    map((values) => {
      const before = values.slice(0, -1);
      if (before.length < experience) return 0;
      return (values.at(-1)! - median(before)) / Math.max(tolerance, medianDeviation(before));
    }),
  );
}

/** True from a distance beyond `raise`, in either direction, until one within `clear`. */
export function hysteresis({ raise, clear }: Thresholds): OperatorFunction<number, boolean> {
  return scan((raised, distance) => Math.abs(distance) > (raised ? clear : raise), false);
}

import { exhaustMap, map, pairwise, timer, type Observable } from 'rxjs';
import { takeReading } from './reading';
import { samplesBetween, type Sample } from './samples';

/** Between two readings of the machine, ms. */
const READING_INTERVAL = 200;

/** The machine's vital signs, five times a second. A reading that takes long is waited for, never overlapped. */
export const vitals$: Observable<readonly Sample[]> = timer(0, READING_INTERVAL).pipe(
  exhaustMap(takeReading),
  pairwise(),
  map(([before, after]) => samplesBetween(before, after)),
);

import {
  finalize,
  ignoreElements,
  lastValueFrom,
  merge,
  switchMap,
  takeUntil,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import type { Faults } from './faults';
import { leave } from './leave';
import type { Dashboard } from './model/dashboard';
import type { Note } from './model/journal';
import { makeShow, type Cast } from './show';
import { strainNetwork } from './strain';
import type { Venue } from './venue';
import type { View } from './view/view';

/** The line is cut for at most so long, ms. */
const LONGEST_OUTAGE = 800;

export interface Performance {
  readonly venue: Venue;
  readonly clients: Pick<Cast, 'publisher' | 'viewer'>;
  readonly faults: Faults;
  readonly view: View;
  readonly seconds: number;
  /** when it is over */
  readonly ending: Promise<unknown>;
}

/** Lets two clients play until the end. @returns what was to be seen last */
export async function perform(performance: Performance): Promise<Dashboard> {
  const { venue, clients, faults, view, seconds, ending } = performance;
  const { publisher, viewer } = clients;
  const show = makeShow({ ...clients, space: venue.space, incidents$: incidents(faults, venue, seconds) });
  try {
    const [last] = await Promise.all([
      lastValueFrom(show.dashboard$.pipe(takeUntil(ending))),
      write(view.text(show).pipe(takeUntil(ending)), view.farewell),
    ]);
    return last;
  } finally {
    await Promise.all([leave(publisher), leave(viewer)]);
  }
}

/** Half-way the line is cut; after three quarters there is something for the alarm. */
function incidents(faults: Faults, { place }: Venue, seconds: number): Observable<Note> {
  const outage = Math.min(LONGEST_OUTAGE, 1000 * (seconds / 8));
  return merge(
    faults.notes$,
    timer(1000 * (seconds / 2)).pipe(
      tap(() => faults.cut(outage)),
      ignoreElements(),
    ),
    timer(1000 * (seconds * (3 / 4))).pipe(switchMap(() => strainNetwork(place))),
  );
}

/** Writes a text, and a farewell when it ends, fails or the whole process does. */
function write(text$: Observable<string>, farewell: string): Promise<void> {
  const sayFarewell = (): void => void process.stdout.write(farewell);
  process.once('exit', sayFarewell);
  return text$
    .pipe(
      finalize(() => {
        process.off('exit', sayFarewell);
        sayFarewell();
      }),
    )
    .forEach((text) => void process.stdout.write(text));
}

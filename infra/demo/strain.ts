import {
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  of,
  repeat,
  takeUntil,
  timer,
  type Observable,
} from 'rxjs';
import type { Note } from './model/journal';
import { clientOf, optionsTo, type Place } from './place';

/** Bytes sent and heard back, again and again. */
const BALLAST = Buffer.alloc(256 * 1024);
/** Between two echoes, ms. */
const PAUSE = 10;
/** ms */
const DURATION = 800;

/** Lets the server echo a lot of bytes for a moment, over a connection of its own: real traffic for the alarm to notice. */
export function strainNetwork(place: Place): Observable<Note> {
  const echoes$ = defer(() => {
    const redis = clientOf(optionsTo(place, { clientName: 'vitals-strain', reconnect: false }));
    return redis.bytes.echo(BALLAST).pipe(
      repeat({ delay: PAUSE }),
      finalize(() => void redis.destroy()),
    );
  });
  return concat(
    of<Note>({ kind: 'strain', text: `the network is strained for ${DURATION} ms: echoes of 256 KiB` }),
    echoes$.pipe(
      takeUntil(timer(DURATION)),
      ignoreElements(),
      // A server out of reach is the other clients' story.
      catchError(() => EMPTY),
    ),
  );
}

import { concat, forkJoin, ignoreElements, lastValueFrom, map, throwError, timeout, type Observable } from 'rxjs';
import { leave } from './leave';
import { clientOf, optionsTo, type Client } from './place';
import { reasonOf } from './reason';
import type { Space } from './space';
import type { Venue } from './venue';
import { signNames, type SignName } from './vitals/signs';

/** How long each answer may take, ms. */
const PATIENCE = 10_000;

/** What Redis holds of one sign. */
export interface Kept {
  readonly sign: SignName;
  readonly latest: number;
  readonly samples: number;
}

/**
 * Reads back what was kept and removes it, over a connection of its own.
 * @throws Error in one line when the server does not answer any more
 */
export async function takeKept({ place, space }: Venue): Promise<readonly Kept[]> {
  const redis = clientOf(optionsTo(place, { clientName: 'vitals-keeper', reconnect: false }));
  const removeKeys = redis.unlink(...space.keys).pipe(ignoreElements());
  try {
    return await lastValueFrom(
      concat(readKept(redis, space), removeKeys).pipe(timeout({ each: PATIENCE, with: silence })),
    );
  } catch (error) {
    throw new Error(`what was kept could not be read back: ${reasonOf(error)}`, { cause: error });
  } finally {
    await leave(redis);
  }
}

function silence(): Observable<never> {
  return throwError(() => new Error(`the server was silent for ${PATIENCE} ms`));
}

/** What was kept, sign by sign; those that this machine does not tell are left out. */
function readKept(redis: Client, space: Space): Observable<readonly Kept[]> {
  return forkJoin({
    latest: redis.hgetall(space.latest),
    lengths: forkJoin(signNames.map((sign) => redis.llen(space.history(sign)))),
  }).pipe(
    map(({ latest, lengths }) =>
      signNames
        .map((sign, index) => ({ sign, latest: Number(latest[sign]), samples: lengths[index] ?? 0 }))
        .filter(({ samples }) => samples > 0),
    ),
  );
}

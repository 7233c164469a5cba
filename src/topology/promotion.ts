import type { Observable } from 'rxjs';
import {
  EMPTY,
  catchError,
  exhaustMap,
  filter,
  finalize,
  map,
  switchMap,
  take,
  takeUntil,
  takeWhile,
  timer,
} from 'rxjs';
import { knownCall } from '../commands/known-commands';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Frame } from '../resp/frames';
import { readSaidRole } from './sentinel-replies';

/** How long nothing is sent to a master whose replica is promoted, ms. */
export const LONGEST_HOLD = 2_000;

/** How long before its end the replica is asked, and after how long again, ms. */
const LONGEST_ANSWER = 500;
const ASK_AGAIN = 100;

/**
 * Asks the replica that is promoted for its role, shortly before the hold ends. Emits if it is a master by then, and completes with the hold.
 * A sentinel tells of a promotion when it has read that, which can take longer than the hold: what the old master answers meanwhile is lost.
 * @param connect makes a connection to the replica
 */
export function promoted(clock: Clock, connect: () => Connection): Observable<unknown> {
  return timer(LONGEST_HOLD - LONGEST_ANSWER, ASK_AGAIN, clock).pipe(
    exhaustMap(() => roleOf(connect())),
    filter((role) => role === 'master'),
    take(1),
    takeUntil(timer(LONGEST_HOLD, clock)),
  );
}

/** Completes without a role where the server does not answer. */
function roleOf(connection: Connection): Observable<unknown> {
  connection.open();
  return connection.state$.pipe(
    takeWhile(({ kind }) => kind !== 'closed'),
    filter(({ kind }) => kind === 'ready'),
    take(1),
    switchMap(() => connection.line.sendAhead(knownCall('ROLE', []))),
    map((frame) => readSaidRole(frame as Frame)),
    catchError(() => EMPTY),
    finalize(() => connection.destroy()),
  );
}

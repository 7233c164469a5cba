import { EMPTY, catchError, filter, finalize, map, of, switchMap, take, takeWhile, type Observable } from 'rxjs';
import { knownCall } from '../commands/known-commands';
import type { Connection } from '../connection/connection';
import { ReplyError } from '../errors';
import type { Frame } from '../resp/frames';
import { readSaidRole, type SaidRole } from './sentinel-replies';

/** Asks a server for its role, and ends the connection. Completes without one where it does not answer; undefined where it may not be asked. */
export function roleOf(connection: Connection): Observable<SaidRole | undefined> {
  connection.open();
  return connection.state$.pipe(
    takeWhile(({ kind }) => kind !== 'closed'),
    filter(({ kind }) => kind === 'ready'),
    take(1),
    switchMap(() => connection.line.sendAhead(knownCall('ROLE', []))),
    map((frame) => readSaidRole(frame as Frame)),
    catchError((error: unknown) => (error instanceof ReplyError ? of(undefined) : EMPTY)),
    finalize(() => connection.destroy()),
  );
}

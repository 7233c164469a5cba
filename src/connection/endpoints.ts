import { catchError, defer, take, throwError, throwIfEmpty, timeout, type Observable } from 'rxjs';
import { ConnectionError, RedisError, TimeoutError } from '../errors';
import { patient, type Clock } from './clock';
import { shielded } from './shielded';
import type { Endpoint } from './socket';

/**
 * Asks where the next link leads to.
 * @param limit how long that may take, ms
 * @throws ConnectionError when nothing is told, or asking fails
 * @throws TimeoutError when nothing is told in time
 */
export function nextEndpoint(ask: () => Observable<Endpoint>, limit: number, clock: Clock): Observable<Endpoint> {
  const late = () => new TimeoutError(`There was no endpoint within ${limit} ms`);
  return defer(ask).pipe(
    shielded(),
    take(1),
    throwIfEmpty(() => new ConnectionError('There is no endpoint: none was told')),
    timeout({ first: limit, with: () => throwError(late), scheduler: patient(clock) }),
    catchError((cause: unknown) => {
      const error = cause instanceof RedisError ? cause : new ConnectionError('There is no endpoint', { cause });
      return throwError(() => error);
    }),
  );
}

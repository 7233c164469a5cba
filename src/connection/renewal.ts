import { Observable, filter, switchMap, take } from 'rxjs';
import { ConnectionError, type RedisError } from '../errors';
import type { Connection } from './connection';
import type { Demand } from './demand';

/** A link is left on purpose and the next one made at once: the server is there, so all commands may wait for that. */
export class Renewal extends ConnectionError {
  /** @param reason the reply that tells of the wrong server; undefined where the user wants another link */
  constructor(reason?: RedisError) {
    const why = reason === undefined ? 'The user wants a new connection' : `The connection is left: ${reason.message}`;
    super(why, { cause: reason });
  }

  get isUsers(): boolean {
    return this.cause === undefined;
  }
}

/** The user wants another link, and nothing has failed. */
export function isUsersWish(error: RedisError | undefined): boolean {
  return error instanceof Renewal && error.isUsers;
}

/**
 * Leaves the link of a connection because its user wants another; completes when the next one is ready.
 * @param now whether replies that are owed are lost; otherwise they are waited for
 */
export function renew(connection: Connection, demand: Demand, now: boolean): Observable<void> {
  return new Observable((subscriber) => {
    if (connection.closed) throw connection.closedError();
    const { line, state$ } = connection;
    const { link } = line;
    // A link that is retiring already is lost as well: the caller waits for the next one.
    if (link === undefined || link.inHandshake) {
      subscriber.add(connection.connect().subscribe(subscriber));
      demand.hurry$.next();
      return;
    }
    const left$ = state$.pipe(
      filter(({ kind }) => kind !== 'ready'),
      take(1),
      switchMap(() => connection.connect()),
    );
    subscriber.add(left$.subscribe(subscriber));
    demand.hurry();
    const reason = new Renewal();
    if (now) link.lose(reason);
    else {
      link.retire(reason);
      line.rest();
    }
  });
}

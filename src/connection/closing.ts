import { EMPTY, concat, defer, filter, last, race, take, timer, type Observable } from 'rxjs';
import type { Connection } from './connection';

/** How long closing waits for replies at most, ms. */
const LONGEST_CLOSE = 30_000;

/**
 * Emits when a connection that is to be closed may be destroyed: every reply that can still come has come, or the link is lost, or that
 * takes too long.
 * @param commandTimeout how long a command may take, ms
 * @param rest what else to wait for after the replies, if anything
 */
export function closable(
  { state$, line, clock }: Connection,
  commandTimeout: number,
  rest: () => Observable<unknown> | undefined,
): Observable<unknown> {
  const lost = state$.pipe(filter(({ kind }) => kind === 'reconnecting' || kind === 'closed'));
  // Closing has a limit of its own where commands have none, so it always ends.
  const limit = timer(Math.min(commandTimeout, LONGEST_CLOSE), clock);
  const drained$ = line.drained().pipe(take(1));
  // Meanwhile what was not waited for, for a blocking command stood before it, may have got its turn.
  const done = concat(
    drained$,
    defer(() => rest() ?? EMPTY),
    drained$,
  ).pipe(last());
  return race(done, lost, limit).pipe(take(1));
}

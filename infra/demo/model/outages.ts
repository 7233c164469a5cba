import {
  connect,
  exhaustMap,
  filter,
  map,
  startWith,
  takeWhile,
  timeInterval,
  toArray,
  type Observable,
  type OperatorFunction,
} from 'rxjs';
import type { ConnectionState } from 'rxjs-redis';

/** The beginning and the end of a time without connection. */
export type OutageEvent =
  | { readonly kind: 'lost'; readonly why: string }
  /** `away` is ms; `attempts` are not told by clients of clusters, which make several connections at a time */
  | { readonly kind: 'back'; readonly away: number; readonly attempts: number | undefined }
  | { readonly kind: 'gone' };

/** Tells from the states of a client when its connection was lost and when, after how many attempts, it was back. */
export function outages(): OperatorFunction<ConnectionState, OutageEvent> {
  return connect((state$) =>
    state$.pipe(
      filter((state) => state.kind === 'reconnecting'),
      exhaustMap(({ error }) => theEnd(state$).pipe(startWith({ kind: 'lost' as const, why: error.message }))),
    ),
  );
}

/** The states of all attempts, then the one that ends the outage. */
function theEnd(state$: Observable<ConnectionState>): Observable<OutageEvent> {
  return state$.pipe(
    takeWhile((state) => state.kind === 'reconnecting' || isDialing(state), true),
    toArray(),
    timeInterval(),
    map(({ value: states, interval }) =>
      states.at(-1)?.kind === 'ready'
        ? { kind: 'back', away: Math.round(interval), attempts: states.filter(isDialing).length || undefined }
        : { kind: 'gone' },
    ),
  );
}

function isDialing({ kind }: ConnectionState): boolean {
  return kind === 'connecting';
}

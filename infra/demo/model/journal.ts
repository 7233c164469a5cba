import {
  filter,
  first,
  map,
  merge,
  pipe,
  scan,
  shareReplay,
  skip,
  startWith,
  switchMap,
  timeInterval,
  withLatestFrom,
  type Observable,
  type OperatorFunction,
  type Timestamp,
} from 'rxjs';
import { signs } from '../vitals/signs';
import type { OutageEvent } from './outages';
import type { Row } from './rows';

/** Something worth a line. */
export interface Note {
  readonly kind: 'strain' | 'cut' | 'mended' | 'lost' | 'back' | 'alarm' | 'calm' | 'told';
  readonly text: string;
}

/** A note and when it was made, in ms since the show began. */
export type Entry = Timestamp<Note>;

/** Says when a sign leaves its usual range and when it is back. */
export function noteAlarms(): OperatorFunction<Row, Note> {
  return map(({ sign, value, alarmed }) => {
    const { name, tell } = signs[sign];
    return alarmed
      ? { kind: 'alarm', text: `${name} left its usual range: ${tell(value)}` }
      : { kind: 'calm', text: `${name} is as usual again: ${tell(value)}` };
  });
}

/** Says when a client loses its connection and when it is back. */
export function noteOutages(client: string): OperatorFunction<OutageEvent, Note> {
  return map((event) => {
    switch (event.kind) {
      case 'lost':
        return { kind: 'lost', text: `${client}: connection lost: ${event.why}` };
      case 'back':
        return { kind: 'back', text: `${client}: reconnected after ${event.away} ms${tellAttempts(event.attempts)}` };
      case 'gone':
        return { kind: 'lost', text: `${client}: closed` };
    }
  });
}

function tellAttempts(attempts: number | undefined): string {
  return attempts === undefined ? '' : `, attempt ${attempts}`;
}

/** Says how many messages had come when the connection was lost, and that the next one comes once it is back. */
export function noteMessagesAround(outages$: Observable<OutageEvent>): OperatorFunction<unknown, Note> {
  return (messages$) => {
    const received$ = messages$.pipe(countSoFar());
    return merge(
      outages$.pipe(
        filter(({ kind }) => kind === 'lost'),
        withLatestFrom(received$),
        map(([, received]): Note => ({ kind: 'lost', text: `viewer: ${received} messages had come` })),
      ),
      outages$.pipe(
        filter(({ kind }) => kind === 'back'),
        switchMap(() => received$.pipe(skip(1), first(), timeInterval())),
        map(({ value, interval }): Note => ({
          kind: 'back',
          text: `viewer: message ${value} came ${interval.toFixed()} ms later, the stream goes on`,
        })),
      ),
    );
  };
}

/** How many there have been: the current number first, then every other. */
function countSoFar(): OperatorFunction<unknown, number> {
  return pipe(
    scan((count) => count + 1, 0),
    startWith(0),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
}

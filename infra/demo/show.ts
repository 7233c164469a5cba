import {
  bufferTime,
  combineLatest,
  filter,
  map,
  merge,
  mergeAll,
  share,
  startWith,
  timer,
  timestamp,
  type Observable,
  type TimestampProvider,
} from 'rxjs';
import { JOURNAL_LENGTH, type Dashboard } from './model/dashboard';
import { noteAlarms, noteMessagesAround, noteOutages, type Entry, type Note } from './model/journal';
import { outages } from './model/outages';
import { recent } from './model/recent';
import { alarmChanges, toRows, toTable } from './model/rows';
import { tally } from './model/tally';
import type { Client } from './place';
import { publishTo } from './publisher';
import type { Space } from './space';
import { samplesFrom } from './viewer';
import { vitals$ } from './vitals/vitals';

/** Who plays, and what happens to them. */
export interface Cast {
  readonly publisher: Client;
  readonly viewer: Client;
  readonly space: Space;
  readonly incidents$: Observable<Note>;
}

/** Runs while its dashboard is watched. */
export interface Show {
  readonly dashboard$: Observable<Dashboard>;
  /** every entry once */
  readonly journal$: Observable<Entry>;
  /** tells the ms since the show was made */
  readonly clock: TimestampProvider;
}

/** How often a dashboard is new even if nothing happens, ms. */
const TICK = 100;

//  vitals$ ──publisher──▶ Redis ──viewer──▶ samples$ ──▶ rows$ ──▶ alarms$
//               │                              │           │          │
//             fates$ ───▶ tally ◀──────────────┤         table      journal$ ◀── incidents$, outages of either client
//                           └──────────────▶ dashboard$ ◀──┴──────────┘
/** Publishes the machine's vital signs, hears them again, and makes of them what there is to see. */
export function makeShow({ publisher, viewer, space, incidents$ }: Cast): Show {
  const clock = stopwatch();
  const samples$ = samplesFrom(viewer, space).pipe(share());
  const fates$ = vitals$.pipe(mergeAll(), publishTo(publisher, space));
  const rows$ = samples$.pipe(toRows(), share());
  const alarms$ = rows$.pipe(alarmChanges(), share());
  const publisherOutages$ = publisher.state$.pipe(outages(), share());
  const viewerOutages$ = viewer.state$.pipe(outages(), share());

  const journal$ = merge(
    incidents$,
    publisherOutages$.pipe(noteOutages('publisher')),
    viewerOutages$.pipe(noteOutages('viewer')),
    samples$.pipe(noteMessagesAround(viewerOutages$)),
    alarms$.pipe(noteAlarms()),
  ).pipe(timestamp(clock), share());

  const events$ = merge(
    fates$,
    samples$.pipe(map(() => 'received' as const)),
    merge(publisherOutages$, viewerOutages$).pipe(
      filter(({ kind }) => kind === 'back'),
      map(() => 'reconnects' as const),
    ),
    alarms$.pipe(
      filter(({ alarmed }) => alarmed),
      map(() => 'alarms' as const),
    ),
  );

  const dashboard$ = combineLatest({
    elapsed: timer(TICK, TICK).pipe(
      map(() => clock.now()),
      startWith(0),
    ),
    table: rows$.pipe(toTable()),
    links: combineLatest({ publisher: publisher.state$, viewer: viewer.state$ }),
    tally: events$.pipe(tally()),
    rate: samples$.pipe(
      bufferTime(1000, TICK),
      map(({ length }) => length),
      startWith(0),
    ),
    journal: journal$.pipe(recent(JOURNAL_LENGTH), startWith([])),
  }).pipe(share());

  return { dashboard$, journal$, clock };
}

function stopwatch(): TimestampProvider {
  const start = performance.now();
  return { now: () => performance.now() - start };
}

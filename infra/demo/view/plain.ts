import { map, merge, of, timer, timestamp, withLatestFrom } from 'rxjs';
import type { Dashboard } from '../model/dashboard';
import type { Row } from '../model/rows';
import { signNames, signs } from '../vitals/signs';
import type { Billing } from './frame';
import { tellEntry, tellState, tellTime } from './tell';
import type { View } from './view';

const WIDTH = 80;

/** Between two lines of vital signs, ms. */
const INTERVAL = 250;

/** One line after the other: the title, the vital signs several times a second, and each entry of the journal. */
export function plainView({ title }: Billing): View {
  return {
    text: ({ dashboard$, journal$, clock }) =>
      merge(
        of(title),
        journal$.pipe(map((entry) => tellEntry(entry, WIDTH))),
        timer(INTERVAL, INTERVAL).pipe(
          withLatestFrom(dashboard$),
          timestamp(clock),
          map(({ timestamp: now, value: [, dashboard] }) => `${tellTime(now).padStart(7)}   ${status(dashboard)}`),
        ),
      ).pipe(map((line) => `${line.trimEnd()}\n`)),
    farewell: '',
    memento: () => '',
  };
}

/** The vital signs, an alarm as `!`; or, while nothing can be heard, how the viewer fares. */
function status({ table, links: { viewer }, tally }: Dashboard): string {
  if (viewer.kind !== 'ready') return `viewer ${tellState(viewer)}, ${tally.received} messages so far`;
  return signNames.map((name) => tellRow(table[name])).join('');
}

function tellRow(row: Row | undefined): string {
  if (row === undefined) return '';
  const { short, tell, width } = signs[row.sign];
  return `${short} ${tell(row.value).padStart(width)}${row.alarmed ? '!' : ' '} `;
}

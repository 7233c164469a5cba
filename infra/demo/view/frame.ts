import type { Colors } from 'picocolors/types';
import type { ConnectionState } from 'rxjs-redis';
import sparkly from 'sparkly';
import { JOURNAL_LENGTH, type Dashboard } from '../model/dashboard';
import type { Note } from '../model/journal';
import { SHOWN, type Row } from '../model/rows';
import { published } from '../model/tally';
import { signNames, signs } from '../vitals/signs';
import { tellEntry, tellState, tellTime } from './tell';

const WIDTH = 79;

/** What does not change during a show. */
export interface Billing {
  readonly title: string;
  readonly seconds: number;
}

/** Draws a dashboard, one string a line, none wider than 80 columns. */
export function frame(dashboard: Dashboard, { title, seconds }: Billing, paint: Colors): readonly string[] {
  const { elapsed, table, links, tally, rate, journal } = dashboard;
  const time = `${tellTime(elapsed)} of ${seconds} s`;
  const entries = journal.map((entry) => colourOf(entry.value.kind, paint)(tellEntry(entry, WIDTH)));
  return [
    paint.bold(title.slice(0, WIDTH - time.length - 2).padEnd(WIDTH - time.length)) + paint.dim(time),
    '',
    paint.dim(`  ${'sign'.padEnd(12)}${'now'.padStart(13)}${'average'.padStart(13)}   the last seconds`),
    ...signNames.map((name) => drawRow(table[name], paint)).filter((line) => line !== undefined),
    '',
    drawLink('publisher', links.publisher, `${published(tally)} published, ${tally.unheard} unheard`, paint),
    drawLink('viewer', links.viewer, `${tally.received} received, ${rate} a second`, paint),
    '',
    ...entries,
    ...Array<string>(JOURNAL_LENGTH - entries.length).fill(''),
  ];
}

function drawRow(row: Row | undefined, paint: Colors): string | undefined {
  if (row === undefined) return undefined;
  const { name, tell, tolerance } = signs[row.sign];
  const now = tell(row.value).padStart(13);
  const average = tell(row.average).padStart(13);
  const line = sparkline(row.recent, tolerance).padStart(SHOWN);
  const alarm = row.alarmed ? paint.red(' ▲ alarm') : '';
  return `  ${name.padEnd(12)}${row.alarmed ? paint.red(now) : now}${paint.dim(average)}   ${paint.cyan(line)}${alarm}`;
}

/** From the lowest to the highest value; a range below `least` does not fill the height. */
function sparkline(values: readonly number[], least: number): string {
  const minimum = Math.min(...values);
  return sparkly([...values], { minimum, maximum: Math.max(minimum + least, ...values) });
}

function drawLink(name: string, state: ConnectionState, text: string, paint: Colors): string {
  const [mark, colour] = state.kind === 'ready' ? ['●', paint.green] : ['○', paint.red];
  return `  ${name.padEnd(11)}${colour(`${mark} ${tellState(state)}`.padEnd(38))}${text}`;
}

function colourOf(kind: Note['kind'], paint: Colors): (text: string) => string {
  switch (kind) {
    case 'cut':
    case 'lost':
    case 'alarm':
      return paint.red;
    case 'back':
    case 'calm':
      return paint.green;
    case 'strain':
    case 'mended':
      return paint.yellow;
    case 'told':
      return paint.dim;
  }
}

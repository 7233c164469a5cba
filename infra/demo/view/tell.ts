import type { ConnectionState } from 'rxjs-redis';
import type { Entry, Note } from '../model/journal';

/** What begins the line of a note. */
export const MARKS: Readonly<Record<Note['kind'], string>> = {
  strain: '≈',
  cut: '✂',
  mended: '─',
  lost: '○',
  back: '●',
  alarm: '▲',
  calm: '▽',
  told: '·',
};

/** ms as seconds: `12.3 s` */
export function tellTime(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function tellState(state: ConnectionState): string {
  return state.kind === 'reconnecting' ? `reconnecting, attempt ${state.attempt} in ${state.delay} ms` : state.kind;
}

/** A line of at most `width` characters. */
export function tellEntry({ timestamp, value: { kind, text } }: Entry, width: number): string {
  return fit(`${tellTime(timestamp).padStart(7)} ${MARKS[kind]} ${text}`, width);
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

import type { Colors } from 'picocolors/types';
import { auditTime, concat, map, of } from 'rxjs';
import type { Dashboard } from '../model/dashboard';
import { frame, type Billing } from './frame';
import type { View } from './view';

/** Between two frames, ms. */
const FRAME_TIME = 100;

// A second screen, so that the first one is as it was afterwards; no cursor, and lines that are too long are cut off.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * A table that is redrawn in place, each frame in one write over the one before: nothing is cleared that is not drawn again at once.
 * @param rows how many lines the terminal has now
 */
export function terminalView(billing: Billing, paint: Colors, rows: () => number): View {
  const draw = (dashboard: Dashboard): readonly string[] => frame(dashboard, billing, paint);
  return {
    text: ({ dashboard$ }) =>
      concat(
        of(ENTER),
        dashboard$.pipe(
          auditTime(FRAME_TIME),
          map(draw),
          map((lines) => inPlace(lines.slice(0, rows()))),
        ),
      ),
    farewell: LEAVE,
    memento: (last) => `${draw(last).join('\n').trimEnd()}\n`,
  };
}

function inPlace(lines: readonly string[]): string {
  return HOME + lines.map((line) => line + CLEAR_LINE).join('\r\n') + CLEAR_BELOW;
}

import type { Billing } from './frame';
import { makePaint } from './paint';
import { plainView } from './plain';
import { terminalView } from './terminal';
import type { View } from './view';

/** A table on a terminal that can redraw it, lines elsewhere. */
export function chooseView(billing: Billing): View {
  const { stdout, env } = process;
  if (!stdout.isTTY || env.TERM === 'dumb') return plainView(billing);
  return terminalView(billing, makePaint(!env.NO_COLOR), () => stdout.rows || 24);
}

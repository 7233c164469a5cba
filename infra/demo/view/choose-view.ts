import { createColors } from 'picocolors';
import type { Billing } from './frame';
import { plainView } from './plain';
import { terminalView } from './terminal';
import type { View } from './view';

/**
 * @param asTable a table where a terminal can redraw it; lines otherwise. Colours are left out where NO_COLOR is set
 */
export function chooseView(billing: Billing, asTable: boolean): View {
  const { stdout, env } = process;
  if (!asTable || !stdout.isTTY || env.TERM === 'dumb') return plainView(billing);
  return terminalView(billing, createColors(!env.NO_COLOR), () => stdout.rows || 24);
}

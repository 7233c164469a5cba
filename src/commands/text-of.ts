import { formatNumber } from '../resp/numbers';
import { textOfBytes } from '../resp/strings';
import type { Arg } from './command';

/** An argument as text, as it travels: any word may be spelt in bytes. */
export function textOf(arg: Arg | undefined): string {
  if (arg instanceof Uint8Array) return textOfBytes(arg);
  return typeof arg === 'number' ? formatNumber(arg) : String(arg);
}

import { formatNumber } from '../resp/numbers';
import { textOfBytes } from '../resp/strings';
import type { Arg } from './command';
import { isBytes } from '../resp/is-bytes';

/** An argument as text, as it travels: any word may be spelt in bytes. */
export function textOf(arg: Arg | undefined): string {
  if (isBytes(arg)) return textOfBytes(arg);
  return typeof arg === 'number' ? formatNumber(arg) : String(arg);
}

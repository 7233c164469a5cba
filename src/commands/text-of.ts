import { textOfBytes } from '../resp/strings';
import type { Arg } from './command';

/** An argument as text: any word may be spelt in bytes. */
export function textOf(arg: Arg | undefined): string {
  return arg instanceof Uint8Array ? textOfBytes(arg) : String(arg);
}

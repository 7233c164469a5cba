import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../resp/strings';

/** The name of a channel or pattern; one that is no UTF-8 can be told from others by its bytes alone. */
export type ChannelName = string | Uint8Array;

/** Marks the key of a name that is not UTF-8. No text on the wire has this character, because it is half of a surrogate pair. */
const BINARY = '\uD800';
const HALF_OF_A_PAIR = /\p{Surrogate}/u;

// Hot: once per message.
/** The key of a server's name in maps: the text itself, or a text that no other name has. */
export function keyOf(name: ChannelName): string {
  if (typeof name === 'string') return name;
  const bytes = asBuffer(name);
  return isUtf8(bytes) ? bytes.toString() : BINARY + bytes.toString('latin1');
}

/** The same for a name of the user's: text that UTF-8 cannot express travels, and comes back, with U+FFFD in place of that. */
export function keyOfAsked(name: ChannelName): string {
  return typeof name === 'string' && HALF_OF_A_PAIR.test(name) ? Buffer.from(name).toString() : keyOf(name);
}

/** The name that a key stands for, as it travels. */
export function nameOf(key: string): string | Buffer {
  return isBinary(key) ? Buffer.from(key.slice(BINARY.length), 'latin1') : key;
}

/** Whether a key stands for a name that is no UTF-8. */
export function isBinary(key: string): boolean {
  return key.startsWith(BINARY);
}

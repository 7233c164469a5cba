import { nameOfBytes } from '../resp/binary-names';
import { asBuffer } from '../resp/strings';

/** The name of a channel or pattern; one that is no UTF-8 can be told from others by its bytes alone. */
export type ChannelName = string | Uint8Array;

const HALF_OF_A_PAIR = /\p{Surrogate}/u;

// Hot: once per message.
/** The key of a server's name in maps: the text itself, or a text that no other name has. */
export function keyOf(name: ChannelName): string {
  return typeof name === 'string' ? name : nameOfBytes(asBuffer(name));
}

/** The same for a name of the user's: text that UTF-8 cannot express travels, and comes back, with U+FFFD in place of that. */
export function keyOfAsked(name: ChannelName): string {
  return typeof name === 'string' && HALF_OF_A_PAIR.test(name) ? Buffer.from(name).toString() : keyOf(name);
}

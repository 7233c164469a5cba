import { isUtf8 } from 'node:buffer';

/** The name of a channel or pattern; one that is no UTF-8 can be told from others by its bytes alone. */
export type ChannelName = string | Uint8Array;

/** Begins the key of a name that is no UTF-8: no text holds it, for it is half of a pair. */
const BINARY = '\uD800';

/** What stands for a name in maps: the text itself, or what no other name has. */
export function keyOf(name: ChannelName): string {
  if (typeof name === 'string') return name;
  const bytes = bufferOf(name);
  return isUtf8(bytes) ? bytes.toString() : BINARY + bytes.toString('latin1');
}

/** The name that a key stands for, as it travels. */
export function nameOf(key: string): string | Buffer {
  return isBinary(key) ? Buffer.from(key.slice(BINARY.length), 'latin1') : key;
}

/** Whether a key stands for a name that is no UTF-8. */
export function isBinary(key: string): boolean {
  return key.startsWith(BINARY);
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

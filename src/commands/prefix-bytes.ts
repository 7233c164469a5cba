import { isUtf8 } from 'node:buffer';
import { bytesOf } from '../resp/bytes-of';

/** Marks a prefix that is not UTF-8. No text on the wire has this character, because it is half of a surrogate pair. */
const BINARY = '\uD800';

/** A prefix as text: itself, or its bytes behind a character that no text has. */
export function prefixOf(given: string | Uint8Array): string {
  const bytes = bytesOf(given);
  return isUtf8(bytes) ? bytes.toString() : BINARY + bytes.toString('latin1');
}

/** Whether a prefix is not UTF-8: as text it could not be told from others. */
export function isBinary(prefix: string): boolean {
  return prefix.startsWith(BINARY);
}

// The last one: a client has one prefix.
let encoded = { prefix: '', bytes: Buffer.alloc(0) };

/** A prefix as it travels. */
export function bytesOfPrefix(prefix: string): Buffer {
  if (encoded.prefix !== prefix) {
    const bytes = isBinary(prefix) ? Buffer.from(prefix.slice(BINARY.length), 'latin1') : Buffer.from(prefix);
    encoded = { prefix, bytes };
  }
  return encoded.bytes;
}

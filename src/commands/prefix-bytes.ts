import { isUtf8 } from 'node:buffer';

/** Begins what stands for a prefix that is no UTF-8: no text on the wire holds it, for it is half of a pair. */
const BINARY = '\uD800';

/** What stands for a prefix: the text that it is, or its bytes behind a character that no text has. */
export function prefixOf(given: string | Uint8Array): string {
  const bytes = typeof given === 'string' ? Buffer.from(given) : bufferOf(given);
  return isUtf8(bytes) ? bytes.toString() : BINARY + bytes.toString('latin1');
}

/** Whether a prefix is no UTF-8, so that it cannot be told from others once it is text. */
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

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

import { nameOfBytes, sentAs } from '../resp/binary-names';
import { bytesOf } from '../resp/bytes-of';

/** A prefix as text: itself, or a text that stands for its bytes. */
export function prefixOf(given: string | Uint8Array): string {
  return nameOfBytes(bytesOf(given));
}

// The last one: a client has one prefix.
let encoded: { readonly prefix: string; readonly bytes: Buffer } = { prefix: '', bytes: Buffer.alloc(0) };

/** A prefix as it travels. */
export function bytesOfPrefix(prefix: string): Buffer {
  if (encoded.prefix !== prefix) encoded = { prefix, bytes: bytesOf(sentAs(prefix)) };
  return encoded.bytes;
}

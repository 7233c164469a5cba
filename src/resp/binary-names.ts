import { isUtf8 } from 'node:buffer';

/** Marks text that stands for bytes which are not UTF-8. No text on the wire has this character, because it is half of a surrogate pair. */
const BINARY = '\uD800';

/** Bytes as text: what they say in UTF-8, or a text that no other bytes have. */
export function nameOfBytes(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString() : BINARY + bytes.toString('latin1');
}

/** Whether a text stands for bytes that are not UTF-8. */
export function isBinary(name: string): boolean {
  return name.startsWith(BINARY);
}

/** What is sent of a text: itself, or the bytes that it stands for. */
export function sentAs(name: string): string | Buffer {
  return isBinary(name) ? Buffer.from(name.slice(BINARY.length), 'latin1') : name;
}

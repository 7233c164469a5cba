import { isBytes } from './is-bytes';
import { asBuffer } from './strings';

/** What is sent of a value: bytes as they are, not copied; everything else as text in UTF-8. */
export function bytesOf(value: unknown): Buffer {
  return isBytes(value) ? asBuffer(value) : Buffer.from(String(value));
}

/** The same as text with a character for each byte: text and bytes that are sent alike are equal. */
export function latin1Of(value: unknown): string {
  return bytesOf(value).toString('latin1');
}

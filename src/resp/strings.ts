import { isAscii } from 'node:buffer';

/** Node, Bun and Deno all have them; `toString` and `write` check their arguments at a third of the cost of the call. */
interface Utf8Buffer extends Buffer {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
  utf8Write(text: string, at: number, most: number): number;
}

const { fromCharCode } = String;
/** Up to here a string is made faster from character codes than by a call into C++. */
const SHORT = 16;
/** From here on Node lets a string of Latin-1 stand outside V8's heap: a sixth of the time, most of which the system takes for memory. */
const OUTSIDE_HEAP = 0xfbee9;
/** Beyond, comparing in JavaScript is no cheaper. */
const LONGEST_RECURRING = 32;

/** The same bytes with the methods of a Buffer, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The UTF-8 text of bytes. */
export function textOfBytes(bytes: Uint8Array): string {
  return asBuffer(bytes).toString();
}

// Hot: once per string that a server sends.
/** The UTF-8 text of some bytes; what is not UTF-8 becomes U+FFFD. */
export function utf8(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > SHORT)
    return length < OUTSIDE_HEAP ? (bytes as Utf8Buffer).utf8Slice(start, end) : large(bytes, start, end);
  let all = 0;
  for (let i = start; i < end; i++) all |= bytes[i]!;
  return all < 0x80 ? ascii(bytes, start, length) : (bytes as Utf8Buffer).utf8Slice(start, end);
}

/**
 * Short strings that come again and again at the same place, as the kind and the channel of a message do: comparing bytes with
 * those of the last time is cheaper than making the string anew.
 */
export class RecurringString {
  private readonly bytes = new Uint8Array(LONGEST_RECURRING);
  private length = 0;
  private text = '';

  // Hot: twice per message.
  read(chunk: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST_RECURRING) return utf8(chunk, start, end);
    const { bytes } = this;
    let same = length === this.length;
    for (let i = 0; same && i < length; i++) same = chunk[start + i] === bytes[i];
    if (same) return this.text;
    this.text = utf8(chunk, start, end);
    this.length = length;
    for (let i = 0; i < length; i++) bytes[i] = chunk[start + i]!;
    return this.text;
  }
}

function large(bytes: Buffer, start: number, end: number): string {
  const source = bytes as Utf8Buffer;
  return isAscii(source.subarray(start, end)) ? source.latin1Slice(start, end) : source.utf8Slice(start, end);
}

/** Writes text as UTF-8 and returns how many bytes it took. Cloudflare's runtime has to be told how much room there is. */
export function utf8Write(buffer: Buffer, text: string, at: number): number {
  return (buffer as Utf8Buffer).utf8Write(text, at, buffer.length - at);
}

/** 10 to 19 ns where the call into C++ takes 45: the engine builds the string from arguments in registers. */
function ascii(b: Buffer, p: number, length: number): string {
  // prettier-ignore
  switch (length) {
    case 0: return '';
    case 1: return fromCharCode(b[p]!);
    case 2: return fromCharCode(b[p]!, b[p + 1]!);
    case 3: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!);
    case 4: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!);
    case 5: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!);
    case 6: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!);
    case 7: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!);
    case 8: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!);
    case 9: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!);
    case 10: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!);
    case 11: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!, b[p + 10]!);
    case 12: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!, b[p + 10]!, b[p + 11]!);
    case 13: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!, b[p + 10]!, b[p + 11]!, b[p + 12]!);
    case 14: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!, b[p + 10]!, b[p + 11]!, b[p + 12]!, b[p + 13]!);
    case 15: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!, b[p + 10]!, b[p + 11]!, b[p + 12]!, b[p + 13]!, b[p + 14]!);
    default: return fromCharCode(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!, b[p + 8]!, b[p + 9]!, b[p + 10]!, b[p + 11]!, b[p + 12]!, b[p + 13]!, b[p + 14]!, b[p + 15]!);
  }
}

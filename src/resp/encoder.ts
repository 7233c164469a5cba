import { kindOf } from './kind-of';
import { formatNumber } from './numbers';
import { utf8Write } from './strings';
import { isBytes } from './is-bytes';

/** What can stand in a request: numbers travel in decimal digits, strings in UTF-8, bytes as they are. */
export type Encodable = string | number | bigint | Uint8Array;

const CR = 0x0d;
const LF = 0x0a;
const STAR = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
/** Up to here a loop in JavaScript writes a string faster than a call into C++ does. */
const SHORT = 24;
/** `$`, ten digits, two CRLF and a byte to spare. */
const OVERHEAD = 16;
/** Bytes of UTF-8 that one UTF-16 unit may need. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Encodes requests one behind the other into a buffer, to be written in one piece.
 *
 * Large arguments are not copied into the buffer: they travel as chunks of their own between two pieces of it.
 *
 * @example
 * encoder.add(1, '$3\r\nGET\r\n', ['key']);
 * const chunks = encoder.take();
 */
//  buffer: │ taken ··· │ start ▶ pending ··· ◀ end │ free ··· │
export class Encoder {
  private buffer: Buffer;
  private start = 0;
  private end = 0;
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;

  /** @param size bytes of the buffer */
  constructor(private readonly size = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(size);
  }

  /** Bytes that are encoded and not taken yet. */
  get pending(): number {
    return this.chunkBytes + this.end - this.start;
  }

  // Hot: once per command.
  /**
   * @param words how many bulk strings `head` holds
   * @param head the command's name, already encoded: `$3\r\nGET\r\n`
   * @param args a string is the one argument
   * @throws TypeError when an argument is none, before anything of the request is written
   */
  add(words: number, head: string, args: readonly Encodable[] | string): void {
    if (typeof args === 'string') {
      this.begin(words + 1, head);
      this.addString(args);
      return;
    }
    const count = args.length;
    refuseUnencodable(args);
    this.begin(words + count, head);
    for (let i = 0; i < count; i++) {
      const arg = args[i]!;
      if (typeof arg === 'string') this.addString(arg);
      else if (typeof arg === 'object') this.addBytes(arg);
      else this.addString(formatNumber(arg));
    }
  }

  private begin(count: number, head: string): void {
    this.reserve(OVERHEAD + head.length);
    this.writeLength(STAR, count);
    const { buffer } = this;
    let end = this.end;
    for (let i = 0; i < head.length; i++) buffer[end++] = head.charCodeAt(i);
    this.end = end;
  }

  /** The encoded bytes, in order. They stay valid until `release`. */
  take(): Uint8Array[] {
    const chunks = this.chunks;
    if (this.end > this.start) chunks.push(this.buffer.subarray(this.start, this.end));
    this.chunks = [];
    this.chunkBytes = 0;
    this.start = this.end;
    return chunks;
  }

  /** @param reusable the taken chunks are not read any more, so that their memory can be written to */
  release(reusable: boolean): void {
    if (!reusable) return; // what follows goes behind it, into a new buffer when this one is full
    this.start = 0;
    this.end = 0;
  }

  private addString(text: string): void {
    const { length } = text;
    if (length > SHORT) {
      this.addLongString(text);
      return;
    }
    this.reserve(OVERHEAD + length);
    const before = this.end;
    this.writeLength(DOLLAR, length);
    const { buffer } = this;
    let end = this.end;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.end = before;
        this.addLongString(text);
        return;
      }
      buffer[end++] = code;
    }
    buffer[end] = CR;
    buffer[end + 1] = LF;
    this.end = end + 2;
  }

  private addLongString(text: string): void {
    const most = text.length * MAX_BYTES_PER_UNIT;
    if (most + OVERHEAD > this.size) {
      this.addChunk(Buffer.from(text));
      return;
    }
    this.reserve(OVERHEAD + most);
    const { buffer } = this;
    // The text is nearly always ASCII, so its length is written before its bytes are known, and mended when it was not.
    const before = this.end;
    this.writeLength(DOLLAR, text.length);
    const bytes = utf8Write(buffer, text, this.end);
    if (bytes !== text.length) {
      const guess = this.end;
      this.end = before;
      this.writeLength(DOLLAR, bytes);
      if (this.end !== guess) utf8Write(buffer, text, this.end);
    }
    this.end += bytes;
    buffer[this.end++] = CR;
    buffer[this.end++] = LF;
  }

  private addBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length + OVERHEAD > this.size / 4) {
      this.addChunk(bytes);
      return;
    }
    this.reserve(OVERHEAD + length);
    this.writeLength(DOLLAR, length);
    this.buffer.set(bytes, this.end);
    this.end += length;
    this.buffer[this.end++] = CR;
    this.buffer[this.end++] = LF;
  }

  /** Lets bytes travel uncopied between two pieces of the buffer. */
  private addChunk(bytes: Uint8Array): void {
    this.reserve(OVERHEAD);
    this.writeLength(DOLLAR, bytes.length);
    this.closePiece();
    this.chunks.push(bytes);
    this.chunkBytes += bytes.length;
    this.reserve(OVERHEAD);
    this.buffer[this.end++] = CR;
    this.buffer[this.end++] = LF;
  }

  /** Makes room for `bytes`, in a new buffer when this one is full. */
  private reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    this.closePiece();
    this.buffer = Buffer.allocUnsafeSlow(Math.max(this.size, bytes));
    this.start = 0;
    this.end = 0;
  }

  private closePiece(): void {
    if (this.end === this.start) return;
    this.chunks.push(this.buffer.subarray(this.start, this.end));
    this.chunkBytes += this.end - this.start;
    this.start = this.end;
  }

  private writeLength(type: number, length: number): void {
    const { buffer } = this;
    let end = this.end;
    buffer[end++] = type;
    if (length >= 10) {
      if (length >= 100) {
        if (length >= 1000) {
          const thousands = String((length / 1000) | 0);
          for (let i = 0; i < thousands.length; i++) buffer[end++] = thousands.charCodeAt(i);
        }
        buffer[end++] = ZERO + (((length / 100) | 0) % 10);
      }
      buffer[end++] = ZERO + (((length / 10) | 0) % 10);
    }
    buffer[end++] = ZERO + (length % 10);
    buffer[end++] = CR;
    buffer[end++] = LF;
    this.end = end;
  }
}

/** @throws TypeError when one of the arguments cannot be sent */
export function refuseUnencodable(args: readonly unknown[]): void {
  for (let i = 0; i < args.length; i++) refuseArgument(args[i]);
}

function refuseArgument(arg: unknown): void {
  if (typeof arg === 'string' || typeof arg === 'number' || typeof arg === 'bigint') return;
  if (isBytes(arg)) {
    if (arg.length === 0) refuseTransferred(arg);
    return;
  }
  throw new TypeError(`An argument is a string, a number, a bigint or bytes, got ${kindOf(arg)}`);
}

/** @throws TypeError when the memory of the bytes was transferred, to a worker for instance, so that they are gone */
function refuseTransferred({ buffer }: Uint8Array): void {
  try {
    new Uint8Array(buffer);
  } catch (cause) {
    throw new TypeError('The bytes of an argument have been transferred before it was written', { cause });
  }
}

import { ProtocolError } from '../errors';
import { GatheredLine } from './gathered-line';
import { exactInteger } from './numbers';
import { asBuffer, utf8 } from './strings';

export const CR = 0x0d;
export const LF = 0x0a;
export const ZERO = 0x30;
export const MINUS = 0x2d;
const LETTER_K = 0x4b;
const LETTER_O = 0x4f;
/** A JavaScript number holds any 15 digits exactly. */
export const SAFE_DIGITS = 15;
/** The type and CRLF. */
const LINE_OVERHEAD = 3;
const NO_BYTES = Buffer.alloc(0);

/**
 * Reads lines from chunks that are cut anywhere. At `position` stands the type of the next line. The decoder extends it:
 * asking another object for every byte would cost a few percent.
 *
 * A method that finds a line without its end keeps what there is of it; the line is read again when the next chunk has brought the end.
 */
//  chunk ───▶ read in place
//       └──── its end cuts a line ───▶ `line` ── the end has come ──▶ `chunk` for this line, then `next`
export abstract class LineReader {
  protected chunk: Buffer = NO_BYTES;
  protected position = 0;
  /** The chunk to go on with when `chunk` is a gathered line. */
  private next: Buffer | undefined;
  private nextPosition = 0;
  private readonly line = new GatheredLine();
  private lineLimit = 0;

  /** Takes the next bytes, once those before are used up. Their memory may be reused when they are used up themselves. */
  push(bytes: Uint8Array): void {
    const chunk = asBuffer(bytes);
    if (this.line.length === 0) {
      this.chunk = chunk;
      this.position = 0;
      return;
    }
    const end = chunk.indexOf(LF) + 1;
    const piece = end === 0 ? chunk : chunk.subarray(0, end);
    refuseLongLine(this.line.length + piece.length - LINE_OVERHEAD, this.lineLimit);
    this.line.append(piece);
    if (end === 0) return;
    this.chunk = this.line.take();
    this.position = 0;
    this.next = chunk;
    this.nextPosition = end;
  }

  /** Goes on with the chunk behind a gathered line; false when there are no more bytes. */
  protected advance(): boolean {
    if (this.next === undefined) return false;
    this.chunk = this.next;
    this.position = this.nextPosition;
    this.next = undefined;
    return this.position < this.chunk.length;
  }

  // Hot: digits are read in place.
  /** Reads a line that holds an integer; NaN when it is cut. */
  protected readNumber(limit: number): number | bigint {
    const { chunk } = this;
    let at = this.position + 1;
    const negative = chunk[at] === MINUS;
    if (negative) at++;
    const first = at;
    let number = 0;
    let digit = chunk[at]! - ZERO;
    while (digit >= 0 && digit <= 9) {
      number = number * 10 + digit;
      digit = chunk[++at]! - ZERO;
    }
    if (at + 1 >= chunk.length) {
      if (at < chunk.length && chunk[at] !== CR) throw this.badNumber();
      this.cut(limit);
      return NaN;
    }
    if (at === first || chunk[at] !== CR || chunk[at + 1] !== LF) throw this.badNumber();
    if (at - first > SAFE_DIGITS) {
      refuseLongLine(at - first, limit);
      const exact = BigInt(chunk.toString('latin1', first, at));
      this.position = at + 2;
      return exactInteger(negative ? -exact : exact);
    }
    this.position = at + 2;
    return negative ? -number : number;
  }

  // Hot: what nearly all simple strings are takes neither a search nor memory.
  /** Reads a line that is `OK`. Returns whether it was one. */
  protected readOk(): boolean {
    const { chunk, position } = this;
    const isOk =
      chunk[position + 1] === LETTER_O &&
      chunk[position + 2] === LETTER_K &&
      chunk[position + 3] === CR &&
      chunk[position + 4] === LF;
    if (isOk) this.position = position + 5;
    return isOk;
  }

  /** Reads a line of text; undefined when it is cut. */
  protected readLine(limit: number): string | undefined {
    const { chunk } = this;
    const start = this.position + 1;
    const lineFeed = indexOfLineFeed(chunk, start);
    if (lineFeed < 0) {
      this.cut(limit);
      return undefined;
    }
    const end = lineFeed - 1;
    refuseLongLine(end - start, limit);
    if (end < start || chunk[end] !== CR) throw new ProtocolError('A line does not end in CRLF');
    this.position = lineFeed + 1;
    return utf8(chunk, start, end);
  }

  /** Gathers a line whose end the next chunk brings. */
  private cut(limit: number): void {
    if (this.next !== undefined) throw new ProtocolError('A line does not end in CRLF');
    const rest = this.chunk.subarray(this.position);
    refuseLongLine(rest.length - LINE_OVERHEAD, limit);
    this.line.append(rest);
    this.lineLimit = limit;
    this.chunk = NO_BYTES;
    this.position = 0;
  }

  private badNumber(): ProtocolError {
    const line = this.chunk.toString('latin1', this.position, this.position + 32);
    return new ProtocolError(`Not a number between type and CRLF: ${JSON.stringify(line)}`);
  }
}

function refuseLongLine(length: number, limit: number): void {
  if (length > limit) throw new ProtocolError(`A line is longer than the limit of ${limit} bytes`);
}

// Lines are short, and a loop finds their end sooner than a call into C++ does.
/** Where the line feed stands; -1 when the line is cut. */
function indexOfLineFeed(chunk: Buffer, start: number): number {
  const near = Math.min(start + 32, chunk.length);
  for (let at = start; at < near; at++) if (chunk[at] === LF) return at;
  return near === chunk.length ? -1 : chunk.indexOf(LF, near);
}

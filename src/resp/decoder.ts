import { constants } from 'node:buffer';
import { ProtocolError } from '../errors';
import { Attribute, ErrorFrame, Push, type Frame } from './frames';
import { RecurringString, utf8 } from './strings';

/** Bounds on what a peer may make the client hold; beyond them the stream is refused with a ProtocolError. */
export interface DecoderLimits {
  /** how deep arrays, sets, maps, pushes and attributes may nest */
  readonly maxDepth: number;
  /** bytes of one bulk string, bulk error or verbatim string */
  readonly maxBulkLength: number;
  /** elements of one array, set or push, pairs of one map */
  readonly maxElements: number;
  /** bytes of one line: simple string, error, big number */
  readonly maxLineLength: number;
}

/** Which replies keep their strings as bytes; asked once per top-level frame, before its first string. */
export interface BytesWanted {
  reply(): boolean;
  push(): boolean;
}

export const defaultDecoderLimits: DecoderLimits = {
  maxDepth: 1024,
  maxBulkLength: 512 * 1024 * 1024,
  maxElements: 2 ** 27,
  maxLineLength: 64 * 1024,
};

const neverBytes: BytesWanted = { reply: () => false, push: () => false };

/** What `read()` answers when the bytes so far end inside a frame. */
export const INCOMPLETE: unique symbol = Symbol('incomplete');

/** An aggregate whose elements are still coming. */
interface Aggregate {
  readonly type: Type;
  readonly items: Frame[];
  remaining: number;
  /** the aggregate that it is an element of */
  readonly parent: Aggregate | undefined;
}

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
const PLUS = 0x2b;
const MINUS = 0x2d;
const NO_BYTES = Buffer.alloc(0);
/** Digits that a JavaScript number holds exactly, whatever they are. */
const SAFE_DIGITS = 15;
/** Pushes that may come in the middle of a reply (Redis 6.0 does so within EXEC) and are no part of it, unlike confirmations. */
const OUT_OF_BAND = new Set(['invalidate', 'message', 'pmessage', 'smessage']);
const STREAMED = new Set(['?'.charCodeAt(0), ';'.charCodeAt(0), '.'.charCodeAt(0)]);

const enum Type {
  Simple = 0x2b, // +
  Error = 0x2d, // -
  Integer = 0x3a, // :
  Bulk = 0x24, // $
  Array = 0x2a, // *
  Null = 0x5f, // _
  Boolean = 0x23, // #
  Double = 0x2c, // ,
  BigNumber = 0x28, // (
  BulkError = 0x21, // !
  Verbatim = 0x3d, // =
  Map = 0x25, // %
  Set = 0x7e, // ~
  Attribute = 0x7c, // |
  Push = 0x3e, // >
}

/**
 * An incremental decoder of RESP2 and RESP3: `push` a chunk, then `read` frames until INCOMPLETE.
 *
 * A bulk string is copied at most once, however the stream is cut. Nesting lives on a stack of its own,
 * so a deep reply costs memory, never the call stack. After a ProtocolError the decoder is of no more use.
 *
 * @example
 * decoder.push(chunk);
 * for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) handle(frame);
 */
//           ┌── a line cut at the chunk's end is kept in `cutLine`, joined with the rest of it when that comes
//  chunk ───┼── a bulk cut at the chunk's end is gathered in `bulk`, filled in place by the chunks that follow
//           └── an aggregate whose elements are still coming is `open`, and linked to the one around it
export class Decoder {
  private chunk: Buffer = NO_BYTES;
  private position = 0;
  /** The chunk that waits while `chunk` is a line joined from two chunks. */
  private next: Buffer | undefined;
  private nextPosition = 0;
  private cutLine: Buffer | undefined;

  private bulk: Buffer | undefined;
  private bulkFilled = 0;
  private bulkType: Type = Type.Bulk;

  private open: Aggregate | undefined;
  private depth = 0;
  private asBytes = false;
  private readonly pushKind = new RecurringString();
  private readonly pushChannel = new RecurringString();
  private readonly limits: DecoderLimits;

  constructor(
    limits: Partial<DecoderLimits> = {},
    private readonly bytesWanted: BytesWanted = neverBytes,
  ) {
    this.limits = { ...defaultDecoderLimits, ...limits };
  }

  /** Takes the next bytes of the stream; to be called when `read` has answered INCOMPLETE. The chunk may be reused when `read` has done so again. */
  push(bytes: Uint8Array): void {
    const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.cutLine === undefined) {
      this.chunk = chunk;
      this.position = 0;
      return;
    }
    const lineEnd = chunk.indexOf(LF) + 1;
    const piece = lineEnd === 0 ? chunk : chunk.subarray(0, lineEnd);
    this.refuseLongLine(this.cutLine.length + piece.length);
    const line = Buffer.concat([this.cutLine, piece]);
    if (lineEnd === 0) {
      this.cutLine = line;
      return;
    }
    this.cutLine = undefined;
    this.chunk = line;
    this.position = 0;
    this.next = chunk;
    this.nextPosition = lineEnd;
  }

  /**
   * The next whole frame, or INCOMPLETE when more bytes are needed.
   * @throws ProtocolError when the bytes are not RESP, use streamed types, or exceed a limit
   */
  read(): Frame | typeof INCOMPLETE {
    for (;;) {
      let value = this.bulk === undefined ? this.readItem() : this.continueBulk(this.bulk);
      if (value === INCOMPLETE) return INCOMPLETE;
      // A finished element may finish the aggregates around it; undefined is none: one was opened, or an attribute dropped.
      while (value !== undefined) {
        const { open } = this;
        if (open === undefined) return value;
        open.items.push(value);
        if (--open.remaining > 0) break;
        this.open = open.parent;
        this.depth--;
        value = this.finish(open);
        if (value instanceof Push && this.open !== undefined && OUT_OF_BAND.has(value.kind)) return value;
      }
    }
  }

  /** Reads a scalar, or opens an aggregate and answers undefined. */
  private readItem(): Frame | undefined | typeof INCOMPLETE {
    if (this.position >= this.chunk.length && !this.advance()) return INCOMPLETE;
    const { chunk, position } = this;
    const type: Type = chunk[position]!;
    if (this.open === undefined) this.asBytes = type === Type.Push ? this.bytesWanted.push() : this.bytesWanted.reply();

    if (type === Type.Bulk) return this.readWholeBulk();
    if (type === Type.Integer) return this.readInteger();
    switch (type) {
      case Type.Array:
      case Type.Set:
      case Type.Push:
      case Type.Map:
      case Type.Attribute:
        return this.openAggregate(type);
      case Type.BulkError:
      case Type.Verbatim:
        return this.readBulk(type);
      case Type.Simple:
      case Type.Error:
      case Type.Null:
      case Type.Boolean:
      case Type.Double:
      case Type.BigNumber:
        return this.readLine(type);
    }
    if (STREAMED.has(type)) throw new ProtocolError(`Streamed RESP types are not supported, got ${quote(type)}`);
    throw new ProtocolError(`No RESP type begins with ${quote(type)}`);
  }

  /** Moves on to the chunk that waited behind a joined line. */
  private advance(): boolean {
    if (this.next === undefined) return false;
    this.chunk = this.next;
    this.position = this.nextPosition;
    this.next = undefined;
    return this.position < this.chunk.length;
  }

  // Hot: a line of digits is read in place; `-1` as null is the caller's business.
  /** Reads the number behind the type byte and its CRLF; NaN when the line is cut. */
  private readNumber(): number | bigint {
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
      if (at < chunk.length && chunk[at] !== CR) throw this.badLine();
      return this.cut();
    }
    if (at === first || chunk[at] !== CR || chunk[at + 1] !== LF) throw this.badLine();
    if (at - first > SAFE_DIGITS) {
      const exact = BigInt(chunk.toString('latin1', first, at));
      this.position = at + 2;
      return exactInteger(negative ? -exact : exact);
    }
    this.position = at + 2;
    return negative ? -number : number;
  }

  private readInteger(): Frame | typeof INCOMPLETE {
    // Servers hardly ever write a plus sign, so the digits behind it need not be read in place.
    if (this.chunk[this.position + 1] === PLUS) return this.readLine(Type.Integer);
    const number = this.readNumber();
    return number !== number ? INCOMPLETE : number === 0 ? 0 : number; // no -0
  }

  /** Reads a length or count and its CRLF: -1 stands for null, NaN for a cut line. */
  private readLength(limit: number, what: string): number {
    const type: Type = this.chunk[this.position]!;
    if (this.chunk[this.position + 1] === 0x3f) {
      throw new ProtocolError(`Streamed RESP types are not supported, got ${quote(type)}?`);
    }
    const length = this.readNumber();
    if (length !== length) return NaN;
    if (length < -1 || (length === -1 && type !== Type.Bulk && type !== Type.Array)) {
      throw new ProtocolError(`A ${what} of ${quote(type)} cannot be ${length}`);
    }
    if (length > limit) throw new ProtocolError(`A ${what} of ${length} exceeds the limit of ${limit}`);
    return Number(length);
  }

  // Hot: a bulk string that lies whole in the chunk; anything else is left to `readBulk`.
  private readWholeBulk(): Frame | typeof INCOMPLETE {
    const { chunk } = this;
    let at = this.position + 1;
    let length = 0;
    let digit = chunk[at]! - ZERO;
    while (digit >= 0 && digit <= 9) {
      length = length * 10 + digit;
      digit = chunk[++at]! - ZERO;
    }
    const start = at + 2;
    const end = start + length;
    const whole =
      end + 2 <= chunk.length &&
      at > this.position + 1 &&
      chunk[at] === CR &&
      chunk[at + 1] === LF &&
      chunk[end] === CR &&
      chunk[end + 1] === LF;
    if (!whole || this.asBytes || length > this.limits.maxBulkLength) return this.readBulk(Type.Bulk);
    this.position = end + 2;
    const { open } = this;
    if (open === undefined || open.type !== Type.Push || open.items.length > 1) return utf8(chunk, start, end);
    return (open.items.length === 0 ? this.pushKind : this.pushChannel).read(chunk, start, end);
  }

  private readBulk(type: Type): Frame | typeof INCOMPLETE {
    const { maxBulkLength } = this.limits;
    const longest = this.asBytes ? maxBulkLength : Math.min(maxBulkLength, constants.MAX_STRING_LENGTH);
    const length = this.readLength(longest, 'length');
    if (length !== length) return INCOMPLETE;
    if (length === -1) return null;
    const { chunk, position } = this;
    const end = position + length;
    if (end + 2 > chunk.length) {
      // The bulk and its CRLF are gathered together; the memory is touched only as bytes come.
      this.bulk = Buffer.allocUnsafe(length + 2);
      this.bulkFilled = 0;
      this.bulkType = type;
      return this.continueBulk(this.bulk);
    }
    if (chunk[end] !== CR || chunk[end + 1] !== LF) throw new ProtocolError('A bulk string does not end in CRLF');
    this.position = end + 2;
    return this.bulkValue(type, chunk, position, end, true);
  }

  private continueBulk(bulk: Buffer): Frame | typeof INCOMPLETE {
    for (;;) {
      const copied = this.chunk.copy(bulk, this.bulkFilled, this.position);
      this.bulkFilled += copied;
      this.position += copied;
      if (this.bulkFilled === bulk.length) break;
      if (!this.advance()) return INCOMPLETE;
    }
    const end = bulk.length - 2;
    if (bulk[end] !== CR || bulk[end + 1] !== LF) throw new ProtocolError('A bulk string does not end in CRLF');
    this.bulk = undefined;
    return this.bulkValue(this.bulkType, bulk, 0, end, false);
  }

  /** @param shared the bytes lie in a chunk that will be reused, and have to be copied when they are kept */
  private bulkValue(type: Type, from: Buffer, start: number, end: number, shared: boolean): Frame {
    if (type === Type.BulkError) return new ErrorFrame(utf8(from, start, end));
    if (type === Type.Verbatim) {
      if (end - start < 4 || from[start + 3] !== 0x3a) throw new ProtocolError('A verbatim string has no format');
      start += 4;
    }
    if (!this.asBytes) return utf8(from, start, end);
    const bytes = from.subarray(start, end);
    return shared ? Buffer.from(bytes) : bytes;
  }

  private readLine(type: Type): Frame | typeof INCOMPLETE {
    const { chunk } = this;
    const start = this.position + 1;
    const end = lineEnd(chunk, start) - 1;
    if (end < start - 1) {
      this.cut();
      return INCOMPLETE;
    }
    this.refuseLongLine(end - start);
    if (end < start || chunk[end] !== CR) {
      if (end < start) throw this.badLine();
      throw new ProtocolError('A line does not end in CRLF');
    }
    this.position = end + 2;
    const text = utf8(chunk, start, end);
    switch (type) {
      case Type.Simple:
        return text;
      case Type.Error:
        return new ErrorFrame(text);
      case Type.Null:
        if (text === '') return null;
        break;
      case Type.Boolean:
        if (text === 't' || text === 'f') return text === 't';
        break;
      case Type.Integer:
        if (/^\+\d+$/.test(text)) return exactInteger(BigInt(text.slice(1)));
        break;
      case Type.Double:
        return parseDouble(text);
      case Type.BigNumber:
        if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace('+', ''));
        break;
      default:
    }
    throw new ProtocolError(`${quote(type)} cannot be followed by ${JSON.stringify(text.slice(0, 32))}`);
  }

  private openAggregate(type: Type): Frame | undefined | typeof INCOMPLETE {
    const count = this.readLength(this.limits.maxElements, 'count');
    if (count !== count) return INCOMPLETE;
    if (count === -1) return null;
    const remaining = type === Type.Map || type === Type.Attribute ? count * 2 : count;
    const aggregate: Aggregate = { type, items: [], remaining, parent: this.open };
    if (count === 0) return this.finish(aggregate);
    if (++this.depth > this.limits.maxDepth) {
      throw new ProtocolError(`A reply nests deeper than the limit of ${this.limits.maxDepth}`);
    }
    this.open = aggregate;
    return undefined;
  }

  /** The value of a whole aggregate; undefined for an attribute inside a reply, which is not an element of it. */
  private finish({ type, items }: Aggregate): Frame | undefined {
    switch (type) {
      case Type.Map:
        return toMap(items);
      case Type.Push:
        refuseOddPush(items);
        return new Push(items);
      case Type.Attribute:
        return this.open === undefined ? new Attribute(toMap(items)) : undefined;
      default:
        return items;
    }
  }

  /** Keeps the bytes of a cut line until the next chunk brings its end. */
  private cut(): typeof NaN {
    const rest = this.chunk.subarray(this.position);
    this.refuseLongLine(rest.length);
    this.cutLine = Buffer.from(rest);
    this.chunk = NO_BYTES;
    this.position = 0;
    if (this.next !== undefined) throw new ProtocolError('A line does not end in CRLF');
    return NaN;
  }

  private refuseLongLine(length: number): void {
    if (length > this.limits.maxLineLength) {
      throw new ProtocolError(`A line is longer than the limit of ${this.limits.maxLineLength} bytes`);
    }
  }

  private badLine(): ProtocolError {
    const line = this.chunk.toString('latin1', this.position, this.position + 32);
    return new ProtocolError(`Not a number between type and CRLF: ${JSON.stringify(line)}`);
  }
}

// Hot: most lines are `+OK`, which a loop finds sooner than a call into C++ does.
/** Where the line feed stands; -1 when the line is cut. */
function lineEnd(chunk: Buffer, start: number): number {
  const near = Math.min(start + 32, chunk.length);
  for (let at = start; at < near; at++) if (chunk[at] === LF) return at;
  return near === chunk.length ? -1 : chunk.indexOf(LF, near);
}

/** A number where that holds it exactly. */
function exactInteger(exact: bigint): number | bigint {
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

/** How many parts the messages have that are handed on by their parts. */
const messageParts = new Map<Frame | undefined, number>([
  ['message', 3],
  ['smessage', 3],
  ['pmessage', 4],
]);

/** @throws ProtocolError when nobody can tell what a push is, or it lacks what it has to hold */
function refuseOddPush(items: readonly Frame[]): void {
  const [kind] = items;
  if (typeof kind !== 'string' && !(kind instanceof Uint8Array)) throw new ProtocolError('A push has no kind');
  const parts = messageParts.get(kind);
  if (parts === undefined) return;
  const isWhole =
    items.length === parts && items.every((item) => typeof item === 'string' || item instanceof Uint8Array);
  if (!isWhole) throw new ProtocolError(`A push of the kind ${String(kind)} is not what such a push is`);
}

function toMap(items: readonly Frame[]): Map<Frame, Frame> {
  const map = new Map<Frame, Frame>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  return map;
}

function parseDouble(text: string): number {
  switch (text) {
    case 'inf':
    case '+inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    case 'nan':
    case '-nan':
      return NaN;
    default:
      if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
      throw new ProtocolError(`Not a double: ${JSON.stringify(text.slice(0, 32))}`);
  }
}

function quote(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}

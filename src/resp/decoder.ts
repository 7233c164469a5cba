import { constants } from 'node:buffer';
import { ProtocolError, shortened } from '../errors';
import { Attribute, ErrorFrame, Push, Unreadable, type Frame } from './frames';
import { keepMemory, takeMemory } from './kept-memory';
import { LONGEST_NUMBER, MOST_PAIRS, type DecoderLimits } from './limits';
import { CR, LF, ZERO } from './line-reader';
import { MessageReader } from './message-reader';
import { exactInteger, parseDouble, parseInteger } from './numbers';
import { isElement, toPush } from './pushes';
import { utf8 } from './strings';

export type { DecoderLimits } from './limits';

/** What frames are decoded for. */
export interface DecodedFor {
  /** whether the strings of a reply stay bytes; asked once per top-level frame, before its first string */
  reply(): boolean;
  /** the same of a push */
  push(): boolean;
  /** told at the end of a chunk of the elements so far of a top-level array that goes on in the next one; it must not change them */
  part?(elements: readonly Frame[]): void;
}

const neverBytes: DecodedFor = { reply: () => false, push: () => false };

/** What `read()` returns when the bytes so far end inside a frame. */
export const INCOMPLETE: unique symbol = Symbol('incomplete');

/** An array, set, map, push or attribute whose elements are still coming. */
interface Aggregate {
  type: Type | typeof UNREADABLE;
  /** room for all of them where they are few */
  readonly items: Frame[];
  /** how many elements there are */
  filled: number;
  readonly count: number;
  /** the one around it */
  readonly parent: Aggregate | undefined;
}

/** An array of so many elements is made with room for all of them: one that grows takes more. */
const FEW_ELEMENTS = 64;

/** The type of an array, set or map with an element that cannot be read. */
const UNREADABLE = -1;

const PLUS = 0x2b;
const DOT = 0x2e;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const QUESTION_MARK = 0x3f;

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
 * A bulk string is copied at most once, however the stream is cut. Deep replies use memory and never the call stack. All work is in
 * proportion to the bytes. After a ProtocolError the decoder cannot be used any more.
 *
 * @example
 * decoder.push(chunk);
 * for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) handle(frame);
 */
//           ┌── a line that the chunk's end cuts is gathered by the LineReader
//  chunk ───┼── a bulk string that it cuts is gathered in `bulk`, which the following chunks fill in place
//           └── an aggregate whose elements are still coming is `open`, and refers to the one around it
export class Decoder extends MessageReader {
  private bulk: Buffer | undefined;
  private bulkFilled = 0;
  private bulkType: Type = Type.Bulk;

  private open: Aggregate | undefined;
  private depth = 0;
  /** Elements that the frame being read has announced so far. */
  private announced = 0;
  private asBytes = false;
  private readonly longestText: number;
  private readonly longestNumber: number;

  constructor(
    limits: Partial<DecoderLimits> = {},
    private readonly decodedFor: DecodedFor = neverBytes,
  ) {
    super(limits);
    this.longestText = Math.min(this.limits.line, constants.MAX_STRING_LENGTH);
    this.longestNumber = Math.min(this.limits.line, LONGEST_NUMBER);
  }

  /**
   * The next whole frame, or INCOMPLETE when more bytes are needed.
   * @returns Unreadable for a reply with a number that cannot be read; the frames that follow are not affected
   * @throws ProtocolError when the bytes are not RESP, use streamed types, or exceed a limit
   */
  read(): Frame | typeof INCOMPLETE {
    for (;;) {
      let value = this.bulk === undefined ? this.readItem() : this.continueBulk(this.bulk);
      if (value === INCOMPLETE) return INCOMPLETE;
      // A finished element may finish the aggregates around it. Undefined is no element: an aggregate was opened, or an attribute dropped.
      while (value !== undefined) {
        const { open } = this;
        if (open === undefined) return value;
        open.items[open.filled++] = value;
        if (open.filled < open.count) break;
        this.open = open.parent;
        this.depth--;
        value = this.finish(open.type, open.items);
        if (value instanceof Push && this.open !== undefined && !isElement(value)) return value;
      }
    }
  }

  /** The chunk is read to its end. */
  tellPart(): void {
    let { open } = this;
    if (open === undefined || this.decodedFor.part === undefined) return;
    while (open.parent !== undefined) open = open.parent;
    const isArray = open.type === Type.Array || open.type === UNREADABLE;
    if (isArray && open.count > FEW_ELEMENTS) this.decodedFor.part(open.items);
  }

  /** Reads a scalar, or opens an aggregate and returns undefined. */
  private readItem(): Frame | undefined | typeof INCOMPLETE {
    if (this.position >= this.chunk.length && !this.advance()) return INCOMPLETE;
    const type: Type = this.chunk[this.position]!;
    if (this.open === undefined) this.asBytes = type === Type.Push ? this.decodedFor.push() : this.decodedFor.reply();

    if (type === Type.Bulk) return this.readWholeBulk();
    if (type === Type.Integer) return this.readInteger();
    switch (type) {
      case Type.Array:
      case Type.Set:
      case Type.Map:
      case Type.Attribute:
        return this.openAggregate(type);
      case Type.Push:
        return (this.isTextBetweenReplies ? this.readWholeMessage() : undefined) ?? this.openAggregate(type);
      case Type.BulkError:
      case Type.Verbatim:
        return this.readBulk(type);
      case Type.Simple:
        return this.readOk() ? 'OK' : this.readText(type);
      case Type.Error:
        return this.readText(type);
      case Type.Null:
      case Type.Boolean:
        return this.readWord(type);
      case Type.Double:
      case Type.BigNumber:
        return this.readSpelt(type);
    }
    if (type === QUESTION_MARK || type === SEMICOLON || type === DOT) throw streamed(quote(type));
    throw new ProtocolError(`No RESP type begins with ${quote(type)}`);
  }

  private get isTextBetweenReplies(): boolean {
    return this.open === undefined && !this.asBytes;
  }

  private readText(type: Type): Frame | typeof INCOMPLETE {
    const text = this.readLine(this.longestText);
    if (text === undefined) return INCOMPLETE;
    return type === Type.Error ? new ErrorFrame(text) : text;
  }

  /** Reads a line that holds a single value. */
  private readWord(type: Type): Frame | typeof INCOMPLETE {
    const text = this.readLine(this.longestNumber);
    if (text === undefined) return INCOMPLETE;
    const value = valueOf(type, text);
    if (value !== undefined) return value;
    throw new ProtocolError(`${quote(type)} cannot be followed by ${JSON.stringify(text.slice(0, 32))}`);
  }

  /**
   * Reads a number that a script or a module may have written. Where it cannot be read its line is whole all the same, and only the
   * reply that it belongs to is unreadable.
   */
  private readSpelt(type: Type): Frame | typeof INCOMPLETE {
    const text = this.readLine(this.longestText);
    if (text === undefined) return INCOMPLETE;
    const isLong = text.length > this.longestNumber;
    const value = isLong ? undefined : valueOf(type, text);
    if (value !== undefined) return value;
    const what = isLong
      ? `${text.length} characters, a number has at most ${this.longestNumber}`
      : JSON.stringify(text.slice(0, 32));
    return this.unreadable(`${quote(type)} cannot be followed by ${what}`);
  }

  /** Takes the place of the reply. A push or an attribute around the number stays what it is: no request waits for it. */
  private unreadable(why: string): Unreadable {
    for (let around = this.open; around !== undefined && isPartOfReply(around); around = around.parent)
      around.type = UNREADABLE;
    return new Unreadable(why);
  }

  private readInteger(): Frame | typeof INCOMPLETE {
    // Servers hardly ever write a plus sign.
    if (this.chunk[this.position + 1] === PLUS) return this.readWord(Type.Integer);
    const number = this.readNumber(this.longestNumber);
    return number !== number ? INCOMPLETE : number === 0 ? 0 : number; // no -0
  }

  /** Reads a length or count: -1 stands for null, NaN for a cut line. */
  private readLength(limit: number, what: string): number {
    const type: Type = this.chunk[this.position]!;
    if (this.chunk[this.position + 1] === QUESTION_MARK) throw streamed(`${quote(type)}?`);
    const length = this.readNumber(this.longestNumber);
    if (length !== length) return NaN;
    if (length < -1 || (length === -1 && type !== Type.Bulk && type !== Type.Array)) {
      throw new ProtocolError(`A ${what} of ${quote(type)} cannot be ${shown(length)}`);
    }
    if (length > limit) {
      const mend = limit === constants.MAX_STRING_LENGTH ? ' of a text: read it as bytes' : ' (limits.bulk)';
      throw new ProtocolError(
        `A ${what} of ${shown(length)} exceeds the limit of ${limit}${what === 'length' ? mend : ''}`,
      );
    }
    return Number(length);
  }

  // Hot: a bulk string that lies whole in the chunk. `readBulk` reads all others. To share `contentEnd` would cost 5 % of a GET.
  private readWholeBulk(): Frame | typeof INCOMPLETE {
    const { chunk, position } = this;
    let at = position + 1;
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
      at > position + 1 &&
      chunk[at] === CR &&
      chunk[at + 1] === LF &&
      chunk[end] === CR &&
      chunk[end + 1] === LF;
    if (!whole || this.asBytes || length > this.limits.bulk) return this.readBulk(Type.Bulk);
    this.position = end + 2;
    const { open } = this;
    if (open === undefined || open.type !== Type.Push || open.filled > 1) return utf8(chunk, start, end);
    return (open.filled === 0 ? this.pushKind : this.pushChannel).read(chunk, start, end);
  }

  private readBulk(type: Type): Frame | typeof INCOMPLETE {
    const { bulk } = this.limits;
    const length = this.readLength(this.asBytes ? bulk : Math.min(bulk, constants.MAX_STRING_LENGTH), 'length');
    if (length !== length) return INCOMPLETE;
    if (length === -1) return null;
    const { chunk, position } = this;
    const end = position + length;
    if (end + 2 > chunk.length) {
      // Gathered with its CRLF. The system gives the memory page by page, as bytes come.
      this.bulk = this.asBytes ? Buffer.allocUnsafe(length + 2) : takeMemory(length + 2);
      this.bulkFilled = 0;
      this.bulkType = type;
      return this.continueBulk(this.bulk);
    }
    refuseOddEnd(chunk, end);
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
    refuseOddEnd(bulk, end);
    this.bulk = undefined;
    const value = this.bulkValue(this.bulkType, bulk, 0, end, false);
    if (!this.asBytes) keepMemory(bulk);
    return value;
  }

  /** @param shared the bytes lie in a chunk whose memory will be reused */
  private bulkValue(type: Type, from: Buffer, start: number, end: number, shared: boolean): Frame {
    if (type === Type.BulkError) return new ErrorFrame(utf8(from, start, end));
    if (type === Type.Verbatim) {
      if (end - start < 4 || from[start + 3] !== COLON) throw new ProtocolError('A verbatim string has no format');
      start += 4;
    }
    if (!this.asBytes) return utf8(from, start, end);
    const bytes = from.subarray(start, end);
    return shared ? Buffer.from(bytes) : bytes;
  }

  private openAggregate(type: Type): Frame | undefined | typeof INCOMPLETE {
    const { depth, elements } = this.limits;
    const inPairs = type === Type.Map || type === Type.Attribute;
    const count = this.readLength(inPairs ? Math.min(elements, MOST_PAIRS) : elements, 'count');
    if (count !== count) return INCOMPLETE;
    if (count === -1) return null;
    const size = inPairs ? count * 2 : count;
    this.announced = this.open === undefined ? size : this.announced + size;
    if (this.announced > elements) throw new ProtocolError(`A reply has more elements than the limit of ${elements}`);
    const items = size > FEW_ELEMENTS ? [] : new Array<Frame>(size);
    if (count === 0) return this.finish(type, items);
    if (this.depth + 1 > depth) throw new ProtocolError(`A reply nests deeper than the limit of ${depth}`);
    const filled = type === Type.Push || this.asBytes ? 0 : this.readScalars(items, size);
    if (filled === size) return this.finish(type, items);
    this.depth++;
    this.open = { type, items, filled, count: size, parent: this.open };
    return undefined;
  }

  /** The value of a whole aggregate; undefined for an attribute inside a reply, which is no element of it. */
  private finish(type: Aggregate['type'], items: Frame[]): Frame | undefined {
    switch (type) {
      case Type.Map:
        return toMap(items);
      case Type.Push:
        return toPush(items);
      case Type.Attribute:
        return this.open === undefined ? new Attribute(toMap(items)) : undefined;
      case UNREADABLE:
        return new Unreadable(items.find((item) => item instanceof Unreadable)!.text, items);
      default:
        return items;
    }
  }
}

/** Whether an aggregate is still to be marked as unreadable. Where one is marked already, those around it are as well. */
function isPartOfReply({ type }: Aggregate): boolean {
  return type === Type.Array || type === Type.Set || type === Type.Map;
}

/** The value that a line of this type spells; undefined where it spells none. */
function valueOf(type: Type, text: string): Frame | undefined {
  if (type === Type.Null) return text === '' ? null : undefined;
  if (type === Type.Boolean) return text === 't' || (text === 'f' ? false : undefined);
  if (type === Type.Double) return parseDouble(text);
  const integer = parseInteger(text);
  return integer === undefined || type === Type.BigNumber ? integer : exactInteger(integer);
}

function toMap(items: readonly Frame[]): Map<Frame, Frame> {
  const map = new Map<Frame, Frame>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  return map;
}

/** @throws ProtocolError unless CRLF follows the bytes before `end` */
function refuseOddEnd(bytes: Buffer, end: number): void {
  if (bytes[end] !== CR || bytes[end + 1] !== LF) throw new ProtocolError('A bulk string does not end in CRLF');
}

function streamed(type: string): ProtocolError {
  return new ProtocolError(`Streamed RESP types are not supported, got ${type}`);
}

function quote(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}

/** A count for messages: a peer may send one of thousands of digits. */
function shown(count: number | bigint): string {
  return shortened(String(count), 32);
}

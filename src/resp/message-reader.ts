import { Push, type Frame } from './frames';
import { defaultLimits, type DecoderLimits } from './limits';
import { CR, LF, LineReader, MINUS, SAFE_DIGITS, ZERO } from './line-reader';
import { RecurringString, utf8 } from './strings';

const DOLLAR = 0x24;
const COMMA = 0x2c;
const POINT = 0x2e;
const POWERS = Array.from({ length: SAFE_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
/** `>3` and CRLF. */
const MESSAGE_HEAD = 4;

/** Reads a message that lies whole in the chunk in one step. The decoder reads all else piece by piece. */
export abstract class MessageReader extends LineReader {
  protected readonly limits: DecoderLimits;
  protected readonly pushKind = new RecurringString();
  protected readonly pushChannel = new RecurringString();
  /** Where the content of the bulk string begins that was found last. */
  private contentStart = 0;

  constructor(limits: Partial<DecoderLimits>) {
    super();
    this.limits = { ...defaultLimits, ...limits };
  }

  /** Where the content ends of a bulk string that begins there and lies whole in the chunk; -1 where none does. */
  private contentEnd(position: number): number {
    const { chunk } = this;
    if (chunk[position] !== DOLLAR) return -1;
    let at = position + 1;
    let length = 0;
    let digit = chunk[at]! - ZERO;
    while (digit >= 0 && digit <= 9) {
      length = length * 10 + digit;
      digit = chunk[++at]! - ZERO;
    }
    const start = at + 2;
    const end = start + length;
    const isWhole =
      end + 2 <= chunk.length &&
      at > position + 1 &&
      chunk[at] === CR &&
      chunk[at + 1] === LF &&
      chunk[end] === CR &&
      chunk[end + 1] === LF;
    if (!isWhole || length > this.limits.bulk) return -1;
    this.contentStart = start;
    return end;
  }

  // Hot: once per array, set and map.
  /**
   * Reads elements as long as they are bulk strings, as text, or short doubles, and lie whole in the chunk.
   * @returns how many they are
   */
  protected readScalars(items: Frame[], count: number): number {
    const { chunk } = this;
    let filled = 0;
    while (filled < count) {
      const end = this.contentEnd(this.position);
      if (end < 0) {
        const double = this.readShortDouble();
        if (double !== double) break;
        items[filled++] = double;
        continue;
      }
      this.position = end + 2;
      items[filled++] = utf8(chunk, this.contentStart, end);
    }
    return filled;
  }

  /** Reads a double of few digits and no exponent; NaN where none lies whole in the chunk. */
  private readShortDouble(): number {
    const { chunk } = this;
    if (chunk[this.position] !== COMMA) return NaN;
    let at = this.position + 1;
    const isNegative = chunk[at] === MINUS;
    if (isNegative) at++;
    const first = at;
    let number = 0;
    let digit = chunk[at]! - ZERO;
    while (digit >= 0 && digit <= 9) {
      number = number * 10 + digit;
      digit = chunk[++at]! - ZERO;
    }
    let digits = at - first;
    if (chunk[at] === POINT && digits > 0) {
      const point = ++at;
      digit = chunk[at]! - ZERO;
      while (digit >= 0 && digit <= 9) {
        number = number * 10 + digit;
        digit = chunk[++at]! - ZERO;
      }
      digits += at - point;
      // Both are exact, so their quotient is the double that is nearest to what is written.
      number /= POWERS[Math.min(at - point, SAFE_DIGITS)]!;
    }
    if (digits === 0 || digits > SAFE_DIGITS || chunk[at] !== CR || chunk[at + 1] !== LF) return NaN;
    this.position = at + 2;
    return isNegative ? -number : number;
  }

  // Hot: once per message. All other pushes are aggregates.
  /** The message of a channel that begins here as text; undefined where it is another push, or does not lie whole in the chunk. */
  protected readWholeMessage(): Frame | undefined {
    const { chunk, position } = this;
    if (chunk[position + 1] !== ZERO + 3 || chunk[position + 2] !== CR || chunk[position + 3] !== LF) return undefined;
    const kindEnd = this.contentEnd(position + MESSAGE_HEAD);
    if (kindEnd < 0) return undefined;
    const kind = this.pushKind.read(chunk, this.contentStart, kindEnd);
    if (kind !== 'message' && kind !== 'smessage') return undefined;
    const channelEnd = this.contentEnd(kindEnd + 2);
    if (channelEnd < 0) return undefined;
    const channel = this.pushChannel.read(chunk, this.contentStart, channelEnd);
    const dataEnd = this.contentEnd(channelEnd + 2);
    if (dataEnd < 0) return undefined;
    this.position = dataEnd + 2;
    return new Push([kind, channel, utf8(chunk, this.contentStart, dataEnd)]);
  }
}

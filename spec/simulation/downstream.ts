import type { Sending } from './link';
import type { Pipe } from './pipe';

/** Replies that begin with a line of digits: bytes between these are no RESP, whatever they are. */
const COUNTED = new Set([...'$:*%>'].map((type) => type.charCodeAt(0)));

/** A line of MONITOR, a farewell or an attribute may be a part of a reply for all that a client knows, until it is whole. */
export function noiseOf(text: string): 'noise' | 'stray' {
  return /^[-+|]/.test(text) ? 'stray' : 'noise';
}

/** What a server sends, and what somebody puts in between; bytes go through the pipe as all others do, in pieces if it likes. */
export class Downstream {
  /** the frames of the pipe, in their order */
  readonly sendings: Sending[] = [];
  /** How many of them have arrived whole. */
  completed = 0;
  private sent = 0;

  constructor(private readonly pipe: Pipe) {}

  send(text: string, sending: Sending): void {
    const bytes = Buffer.from(text, 'latin1');
    this.sent += bytes.length;
    this.pipe.ends.push(this.sent);
    this.sendings.push(sending);
    this.pipe.send(bytes);
  }

  /** What has arrived whole by now, and had not before. */
  complete(): readonly Sending[] {
    const { ends, delivered } = this.pipe;
    const from = this.completed;
    while (this.completed < ends.length && ends[this.completed]! <= delivered) this.completed++;
    return this.sendings.slice(from, this.completed);
  }

  /** What has begun to arrive, and not ended. */
  get begun(): Sending | undefined {
    const { ends, delivered } = this.pipe;
    return delivered > (ends[this.completed - 1] ?? 0) ? this.sendings[this.completed] : undefined;
  }

  /** A part of a reply has come, and the rest of it is still to come; or a part of what may as well be one. */
  get isInsideReply(): boolean {
    const { begun } = this;
    return begun?.kind === 'reply' || begun?.kind === 'stray';
  }

  /** Whether all of it has come to the machine of the client. */
  hasCome(sending: Sending): boolean {
    return this.pipe.hasCome(this.pipe.ends[this.sendings.indexOf(sending)]!);
  }

  /** A frame that means nothing to anybody. */
  insertNoise(text: string): void {
    const { ends, delivered } = this.pipe;
    this.insert(text);
    ends.splice(this.completed, 0, delivered + text.length);
    this.sendings.splice(this.completed, 0, { kind: noiseOf(text) });
  }

  /**
   * What is no RESP.
   * @param broken done by when a client must have seen that, unless the connection is gone
   * @returns whether it is none in this place: within a string it would be a part of that
   */
  insertGarbage(text: string, broken: () => void): boolean {
    const { ends, spot, lastByte, delivered } = this.pipe;
    const inside = spot === 'inside';
    if (inside && !COUNTED.has(lastByte)) return false;
    this.insert(text);
    // Of a reply it looks like a part until the line ends.
    if (inside) this.sendings[this.completed] = { kind: this.isInsideReply ? 'stray' : 'garbage' };
    this.pipe.atByte(inside ? ends[this.completed]! : delivered + text.length, broken);
    return true;
  }

  private insert(text: string): void {
    this.sent += text.length;
    this.pipe.insert(Buffer.from(text, 'latin1'));
  }
}

/** A request as it was written: its words, one character per byte, and where it ends in the stream. */
export interface ParsedRequest {
  readonly words: readonly string[];
  readonly end: number;
}

/** Reads requests out of what a client writes; knows nothing of the client's own decoder. */
export class RequestParser {
  private rest = '';
  private position = 0;

  /** @throws Error when the bytes are not a request */
  push(bytes: Buffer): ParsedRequest[] {
    const text = this.rest + bytes.toString('latin1');
    const requests: ParsedRequest[] = [];
    let at = 0;
    for (;;) {
      const next = parse(text, at);
      if (next === undefined) break;
      at = next.end;
      requests.push({ words: next.words, end: this.position + at });
    }
    this.rest = text.slice(at);
    this.position += at;
    return requests;
  }
}

/** The request that begins at `start`; undefined when the text ends within it. */
function parse(text: string, start: number): ParsedRequest | undefined {
  if (start >= text.length) return undefined;
  let at = start;
  const count = header('*');
  if (count === undefined) return undefined;
  const words: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = header('$');
    if (length === undefined || at + length + 2 > text.length) return undefined;
    if (text.slice(at + length, at + length + 2) !== '\r\n') throw broken(text, start);
    words.push(text.slice(at, at + length));
    at += length + 2;
  }
  return { words, end: at };

  function header(type: string): number | undefined {
    if (at >= text.length) return undefined;
    const end = text.indexOf('\r\n', at);
    if (text[at] !== type) throw broken(text, start);
    if (end === -1) return undefined;
    const digits = text.slice(at + 1, end);
    if (!/^\d+$/.test(digits)) throw broken(text, start);
    at = end + 2;
    return Number(digits);
  }
}

function broken(text: string, start: number): Error {
  return new Error(`the client wrote what is no request: ${JSON.stringify(text.slice(start, start + 60))}`);
}

const FIRST_SIZE = 64;

/** The bytes of a line that the chunks have cut, gathered until its end has come. However many pieces it comes in, it is copied about twice. */
export class GatheredLine {
  private bytes: Buffer = Buffer.alloc(0);
  /** bytes gathered so far; 0 when no line is cut */
  length = 0;

  /** Copies a piece, whose memory may be reused. */
  append(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_SIZE, length, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    this.bytes.set(piece, this.length);
    this.length = length;
  }

  /** The whole line; the next one begins anew. */
  take(): Buffer {
    const line = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.alloc(0);
    this.length = 0;
    return line;
  }
}

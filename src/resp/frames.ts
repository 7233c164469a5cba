import { textOfBytes } from './strings';

/** One decoded RESP value. Simple and bulk strings, verbatim strings: `string`, or `Buffer` where the request asked for bytes. */
export type Frame =
  string | Uint8Array | number | bigint | boolean | null | Frame[] | Map<Frame, Frame> | ErrorFrame | Push | Attribute;

/** A word of more than 64 letters is none that a server means. */
const KIND = /^[A-Z][A-Z0-9_-]{0,63}(?= |$)/;

/** An error reply: `-WRONGTYPE Operation against…` or its bulk form. A value like any other until a request meets it. */
export class ErrorFrame {
  constructor(readonly text: string) {}

  /** The first word when it is written in capitals: `WRONGTYPE`, `MOVED`, `ERR`. */
  get kind(): string {
    return KIND.exec(this.text)?.[0] ?? 'ERR';
  }
}

/**
 * A reply that came whole and cannot be read, because a number in it is none: a script can make a server send `(abc`. It is no error of
 * the server, and extends ErrorFrame because it goes the same way, past the readers of replies.
 */
export class Unreadable extends ErrorFrame {
  /** @param items where it is an array, set or map: what stands in it, some of which cannot be read */
  constructor(
    text: string,
    readonly items: readonly Frame[] = [],
  ) {
    super(text);
  }
}

/** An out-of-band message of RESP3: `['message', channel, data]`, `['invalidate', keys]`. */
export class Push {
  readonly kind: string;

  /** @param items the first is the kind, as text or bytes */
  constructor(readonly items: Frame[]) {
    const [kind] = items;
    this.kind = typeof kind === 'string' ? kind : textOfBytes(kind as Uint8Array);
  }
}

/** Auxiliary data that the server sent before a reply; it belongs to the reply that follows. */
export class Attribute {
  constructor(readonly entries: Map<Frame, Frame>) {}
}

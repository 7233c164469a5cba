/**
 * How much of a reply the client takes. What exceeds a limit ends the connection with a ProtocolError, so that no server can make the
 * client use memory without end.
 */
export interface ReplyLimits {
  /** bytes of one line: a status or error reply, a line of MONITOR; default 536 870 912, the longest that servers send */
  readonly line?: number | undefined;
  /** bytes of one bulk string, bulk error or verbatim string; default 536 870 912 */
  readonly bulk?: number | undefined;
  /** how deep arrays, sets and maps may nest; default 1 024 */
  readonly depth?: number | undefined;
  /**
   * elements of one reply, those of nested arrays, sets and maps included; a field of a map and its value are two. Default
   * 33 554 432, at most 67 108 864
   */
  readonly elements?: number | undefined;
}

/** The limits with every default filled in. */
export type DecoderLimits = { readonly [K in keyof ReplyLimits]-?: number };

export const defaultLimits: DecoderLimits = {
  line: 512 * 1024 * 1024,
  bulk: 512 * 1024 * 1024,
  depth: 1024,
  elements: 2 ** 25,
};

// An array that is full grows by half. V8 ends the process when it would grow beyond 2 ** 27 elements, and no `catch` prevents that.
/** The most elements that the limit may be set to. */
export const MOST_ELEMENTS = 2 ** 26;

/** The most entries that a Map holds; one more is a RangeError. */
export const MOST_PAIRS = 2 ** 24;

/** Bytes of a line that holds a number. The longest integers that are of use, those of RSA, have 5 000 digits; V8 takes time by the square for more. */
export const LONGEST_NUMBER = 16 * 1024;

import type { PieceSizes } from './piece-sizes';

export type Direction = 'toServer' | 'toClient';

/** What is wrong with one direction of the line, now. Shared by all connections of a proxy. */
export interface DirectionFaults {
  /** Bytes are read and kept back. */
  stalled: boolean;
  /** Nothing is read either, and no end of a connection is noticed. */
  blackholed: boolean;
  /** Milliseconds each byte is under way. */
  delay: number;
  /** How the bytes are split into writes; null leaves them as they were read. */
  pieces: PieceSizes | null;
  /** Bytes that may still pass before every connection is cut. */
  allowance: number;
}

export function noFaults(): DirectionFaults {
  return { stalled: false, blackholed: false, delay: 0, pieces: null, allowance: Infinity };
}

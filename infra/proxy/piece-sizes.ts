/** Tells, time after time, how many bytes the next write may carry. */
export type PieceSizes = () => number;

/** The largest random piece is this power of two: what one read of a socket brings. */
const LARGEST_EXPONENT = 16;

export function equalPieces(bytes: number): PieceSizes {
  if (!Number.isInteger(bytes) || bytes < 1) throw new RangeError(`pieces of ${bytes} bytes cannot be cut`);
  return () => bytes;
}

/**
 * Sizes between 1 byte and 64 KiB, as many small as large ones: every power of two is equally likely, so frames are
 * split within their headers and gigabytes still pass. The same seed gives the same sizes.
 */
export function randomPieces(seed: number): PieceSizes {
  const random = mulberry32(seed);
  return () => Math.floor(2 ** (random() * LARGEST_EXPONENT));
}

/** A small generator with a seed, which Math.random lacks. Numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

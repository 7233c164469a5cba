import { Decoder, INCOMPLETE, type DecodedFor, type DecoderLimits } from '../../src/resp/decoder';
import type { Frame } from '../../src/resp/frames';

const LARGEST_CHUNK = 64 * 1024;

/** Decodes chunks as a socket would bring them; each chunk's memory is overwritten once it has been read. */
export function decodeChunks(
  chunks: Iterable<Uint8Array>,
  limits?: Partial<DecoderLimits>,
  decodedFor?: DecodedFor,
): Frame[] {
  const frames: Frame[] = [];
  decodeInto(frames, chunks, limits, decodedFor);
  return frames;
}

/** The same, into a list that keeps what came before an error. */
export function decodeInto(
  frames: Frame[],
  chunks: Iterable<Uint8Array>,
  limits?: Partial<DecoderLimits>,
  decodedFor?: DecodedFor,
): void {
  const decoder = new Decoder(limits, decodedFor);
  // As a socket does: every chunk lies in the same memory, which is overwritten by the next.
  const memory = Buffer.alloc(LARGEST_CHUNK);
  for (const chunk of chunks) {
    const inMemory = chunk.length > LARGEST_CHUNK ? Buffer.from(chunk) : memory.subarray(0, chunk.length);
    inMemory.set(chunk);
    decoder.push(inMemory);
    for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) frames.push(frame);
    inMemory.fill('!');
  }
}

/** Cuts bytes into pieces of the given sizes, which are used again and again until the bytes are used up. */
export function* cut(bytes: Uint8Array, sizes: readonly number[]): Iterable<Uint8Array> {
  for (let start = 0, turn = 0; start < bytes.length; turn++) {
    const end = start + Math.max(1, sizes[turn % sizes.length]!);
    yield bytes.subarray(start, end);
    start = end;
  }
}

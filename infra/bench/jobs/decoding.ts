import { Decoder, INCOMPLETE } from '../../../src/resp/decoder';
import type { Metrics } from './job';

const MEGABYTE = 1024 * 1024;
/** What a socket reads at once by default. */
const CHUNK = 64 * 1024;
/** Small ones are repeated, so that every measurement decodes as much. */
const MEGABYTES_IN_ALL = 100;

/** Takes in a bulk string of that many bytes, which comes in chunks. */
export type TakeIn = (length: number, chunk: Buffer) => void;

/** Time per megabyte has to stay the same, however long the string is. */
export function timeTakingIn(takeIn: TakeIn, megabytes: number): Metrics {
  const chunk = Buffer.alloc(CHUNK, 'x');
  const repetitions = MEGABYTES_IN_ALL / megabytes;
  const start = performance.now();
  for (let i = 0; i < repetitions; i++) takeIn(megabytes * MEGABYTE, chunk);
  return { millisecondsPerMegabyte: (performance.now() - start) / MEGABYTES_IN_ALL };
}

/** The floor: the bytes have to be put somewhere, and fresh memory is dearer the more of it is asked for at once. */
export const copy: TakeIn = (length, chunk) => {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length;) filled += chunk.copy(bytes, filled);
};

/** Our decoder, asked for bytes. */
export const decode: TakeIn = (length, chunk) => {
  const decoder = new Decoder({}, { reply: () => true, push: () => true });
  decoder.push(Buffer.from(`$${length}\r\n`));
  if (decoder.read() !== INCOMPLETE) throw new Error('a length alone was decoded');
  for (let rest = length; rest > 0; rest -= CHUNK) {
    decoder.push(rest >= CHUNK ? chunk : chunk.subarray(0, rest));
    decoder.read();
  }
  decoder.push(Buffer.from('\r\n'));
  const frame = decoder.read();
  if (!(frame instanceof Uint8Array) || frame.length !== length) throw new Error('the decoder lost bytes');
};

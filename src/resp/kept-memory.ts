/** Less is taken from Buffer's own pool, or asked of the system as quickly. */
const LEAST = 1 << 16;
/** More is not kept. */
const MOST = 4 << 20;

/** One piece for all connections, which is not in use. */
let kept: Buffer | undefined;

/** Memory to gather a text in. To ask the system for a megabyte takes longer than to fill it, so one piece is kept for the next text. */
export function takeMemory(length: number): Buffer {
  if (length < LEAST) return Buffer.allocUnsafe(length);
  const memory = kept;
  if (memory === undefined || memory.length < length) return Buffer.allocUnsafeSlow(length);
  kept = undefined;
  return memory.subarray(0, length);
}

/** The text has been made, and nothing refers to its bytes. */
export function keepMemory({ length, buffer }: Buffer): void {
  const { byteLength } = buffer;
  if (length < LEAST || byteLength > MOST || byteLength < (kept?.length ?? 0)) return;
  kept = Buffer.from(buffer);
}

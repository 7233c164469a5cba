/** Slots of a cluster. */
const SLOTS = 16_384;
const OPEN = 0x7b; // {
const CLOSE = 0x7d; // }

/** CRC16 of the XMODEM kind, a byte at a time. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

/**
 * The slot of a key or shard channel in a cluster, 0 to 16 383. What stands between the first `{` and the next `}` decides alone, unless
 * it is empty.
 * @example hashSlot('user:{42}:name') === hashSlot('{42}')
 */
export function hashSlot(name: string | Uint8Array): number {
  const bytes = typeof name === 'string' ? Buffer.from(name) : name;
  let from = 0;
  let to = bytes.length;
  const open = bytes.indexOf(OPEN);
  if (open !== -1) {
    const close = bytes.indexOf(CLOSE, open + 1);
    if (close > open + 1) {
      from = open + 1;
      to = close;
    }
  }
  let crc = 0;
  for (let i = from; i < to; i++) crc = ((crc << 8) & 0xffff) ^ table[(crc >> 8) ^ bytes[i]!]!;
  return crc % SLOTS;
}

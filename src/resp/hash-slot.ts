import { isBytes } from './is-bytes';

/** How many slots a cluster has. */
export const SLOTS = 16_384;
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
  return typeof name === 'string' ? slotOfText(name) : slotOfBytes(name);
}

/** The slot of an argument, as it travels: numbers in decimal. */
export function slotOf(arg: string | number | bigint | Uint8Array): number {
  if (typeof arg === 'string') return slotOfText(arg);
  return isBytes(arg) ? slotOfBytes(arg) : slotOfText(String(arg));
}

// Hot: once per command of a cluster. Text that is ASCII, as nearly all keys are, needs no bytes.
function slotOfText(text: string): number {
  let from = 0;
  let to = text.length;
  const open = text.indexOf('{');
  if (open !== -1) {
    const close = text.indexOf('}', open + 1);
    if (close > open + 1) {
      from = open + 1;
      to = close;
    }
  }
  let crc = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return slotOfBytes(Buffer.from(text));
    crc = ((crc << 8) & 0xffff) ^ table[(crc >> 8) ^ code]!;
  }
  return crc % SLOTS;
}

function slotOfBytes(bytes: Uint8Array): number {
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

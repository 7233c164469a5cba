import type { Frame } from '../resp/frames';
import { isBytes } from '../resp/is-bytes';

/** What a frame takes beside its content, bytes: measured with arrays of short strings. */
const EACH = 16;

// Hot: once per hit. Text, numbers and null are handed out as they are.
/**
 * A copy of a frame: a caller that changes what is made of it changes nothing that is kept, and bytes do not keep alive the chunk that
 * they came in.
 */
export function copied(frame: Frame): Frame {
  if (typeof frame !== 'object' || frame === null) return frame;
  if (Array.isArray(frame)) {
    const copy = new Array<Frame>(frame.length);
    for (let i = 0; i < frame.length; i++) copy[i] = copied(frame[i]!);
    return copy;
  }
  if (frame instanceof Map) {
    const copy = new Map<Frame, Frame>();
    for (const [name, value] of frame) copy.set(copied(name), copied(value));
    return copy;
  }
  if (!isBytes(frame)) return frame;
  const bytes = Buffer.allocUnsafeSlow(frame.length);
  bytes.set(frame);
  return bytes;
}

/** Text up to so many characters counts one byte each: to look whether they are more costs as much as the rest of keeping it. */
const SHORT = 128;

// Hot: once per miss.
/** How many bytes a reply takes, about. */
export function sizeOf(frame: Frame): number {
  return typeof frame === 'string' && frame.length <= SHORT ? EACH + frame.length : sizeOfAny(frame);
}

function sizeOfAny(frame: Frame): number {
  if (typeof frame === 'string') return EACH + Buffer.byteLength(frame);
  if (typeof frame !== 'object' || frame === null) return EACH;
  if (isBytes(frame)) return 4 * EACH + frame.length;
  let size = EACH;
  if (Array.isArray(frame)) for (const item of frame) size += sizeOfAny(item);
  else if (frame instanceof Map) for (const [name, value] of frame) size += EACH + sizeOfAny(name) + sizeOfAny(value);
  return size;
}

/** Whether two frames say the same. Sets and maps count in their order: a server that tells them otherwise has changed them. */
export function sameFrame(one: Frame | undefined, other: Frame | undefined): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (isBytes(one)) return isBytes(other) && Buffer.compare(one, other) === 0;
  if (Array.isArray(one)) return Array.isArray(other) && sameItems(one, other);
  if (one instanceof Map) return other instanceof Map && sameItems([...one].flat(), [...other].flat());
  return false;
}

function sameItems(one: readonly Frame[], other: readonly Frame[]): boolean {
  return one.length === other.length && one.every((item, index) => sameFrame(item, other[index]));
}

import type { Frame } from './frames';
import { isBytes } from './is-bytes';
import { textOfBytes } from './strings';

/** A frame that had to be decoded as bytes, with text in place of the bytes. */
export function asText(frame: Frame): Frame {
  if (isBytes(frame)) return textOfBytes(frame);
  if (Array.isArray(frame)) return frame.map(asText);
  if (frame instanceof Map) return new Map([...frame].map(([name, value]) => [asText(name), asText(value)]));
  return frame;
}

import type { Frame } from '../resp/frames';
import { textOf } from './text-of';

/** Between MULTI and EXEC every command is answered so; in bytes where the command's own reply would be. */
export function isQueued(frame: Frame): boolean {
  return frame === 'QUEUED' || (frame instanceof Uint8Array && frame.length === 6 && textOf(frame) === 'QUEUED');
}

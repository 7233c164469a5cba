import type { Frame } from '../resp/frames';
import { textOf } from './text-of';
import { isBytes } from '../resp/is-bytes';

/** Between MULTI and EXEC every command is answered so; in bytes where the command's own reply would be. */
export function isQueued(frame: Frame): boolean {
  return frame === 'QUEUED' || (isBytes(frame) && frame.length === 6 && textOf(frame) === 'QUEUED');
}

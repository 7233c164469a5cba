import type { Frame } from '../resp/frames';
import { textOf } from './text-of';
import { isBytes } from '../resp/is-bytes';

/** Whether a reply is `QUEUED`, as every one between MULTI and EXEC; it is in bytes where the command's own reply would be. */
export function isQueued(frame: Frame): boolean {
  return frame === 'QUEUED' || (isBytes(frame) && frame.length === 6 && textOf(frame) === 'QUEUED');
}

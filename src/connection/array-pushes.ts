import type { Frame } from '../resp/frames';
import { isBytes } from '../resp/is-bytes';

const messageKinds = new Set<Frame>(
  ['message', 'smessage', 'pmessage'].concat(
    ['', 'p', 's'].flatMap((prefix) => [`${prefix}subscribe`, `${prefix}unsubscribe`]),
  ),
);

/** Whether an array is what RESP3 would push: on a subscribed connection RESP2 has no type of its own for messages. */
export function isMessage(frame: readonly Frame[]): boolean {
  const kind = frame[0]!;
  return frame.length > 2 && messageKinds.has(isBytes(kind) ? String(kind) : kind);
}

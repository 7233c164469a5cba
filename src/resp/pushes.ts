import { ProtocolError } from '../errors';
import { Push, type Frame } from './frames';
import { isBytes } from './is-bytes';

/**
 * The pushes that stand in a reply for one of its elements: inside the array of EXEC they are the replies to SUBSCRIBE and its like.
 *
 * Every other push that comes inside a reply is none of its elements, whatever its kind: Redis 6.0 sends invalidations between the
 * replies of EXEC, and 6.0 and 7.0 send messages there. All servers count the commands of the transaction and not the confirmations:
 * SUBSCRIBE of two channels is one element by the count and arrives as two. So a transaction can be read only where each of its
 * SUBSCRIBE and UNSUBSCRIBE names one channel; the client sends none in a transaction.
 */
const CONFIRMATIONS = new Set(['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe']);

/** How many parts a message has, by its kind; all are text or bytes. */
const messageParts = new Map([
  ['message', 3],
  ['smessage', 3],
  ['pmessage', 4],
]);

/** Whether a push that came inside a reply is an element of it. */
export function isElement(push: Push): boolean {
  return CONFIRMATIONS.has(push.kind);
}

// Hot: once per message.
/** @throws ProtocolError when a push has no kind, or is a message or a confirmation that lacks a part */
export function toPush(items: Frame[]): Push {
  if (!isText(items[0])) throw new ProtocolError('A push has no kind');
  const push = new Push(items);
  const { kind } = push;
  const parts = messageParts.get(kind);
  let isWhole = true;
  if (parts !== undefined) {
    isWhole = items.length === parts;
    for (let i = 1; isWhole && i < parts; i++) isWhole = isText(items[i]);
  } else if (CONFIRMATIONS.has(kind)) isWhole = isConfirmation(items);
  if (!isWhole) throw new ProtocolError(`A push of the kind ${kind} is not what such a push is`);
  return push;
}

/** It names a channel, or none where a client that is subscribed to nothing leaves all, and tells how many are left. */
function isConfirmation(items: Frame[]): boolean {
  const [, name, count] = items;
  return items.length === 3 && (name === null || isText(name)) && typeof count === 'number';
}

function isText(frame: Frame | undefined): frame is string | Uint8Array {
  return typeof frame === 'string' || isBytes(frame);
}

import { ProtocolError } from '../errors';
import type { Command } from './command';

/**
 * A reply has a form that its command never promised, so it is perhaps that of another command: the link is of no more use. What a
 * user's own reader throws is something else, and fails its command alone.
 */
export class UnexpectedReply extends TypeError {}

/** What the command fails with, and the link ends with. It is not known what has become of the command, nor is it asked for again. */
export function unexpected({ message, cause }: UnexpectedReply, { spec: { name } }: Command): ProtocolError {
  const why = `The reply to ${name} cannot be its own: ${message}`;
  return new ProtocolError(why, { delivery: 'unknown', repeatable: false, command: name, cause });
}

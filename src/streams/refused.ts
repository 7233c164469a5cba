import { ReplyError } from '../errors';

export function isKind(error: unknown, kind: string): error is ReplyError {
  return error instanceof ReplyError && error.kind === kind;
}

/** The command is about a key that is not there. */
export function isKeyMissing(error: unknown): boolean {
  return isKind(error, 'ERR') && /no such key/i.test(error.message);
}

/** The server is too old for the command. */
export function isCommandUnknown(error: unknown): boolean {
  return isKind(error, 'ERR') && /unknown command/i.test(error.message);
}

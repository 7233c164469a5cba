import type { ReplyContext, ReplyReader } from '../command';
import { bytesOfPrefix } from '../prefix-bytes';
import { UnexpectedReply } from '../unexpected-reply';
import type { Frame } from '../../resp/frames';
import { kindOf } from '../../resp/kind-of';
import { parseDouble } from '../../resp/numbers';
import { asBuffer, textOfBytes } from '../../resp/strings';
import { isBytes } from '../../resp/is-bytes';

/**
 * The reply has a shape that the command never promised: it is perhaps another's, and the link that brought it is left.
 * @throws UnexpectedReply
 */
export function unreadable(expected: string, frame: Frame | undefined): never {
  throw new UnexpectedReply(`expected ${expected}, got ${kindOf(frame)}`);
}

/** The frame itself. */
export function asItCame(frame: Frame): Frame {
  return frame;
}

// The readers below are typed for strings; on the byte surface the same values are Buffers, and that surface's types say so.

/** The user's own data: a string or, on the byte surface, a Buffer. */
export function readText(frame: Frame): string {
  if (typeof frame === 'string' || isBytes(frame)) return frame as string;
  return unreadable('a string', frame);
}

export function readTextOrNull(frame: Frame): string | null {
  if (typeof frame === 'string' || frame === null || isBytes(frame)) return frame as string | null;
  return unreadable('a string or null', frame);
}

/** Binary data whatever the surface: DUMP. */
export function readBytes(frame: Frame): Buffer {
  if (isBytes(frame)) return asBuffer(frame);
  return typeof frame === 'string' ? Buffer.from(frame) : unreadable('bytes', frame);
}

export function readBytesOrNull(frame: Frame): Buffer | null {
  return frame === null ? null : readBytes(frame);
}

/** What the server itself says, a word or a report: a string on both surfaces. */
export function readName(frame: Frame): string {
  if (typeof frame === 'string') return frame;
  if (isBytes(frame)) return textOfBytes(frame);
  return unreadable('a string', frame);
}

export function readNameOrNull(frame: Frame): string | null {
  return frame === null ? null : readName(frame);
}

/** `OK`; REPLICAOF adds words to it where there is nothing to do. */
export function readOk(frame: Frame): 'OK' {
  if (frame === 'OK') return frame;
  const status = readName(frame);
  return status === 'OK' || status.startsWith('OK ') ? (status as 'OK') : unreadable('OK', frame);
}

export function readOkOrNull(frame: Frame): 'OK' | null {
  return frame === null ? null : readOk(frame);
}

/** An integer; beyond 2^53 it is a bigint. The types leave that out, because hardly any integer is so large. */
export function readInteger(frame: Frame): number {
  if (typeof frame === 'number' || typeof frame === 'bigint') return frame as number;
  return unreadable('an integer', frame);
}

/** How much was stored; Redis 6.0 answers an empty list where the source of GEORADIUS STORE is missing. */
export function readStoredCount(frame: Frame): number {
  return Array.isArray(frame) && frame.length === 0 ? 0 : readInteger(frame);
}

export function readIntegerOrNull(frame: Frame): number | null {
  return frame === null ? null : readInteger(frame);
}

/** An integer that travels as a string: TIME, the pending count of a consumer. */
export function readIntegerText(frame: Frame): number {
  if (typeof frame === 'number' || typeof frame === 'bigint') return frame as number;
  const value = Number(readName(frame));
  return Number.isInteger(value) ? value : unreadable('an integer', frame);
}

/** A double; RESP2 spells it as a string. */
export function readDouble(frame: Frame): number {
  if (typeof frame === 'number') return frame;
  if (typeof frame === 'bigint') return Number(frame);
  return parseDouble(readName(frame)) ?? unreadable('a number', frame);
}

export function readDoubleOrNull(frame: Frame): number | null {
  return frame === null ? null : readDouble(frame);
}

/** A boolean; RESP2 has 1 and 0 for it. */
export function readBoolean(frame: Frame): boolean {
  if (typeof frame === 'boolean') return frame;
  return frame === 1 || (frame !== 0 && unreadable('a boolean', frame));
}

/** A key without the client's prefix, where one with it was asked for. */
export class OthersKey extends TypeError {}

/** Whether a key or channel has the client's prefix, and so may be shown as the client's own. */
export function isOwnKey(frame: Frame, { prefix }: ReplyContext): boolean {
  const key = readText(frame);
  if (prefix === '') return true;
  if (typeof key === 'string') return key.startsWith(prefix);
  const expected = bytesOfPrefix(prefix);
  return readBytes(key).subarray(0, expected.length).equals(expected);
}

/**
 * Takes the client's prefix off a key or channel.
 * @throws OthersKey for one that lacks it: it would be taken for the key of that name under the prefix
 */
export function readKey(frame: Frame, context: ReplyContext): string {
  const key = readText(frame);
  const { prefix } = context;
  if (prefix === '') return key;
  if (!isOwnKey(frame, context)) throw new OthersKey("expected a key with the client's prefix, got another one");
  if (typeof key === 'string') return key.slice(prefix.length);
  return readBytes(key).subarray(bytesOfPrefix(prefix).length) as unknown as string;
}

export function readKeyOrNull(frame: Frame, context: ReplyContext): string | null {
  return frame === null ? null : readKey(frame, context);
}

/** A command that answers nothing of use. */
export function readNothing(): void {
  return undefined;
}

/** A value that may be null. */
export function nullable<T>(read: ReplyReader<T>): ReplyReader<T | null> {
  return (frame, context) => (frame === null ? null : read(frame, context));
}

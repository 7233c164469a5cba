import { hgetall, lrange, smembers, xrange, zrange } from '../commands/generated/builders';
import type { Key } from '../commands/arguments';
import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import type { RequestContext } from '../commands/request-context';
import { ReplyError } from '../errors';
import { ErrorFrame, type Frame } from '../resp/frames';

/** A key, by its place, and the type as which it is read. */
export type Reading = readonly [index: number, type: string];

/** In the place of a value: the key is of another type than it was read as. */
const OTHER_TYPE = Symbol('other type');

/** How a key of a type is read; strings are read by MGET. */
const READERS: Readonly<Record<string, (key: Key) => Command>> = {
  hash: hgetall,
  list: (key) => lrange(key, 0, -1),
  set: smembers,
  zset: (key) => zrange(key, 0, -1, { WITHSCORES: true }),
  stream: (key) => xrange(key, '-', '+'),
};

/** The types that can be read, but for strings. */
export const TYPES: readonly string[] = /* @__PURE__ */ Object.keys(READERS);

/** @throws TypeError where no command is known that reads such a key */
export function readerOf(name: string, type: string): (key: Key) => Command {
  if (Object.hasOwn(READERS, type)) return READERS[type]!;
  throw new TypeError(`watch: '${name}' is of the type ${type}: the option 'read' is needed, to say how it is read`);
}

/** Commands that read keys as types that they may not be. No errors are made of that, which took longer than all the rest. */
export class TypedReads extends Group {
  override readMember(frame: Frame, context: RequestContext, answered: readonly unknown[], read: unknown[]): unknown {
    if (frame instanceof ErrorFrame && frame.text.startsWith('WRONGTYPE ')) return OTHER_TYPE;
    return super.readMember(frame, context, answered, read);
  }
}

export function isOfOtherType(value: unknown): boolean {
  return value === OTHER_TYPE;
}

/** Whether the user may not read so. */
export function isRefused(value: unknown): boolean {
  return value instanceof ReplyError && value.kind === 'NOPERM';
}

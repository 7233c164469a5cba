import type { Arg, Command } from '../commands/command';
import { textOf } from '../commands/text-of';
import { indicesOf } from '../commands/indices-of';
import { latin1Of } from '../resp/bytes-of';
import { isBytes } from '../resp/is-bytes';
import { textOfBytes } from '../resp/strings';

// Hot: once per command that a cache looks at.
/**
 * A key as the text that an invalidation names it by. Keys whose bytes are no UTF-8 share the names of others, so they are invalidated
 * together: that costs a read, and needs no pushes in bytes.
 */
export function nameOf(key: Arg): string {
  // Half of a pair of UTF-16 by itself travels as U+FFFD.
  if (typeof key === 'string') return key.toWellFormed();
  return isBytes(key) ? textOfBytes(key) : String(key);
}

export function readsOneKey({ keys }: Command): boolean {
  return keys.length === 1 && keys[0]!.from === keys[0]!.to;
}

/** The names of all keys of a command, each once. */
export function namesOf(command: Command): readonly string[] {
  const { keys } = command;
  if (readsOneKey(command)) return [nameOf(command.argumentAt(keys[0]!.from)!)];
  const { args } = command;
  return [...new Set(keys.flatMap((range) => indicesOf(range, args.length).map((at) => nameOf(args[at]!))))];
}

/** What tells a command from all others that are read otherwise: two have the same id only if they are sent alike and decoded alike. */
export function idOf({ spec, args }: Pick<Command, 'spec' | 'args'>, asBytes: boolean): string {
  let id = `${asBytes ? 'b' : 's'} ${spec.name}`;
  for (const arg of args) {
    // Text and bytes never share an id, so that what one of them holds need not be decoded.
    const text = isBytes(arg) ? latin1Of(arg) : textOf(arg);
    id += `\n${isBytes(arg) ? 'b' : 's'}${text.length}:${text}`;
  }
  return id;
}

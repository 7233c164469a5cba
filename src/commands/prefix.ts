import { Command, textOf, type Arg, type PrefixedArguments } from './command';
import { indicesOf } from './indices-of';

/**
 * The same command with the client's prefix on every key, channel and pattern, and on nothing else.
 *
 * Replies are not touched here: readers take the prefix off where keys come back.
 */
export function applyPrefix<T>(command: Command<T>, prefix: string): Command<T> {
  const { spec, keys, read } = command;
  const places = spec.prefixed ?? [];
  if (prefix === '' || (keys.length === 0 && places.length === 0)) return command;
  const args = [...command.args];
  for (const range of keys) for (const at of indicesOf(range, args.length)) args[at] = prepend(prefix, args[at] as Arg);
  for (const place of places) {
    for (const at of positionsOf(place, args)) args[at] = prefixed(args[at] as Arg, place.kind, prefix, spec.name);
  }
  return new Command(spec, args, read, keys);
}

/** The keys of a command as they stand among its arguments. */
export function keysOf({ args, keys }: Command): Arg[] {
  return keys.flatMap((range) => indicesOf(range, args.length).map((at) => args[at] as Arg));
}

function positionsOf({ at, after = [], from = 0, widths = {} }: PrefixedArguments, args: readonly Arg[]): number[] {
  if (at !== undefined) return indicesOf(at, args.length);
  const positions: number[] = [];
  // Walks from option to option, so that a value that looks like a token is not taken for one.
  for (let i = from; i < args.length; i += 1 + (widths[textOf(args[i]).toUpperCase()] ?? 1)) {
    if (after.includes(textOf(args[i]).toUpperCase()) && i + 1 < args.length) positions.push(i + 1);
  }
  return positions;
}

function prefixed(arg: Arg, kind: PrefixedArguments['kind'], prefix: string, command: string): Arg {
  switch (kind) {
    case 'key':
    case 'channel':
      return prepend(prefix, arg);
    case 'keyPattern':
    case 'channelPattern':
      return prepend(escapeGlob(prefix), arg);
    case 'sortPattern':
      // `#` is the element itself. The first asterisk of any other pattern stands for the element and cannot be escaped.
      if (textOf(arg) === '#') return arg;
      if (prefix.includes('*')) throw new TypeError(`${command}: patterns do not work with a prefix that contains *`);
      return prepend(prefix, arg);
  }
}

function prepend(prefix: string, arg: Arg): Arg {
  return arg instanceof Uint8Array ? Buffer.concat([Buffer.from(prefix), arg]) : prefix + textOf(arg);
}

/** A prefix is text, whatever its characters mean in a glob. */
export function escapeGlob(prefix: string): string {
  return prefix.replace(/[*?[\]^\\]/g, '\\$&');
}

import { fromRest, type Optionals } from './arguments';
import { withCountableWait } from './blocking-wait';
import { call } from './call';
import { Command, type Arg, type CommandSpec, type KeyRange } from './command';
import { textOf } from './text-of';
import { withBinary } from './define-spec';
import { KEY_SPECS, SPECS } from './generated/registry';

/** Where keys begin: at an index of the whole command, its name included, or behind a token searched for from an index. */
export type KeyBegin = { readonly index: number } | { readonly keyword: string; readonly from: number };

/** Which arguments from there on are keys, in the terms of COMMAND's key specifications. */
export type KeyFind =
  | { readonly range: readonly [last: number, step: number, limit: number] }
  | { readonly keynum: readonly [numberAt: number, firstKey: number, step: number] };

export interface KeySpec {
  readonly begin: KeyBegin;
  readonly find: KeyFind;
}

/** What is known of a command that came by its name. */
export interface KnownCommand {
  readonly spec: CommandSpec;
  /** the arguments without those that turned out to be words of the name */
  readonly args: readonly Arg[];
  readonly keys: readonly KeyRange[];
}

let byName: ReadonlyMap<string, CommandSpec> | undefined;

/**
 * Looks a command up for `call`: `('client', ['kill', id])` is CLIENT KILL. What options decide is taken at its worst, since the
 * options have not been read.
 * @returns undefined for a command that the facts do not have
 */
export function knownCommand(name: string, args: readonly Arg[]): KnownCommand | undefined {
  byName ??= new Map(SPECS.map((spec) => [spec.name, spec]));
  const words = name.trim().toUpperCase().split(/\s+/).join(' ');
  const [first, ...rest] = args;
  const subcommand = first === undefined ? undefined : byName.get(`${words} ${textOf(first).toUpperCase()}`);
  if (subcommand !== undefined) return { spec: subcommand, args: rest, keys: keyRanges(subcommand, rest) };
  const spec = byName.get(words);
  return spec && { spec: asBinary(spec, args), args, keys: keyRanges(spec, args) };
}

function asBinary(spec: CommandSpec, args: readonly Arg[]): CommandSpec {
  const { binaryWith } = spec;
  if (binaryWith === undefined) return spec;
  return args.some((arg) => textOf(arg).toUpperCase() === binaryWith) ? withBinary(spec) : spec;
}

/** Where the keys of a command stand, worked out from its key specifications where they move. */
function keyRanges(spec: CommandSpec, args: readonly Arg[]): readonly KeyRange[] {
  const moving = KEY_SPECS[spec.name];
  if (moving === undefined) return spec.keys;
  return moving.flatMap(({ begin, find }) => {
    const from = beginOf(begin, spec.words, args);
    return from === undefined ? [] : found(find, from, args);
  });
}

function beginOf(begin: KeyBegin, words: number, args: readonly Arg[]): number | undefined {
  if ('index' in begin) return begin.index - words < args.length ? begin.index - words : undefined;
  const { keyword, from } = begin;
  const isKeyword = (arg: Arg): boolean => textOf(arg).toUpperCase() === keyword;
  // A negative start searches from there back to the beginning.
  const at =
    from < 0
      ? args.findLastIndex((arg, index) => index <= args.length + from && isKeyword(arg))
      : args.findIndex((arg, index) => index >= from - words && isKeyword(arg));
  return at < 0 || at + 1 >= args.length ? undefined : at + 1;
}

function found(find: KeyFind, from: number, args: readonly Arg[]): KeyRange[] {
  if ('keynum' in find) {
    const [numberAt, firstKey, step] = find.keynum;
    const count = Number(textOf(args[from + numberAt]));
    if (!Number.isInteger(count) || count < 1) return [];
    return [{ from: from + firstKey, to: Math.min(from + firstKey + (count - 1) * step, args.length - 1), step }];
  }
  const [last, step, limit] = find.range;
  if (last >= 0) {
    // MIGRATE has an empty text where its one key was when it takes many.
    return textOf(args[from]) === '' ? [] : [{ from, to: from + last, step }];
  }
  const end = limit > 1 ? from + Math.floor((args.length - from) / limit) - 1 : args.length + last;
  return end < from ? [] : [{ from, to: end, step }];
}

/** Refuses a name with arguments in it, perhaps a password: a log shows the name of a command. */
function refuseArgumentsInName(name: string): void {
  for (let end = name.lastIndexOf(' '); end > 0; end = name.lastIndexOf(' ', end - 1)) {
    const command = name.slice(0, end);
    if (byName?.has(command)) throw new TypeError(`call: ${command} takes its arguments one by one, behind its name`);
  }
}

/** A command by its name, with all that the client knows of it and the reply as it comes. */
export function knownCall<T>(name: string, given: readonly unknown[]): Command<T> {
  const args = fromRest(given as Optionals<Arg>);
  const command = call<T>(name, args);
  const known = knownCommand(command.spec.name, args);
  if (known === undefined) refuseArgumentsInName(command.spec.name);
  if (known === undefined) return command;
  return new Command(known.spec, withCountableWait(known.spec, known.args), command.read, known.keys);
}

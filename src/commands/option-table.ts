import type { Arg, CommandSpec } from './command';
import {
  choice,
  data,
  double,
  integer,
  pushMany,
  pushPairs,
  pushTuples,
  refuse,
  text,
  unixMilliseconds,
  unixSeconds,
} from './arguments';
import type { Check, Many, Pairs } from './arguments';
import { isBytes } from '../resp/is-bytes';

/** An option that is not given: a flag may be false. */
export type NotGiven = false | undefined;

/** Exactly one key of `T`. */
export type One<T> = { [K in keyof T]: { [P in K]: T[P] } & { [P in Exclude<keyof T, K>]?: undefined } }[keyof T];

/**
 * One of these options or none. The type that this one is added to has the types of their values, so that an error names the option
 * and not the combinations.
 */
export type AtMostOne<K extends string> = { [P in K]: { [Q in Exclude<K, P>]?: NotGiven } }[K];

/** None of these options: what tells one overload from another. */
export type Without<K extends string> = { [P in K]?: NotGiven };

/** Writes one option: its token and what belongs to it. */
export type OptionWriter = (args: Arg[], token: string, value: never, spec: CommandSpec) => void;

/** Name, writer, and for exclusive choices the number of the choice. */
export type OptionRow = readonly [name: string, write: OptionWriter, choice?: number];

/** Rules between options that the rows cannot say. */
export interface OptionRules {
  /** option → at least one of these must be given too */
  readonly needs?: Readonly<Record<string, readonly string[]>>;
  /** of each list at most one may be given */
  readonly exclusive?: readonly (readonly string[])[];
}

interface Option {
  readonly name: string;
  readonly write: OptionWriter;
  readonly choice: number;
  /** where in the grammar it stands; options are written in this order, whatever order the caller chose */
  readonly rank: number;
}

/** The options that one command knows. */
export interface OptionTable {
  readonly byName: ReadonlyMap<string, Option>;
  readonly rules: OptionRules;
  readonly hasRules: boolean;
}

export function defineOptions(rows: readonly OptionRow[], rules: OptionRules = {}): OptionTable {
  const byName = new Map<string, Option>();
  rows.forEach(([name, write, group = 0], rank) => byName.set(name, { name, write, choice: group, rank }));
  return { byName, rules, hasRules: rules.needs !== undefined || rules.exclusive !== undefined };
}

/** Whether one of these options was given; `undefined` and `false` are "not given". */
export function has(options: object | undefined, ...names: string[]): boolean {
  if (options === undefined) return false;
  const given = options as Readonly<Record<string, unknown>>;
  for (let i = 0; i < names.length; i++) {
    const value = given[names[i] as string];
    if (value !== undefined && value !== false) return true;
  }
  return false;
}

/** Appends the options that the caller gave, in the order of the grammar; refuses what the table does not know. */
// Hot for SET with EX: one option needs no list and no sorting.
export function pushOptions(args: Arg[], options: object, table: OptionTable, spec: CommandSpec): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isBytes(options)) {
    return refuse(spec, 'options', 'an object', options);
  }
  const given = options as Readonly<Record<string, never>>;
  let first: Option | undefined;
  let chosen: Option[] | undefined;
  for (const name in given) {
    const option = knownOption(name, given, table, spec);
    if (option === undefined) continue;
    if (first === undefined) first = option;
    else addOption((chosen ??= [first]), option, spec);
  }
  if (first === undefined) return;
  if (table.hasRules) checkRules(options, table.rules, chosen ?? [first], spec);
  if (chosen === undefined) {
    first.write(args, first.name, given[first.name] as never, spec);
    return;
  }
  chosen.sort((a, b) => a.rank - b.rank);
  for (const option of chosen) option.write(args, option.name, given[option.name] as never, spec);
}

/** The option that a name means, undefined when it is not given after all. */
function knownOption(
  name: string,
  given: Readonly<Record<string, unknown>>,
  table: OptionTable,
  spec: CommandSpec,
): Option | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const option = table.byName.get(name);
  if (option === undefined) return isOwn(name, given) ? refuseOption(name, [...table.byName.keys()], spec) : undefined;
  return value === false && option.write !== yesNo ? undefined : option;
}

/** Options may be inherited. An unknown property that is inherited is a method, perhaps of an Object.prototype that a library extended. */
function isOwn(name: string, given: object): boolean {
  return Object.hasOwn(given, name);
}

function refuseOption(name: string, known: readonly string[], spec: CommandSpec): never {
  throw new TypeError(`${spec.name}: unknown option ${name}; known are ${known.join(', ')}`);
}

/** Refuses an object with other properties than these: a misspelt one would be ignored. */
export function refuseUnknown(given: object, known: readonly string[], spec: CommandSpec): void {
  const values = given as Readonly<Record<string, unknown>>;
  for (const name in values) {
    if (values[name] !== undefined && !known.includes(name) && isOwn(name, given)) refuseOption(name, known, spec);
  }
}

function addOption(chosen: Option[], option: Option, spec: CommandSpec): void {
  for (const other of chosen) {
    if (other.choice === option.choice && option.choice !== 0) clash(spec, other.name, option.name);
  }
  chosen.push(option);
}

function checkRules(
  options: object,
  { needs, exclusive }: OptionRules,
  chosen: readonly Option[],
  spec: CommandSpec,
): void {
  if (needs !== undefined) {
    for (const { name } of chosen) {
      const others = needs[name];
      if (others !== undefined && !has(options, ...others)) {
        throw new TypeError(`${spec.name}: option ${name} needs ${others.join(' or ')} as well`);
      }
    }
  }
  for (const names of exclusive ?? []) {
    const given = names.filter((name) => has(options, name));
    if (given.length > 1) clash(spec, given[0] as string, given[1] as string);
  }
}

function clash(spec: CommandSpec, one: string, other: string): never {
  throw new TypeError(`${spec.name}: options ${one} and ${other} exclude each other`);
}

/** `NX: true` → `NX`. */
export const flag: OptionWriter = (args, token, value: unknown, spec) => {
  if (value !== true) refuse(spec, token, 'true', value);
  args.push(token);
};

/** `EX: 10` → `EX 10`. */
export function one<T>(check: Check<T>): OptionWriter {
  return (args, token, value: T, spec) => void args.push(token, check(value, spec, token));
}

export const oneText = /* @__PURE__ */ one(text);
export const oneData = /* @__PURE__ */ one(data);
export const oneInteger = /* @__PURE__ */ one(integer);
export const oneDouble = /* @__PURE__ */ one(double);
export const oneUnixSeconds = /* @__PURE__ */ one(unixSeconds);
export const oneUnixMilliseconds = /* @__PURE__ */ one(unixMilliseconds);

/** `WEIGHTS: [1, 2]` → `WEIGHTS 1 2`. */
export function many<T>(check: Check<T>): OptionWriter {
  return (args, token, value: Many<T>, spec) => {
    args.push(token);
    pushMany(args, value, check, spec, token);
  };
}

/** `PREFIX: ['a', 'b']` → `PREFIX a PREFIX b`. */
export function repeated<T>(check: Check<T>): OptionWriter {
  return (args, token, value: Many<T>, spec) => {
    for (const item of Array.isArray(value) ? (value as T[]) : [value as T]) args.push(token, check(item, spec, token));
  };
}

/** `SLOTS: [1, 2]` → `SLOTS 2 1 2`. */
export function counted<T>(check: Check<T>): OptionWriter {
  return (args, token, value: Many<T>, spec) => {
    const at = args.push(token, 0) - 1;
    args[at] = pushMany(args, value, check, spec, token);
  };
}

/** `LIMIT: [0, 10]` → `LIMIT 0 10`. */
export function tuple(...parts: Check<never>[]): OptionWriter {
  return (args, token, value: unknown, spec) => {
    args.push(token);
    if (!Array.isArray(value) || value.length !== parts.length)
      refuse(spec, token, `a tuple of ${parts.length} values`, value);
    pushTuples(args, [value], parts, spec, token);
  };
}

/** `CONFIG: { name: 'value' }` → `CONFIG name value`, the token again before each pair. */
export function repeatedPairs<V>(check: Check<V>): OptionWriter {
  return (args, token, value: Pairs<V>, spec) => {
    const pairs: Arg[] = [];
    pushPairs(pairs, value, check, spec, token);
    for (let i = 0; i < pairs.length; i += 2) args.push(token, pairs[i] as Arg, pairs[i + 1] as Arg);
  };
}

/** `AGGREGATE: 'SUM'` → `AGGREGATE SUM`. */
export function oneOf(...words: string[]): OptionWriter {
  return (args, token, value: string, spec) => void args.push(token, choice(value, words, spec, token));
}

/** `ORDER: 'ASC'` → `ASC`: the word stands alone. */
export function word(...words: string[]): OptionWriter {
  return (args, token, value: string, spec) => void args.push(choice(value, words, spec, token));
}

/** `SKIPME: true` → `SKIPME YES`. */
export const yesNo: OptionWriter = (args, token, value: unknown, spec) => {
  if (typeof value !== 'boolean') refuse(spec, token, 'true or false', value);
  args.push(token, value === true ? 'YES' : 'NO');
};

/** `BY: 'SCORE'` → `BYSCORE`: option and word are one token. */
export function joined(...words: string[]): OptionWriter {
  return (args, token, value: string, spec) => void args.push(token + String(choice(value, words, spec, token)));
}

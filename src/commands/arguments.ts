import { kindOf } from '../resp/kind-of';
import type { Arg, CommandSpec } from './command';
import { isBytes } from '../resp/is-bytes';

/** A name or a text: a string travels as UTF-8, bytes as they are. */
export type Str = string | Uint8Array;

/** A key; it gets the client's `prefix`. */
export type Key = Str;

/** Many values where more arguments follow: one of them, or an array. */
export type Many<T> = T | readonly T[];

/** Many values at the end of the arguments: one after the other, or one array. */
export type Variadic<T> = [readonly T[]] | [T, ...T[]];

/** Like `Variadic`, and none at all will do. */
export type Optionals<T> = T[] | [readonly T[]];

/** Pairs of a name and a value: a plain object, a Map, or tuples. */
// The array is an Iterable as well; TypeScript 5.0 takes the tuples of a literal for arrays where it is not said.
export type Pairs<V = Arg> =
  Readonly<Record<string, V>> | ReadonlyMap<Str, V> | readonly (readonly [Str, V])[] | Iterable<readonly [Str, V]>;

/** Pairs as the properties of an object of any type, of an interface too, which has no index signature: all must be values. */
// By `as K` the compiler checks the methods of an array as well, and they are no values.
export type PairsOf<T extends object, V = Arg> = T & { readonly [K in keyof T as K]: V };

/** A name and a value checked: throws a TypeError that names the command and the argument, else gives what travels. */
export type Check<T> = (value: T, spec: CommandSpec, name: string) => Arg;

/** Refuses an argument. A method of its own so that the checks stay small enough to be inlined. */
export function refuse(spec: CommandSpec, name: string, expected: string, value: unknown): never {
  throw new TypeError(`${spec.name}: ${name} must be ${expected}, got ${kindOf(value)}`);
}

/** Refuses arguments that a method does not have: `redis.get('a', 'b')`, from JavaScript, would answer for one of the keys alone. */
export function refuseSurplus(given: IArguments, known: number, command: string): void {
  for (let i = known; i < given.length; i++) {
    if (given[i] === undefined) continue;
    const token = [given[known - 1], given[i]].find(isOption);
    const hint = token === undefined ? '' : `; options are one object: { ${token}: … }`;
    throw new TypeError(
      `${command}: at most ${known} argument${known === 1 ? '' : 's'} expected, got ${given.length}${hint}`,
    );
  }
}

const OPTIONS =
  /^(EX|PX|EXAT|PXAT|NX|XX|GT|LT|CH|KEEPTTL|COUNT|MATCH|LIMIT|WITHSCORES|WITHVALUES|BLOCK|STORE|REPLACE)$/i;

/** A word that is an option in the commands of other clients. */
function isOption(value: unknown): value is string {
  return typeof value === 'string' && OPTIONS.test(value);
}

/** A key, a name, a pattern: a string or bytes. */
export function text(value: Str, spec: CommandSpec, name: string): Arg {
  if (typeof value === 'string' || isBytes(value)) return value;
  return refuse(spec, name, 'a string or bytes', value);
}

/** A value to store or compare: a string, bytes, a bigint, a number other than NaN. */
export function data(value: Arg, spec: CommandSpec, name: string): Arg {
  if (typeof value === 'string' || isBytes(value) || typeof value === 'bigint') return value;
  if (typeof value === 'number' && value === value) return value;
  return refuse(spec, name, 'a string, a number, a bigint or bytes', value);
}

/** A whole number that a double holds exactly, or a bigint. */
export function integer(value: number | bigint, spec: CommandSpec, name: string): Arg {
  if (Number.isSafeInteger(value) || typeof value === 'bigint') return value;
  return refuse(spec, name, 'a whole number within ±2^53, or a bigint', value);
}

/** A floating-point number; infinities are spelled as Redis reads them. */
export function double(value: number | bigint, spec: CommandSpec, name: string): Arg {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'number' || value !== value) return refuse(spec, name, 'a number', value);
  if (value === Infinity) return '+inf';
  return value === -Infinity ? '-inf' : value;
}

/** Redis before 7.0.8 reads a thousandth of a second as 0, which is for ever. */
export const LEAST_SECONDS = 0.002;

/** How long the server is to wait, in seconds; 0 is for ever, and what some server would take for that is rounded up. */
export function seconds(value: number | bigint, spec: CommandSpec, name: string): Arg {
  const isWait = typeof value === 'bigint' || Number.isFinite(value);
  if (!isWait || value < 0) return refuse(spec, name, 'a number of seconds, 0 for no limit', value);
  return value > 0 && value < LEAST_SECONDS ? LEAST_SECONDS : value;
}

/** The end of a range or a number with more digits than a double has: a number, or a text such as `(1`, `-inf`, `[a`. */
export function bound(value: Arg, spec: CommandSpec, name: string): Arg {
  if (typeof value === 'number') return double(value, spec, name);
  return data(value, spec, name);
}

/** The cursor of a scan: `0`, or what the last page answered. */
export function cursor(value: string | number | bigint, spec: CommandSpec, name: string): Arg {
  return typeof value === 'string' ? value : integer(value, spec, name);
}

/** A point in time: seconds since 1970, or a Date, rounded up to the second so that nothing ends too early. */
export function unixSeconds(value: number | Date, spec: CommandSpec, name: string): Arg {
  return value instanceof Date ? integer(Math.ceil(value.getTime() / 1000), spec, name) : integer(value, spec, name);
}

/** A point in time: milliseconds since 1970, or a Date. */
export function unixMilliseconds(value: number | Date, spec: CommandSpec, name: string): Arg {
  return value instanceof Date ? integer(value.getTime(), spec, name) : integer(value, spec, name);
}

/** One of the words that the grammar allows at this place. */
export function choice(value: string, words: readonly string[], spec: CommandSpec, name: string): Arg {
  if (words.includes(value)) return value;
  return refuse(spec, name, words.length === 1 ? `'${words[0]}'` : `one of ${words.join(', ')}`, value);
}

const UNITS = ['M', 'KM', 'FT', 'MI'];

/** A unit of length; in small letters, because Redis 6.0 knows no others. */
export function unit(value: string, spec: CommandSpec, name: string): Arg {
  return String(choice(value, UNITS, spec, name)).toLowerCase();
}

/** Appends one value or all values of an array; returns how many. */
export function pushAny<T>(args: Arg[], values: Many<T>, check: Check<T>, spec: CommandSpec, name: string): number {
  if (!Array.isArray(values)) return args.push(check(values as T, spec, name)) && 1;
  const list = values as readonly T[];
  for (let i = 0; i < list.length; i++) args.push(check(list[i] as T, spec, name));
  return list.length;
}

/** Like `pushAny`, and at least one value is wanted. */
export function pushMany<T>(args: Arg[], values: Many<T>, check: Check<T>, spec: CommandSpec, name: string): number {
  return pushAny(args, values, check, spec, name) || refuse(spec, name, 'at least one value', values);
}

/** Like `pushMany`, for rest parameters: the values themselves or one array of them. */
export function pushRest<T>(
  args: Arg[],
  rest: readonly unknown[],
  check: Check<T>,
  spec: CommandSpec,
  name: string,
): number {
  return pushMany(args, fromRest(rest as Optionals<T>), check, spec, name);
}

/** Like `pushRest`, and nothing at all is no error. */
export function pushOptionals<T>(
  args: Arg[],
  rest: readonly unknown[],
  check: Check<T>,
  spec: CommandSpec,
  name: string,
): number {
  return pushAny(args, fromRest(rest as Optionals<T>), check, spec, name);
}

/** Appends how many values follow, then the values; returns the count. */
export function pushAnyCounted<T>(
  args: Arg[],
  values: Many<T>,
  check: Check<T>,
  spec: CommandSpec,
  name: string,
): number {
  const at = args.push(0) - 1;
  return (args[at] = pushAny(args, values, check, spec, name));
}

/** Like `pushAnyCounted`, and at least one value is wanted. */
export function pushCounted<T>(args: Arg[], values: Many<T>, check: Check<T>, spec: CommandSpec, name: string): number {
  return pushAnyCounted(args, values, check, spec, name) || refuse(spec, name, 'at least one value', values);
}

/** Appends names and values alternately; returns how many pairs. */
export function pushAnyPairs<V>(
  args: Arg[],
  pairs: Pairs<V>,
  check: Check<V>,
  spec: CommandSpec,
  name: string,
): number {
  if (typeof pairs !== 'object' || pairs === null || isBytes(pairs)) {
    return refuse(spec, name, 'an object, a Map or [name, value] tuples', pairs);
  }
  const before = args.length;
  if (Symbol.iterator in pairs) {
    for (const pair of pairs as Iterable<readonly [Str, V]>) {
      if (!Array.isArray(pair) || pair.length !== 2) return refuse(spec, name, 'a list of [name, value] tuples', pair);
      args.push(data(pair[0], spec, name), check(pair[1], spec, name));
    }
  } else {
    for (const field of Object.keys(pairs)) {
      args.push(field, check(pairs[field] as V, spec, `${name}.${field}`));
    }
  }
  return (args.length - before) / 2;
}

/** Like `pushAnyPairs`, and at least one pair is wanted. */
export function pushPairs<V>(args: Arg[], pairs: Pairs<V>, check: Check<V>, spec: CommandSpec, name: string): number {
  return pushAnyPairs(args, pairs, check, spec, name) || refuse(spec, name, 'at least one pair', pairs);
}

/** Like `pushPairs`, preceded by how many pairs follow. */
export function pushCountedPairs<V>(
  args: Arg[],
  pairs: Pairs<V>,
  check: Check<V>,
  spec: CommandSpec,
  name: string,
): number {
  const at = args.push(0) - 1;
  return (args[at] = pushPairs(args, pairs, check, spec, name));
}

/** Like `pushAnyTuples`, and at least one tuple is wanted. */
export function pushTuples(
  args: Arg[],
  tuples: readonly unknown[],
  parts: readonly Check<never>[],
  spec: CommandSpec,
  name: string,
): number {
  return (
    pushAnyTuples(args, tuples, parts, spec, name) || refuse(spec, name, `tuples of ${parts.length} values`, tuples)
  );
}

/** Appends one tuple or several, each checked part by part; returns how many. */
export function pushAnyTuples(
  args: Arg[],
  tuples: readonly unknown[],
  parts: readonly Check<never>[],
  spec: CommandSpec,
  name: string,
): number {
  if (!Array.isArray(tuples)) return refuse(spec, name, `tuples of ${parts.length} values`, tuples);
  if (tuples.length === 0) return 0;
  const list = Array.isArray(tuples[0]) ? (tuples as readonly unknown[][]) : [tuples as unknown[]];
  for (const tuple of list) {
    if (!Array.isArray(tuple) || tuple.length !== parts.length)
      return refuse(spec, name, `tuples of ${parts.length} values`, tuple);
    for (let i = 0; i < parts.length; i++) args.push((parts[i] as Check<unknown>)(tuple[i], spec, name));
  }
  return list.length;
}

/** Like `pushTuples`, for rest parameters: the tuples themselves or one array of them. */
export function pushRestTuples(
  args: Arg[],
  rest: readonly unknown[],
  parts: readonly Check<never>[],
  spec: CommandSpec,
  name: string,
): number {
  return pushTuples(args, fromRest(rest as Optionals<unknown>), parts, spec, name);
}

/** What a rest parameter was given: the values themselves or one array of them. */
export function fromRest<T>(rest: Optionals<T>): readonly T[] {
  return (rest.length === 1 && Array.isArray(rest[0]) ? rest[0] : rest) as readonly T[];
}

/** Appends pairs, or the one pair that was given as two arguments: `hset(key, field, value)`; returns how many. */
export function pushAnyPairsOrPair<V>(
  args: Arg[],
  first: Pairs<V> | Arg,
  second: V | undefined,
  check: Check<V>,
  spec: CommandSpec,
  [pairsName, firstName, secondName]: readonly [string, string, string],
): number {
  if (typeof first === 'object' && !isBytes(first) && second === undefined) {
    return pushAnyPairs(args, first, check, spec, pairsName);
  }
  args.push(data(first as Arg, spec, firstName), check(second as V, spec, secondName));
  return 1;
}

/** Like `pushAnyPairsOrPair`, and at least one pair is wanted. */
export function pushPairsOrPair<V>(
  args: Arg[],
  first: Pairs<V> | Arg,
  second: V | undefined,
  check: Check<V>,
  spec: CommandSpec,
  names: readonly [string, string, string],
): void {
  if (pushAnyPairsOrPair(args, first, second, check, spec, names) === 0) {
    refuse(spec, names[0], 'at least one pair', first);
  }
}

/** Whether a destination is among the sources: what makes the repetition of some commands harmful. */
export function isAmong(destination: Key, sources: Many<Key> | readonly unknown[]): boolean {
  const list = (Array.isArray(sources) ? sources.flat() : [sources]) as readonly Key[];
  return list.some(
    (source) =>
      source === destination ||
      (typeof source !== typeof destination && sameBytes(source, destination)) ||
      (typeof source === 'object' && sameBytes(source, destination)),
  );
}

function sameBytes(one: Key, other: Key): boolean {
  return Buffer.from(one as string).equals(Buffer.from(other as string));
}

/** Refuses an optional argument that was given while one before it was left out: it would take that one's place. */
export function inOrder(optionals: Readonly<Record<string, unknown>>, spec: CommandSpec): void {
  let missing: string | undefined;
  for (const [name, value] of Object.entries(optionals)) {
    if (value === undefined) missing ??= name;
    else if (missing !== undefined) throw new TypeError(`${spec.name}: ${name} needs ${missing} as well`);
  }
}

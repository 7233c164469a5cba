import type { Arg } from '../index';

/** What a command is called with: values, arrays of them, objects and Maps of pairs, a callback at the end. */
export type Argument = unknown;

/** Told of an outcome: `(null, reply)`, or the error. */
export type Callback<T = unknown> = (error: Error | null, reply?: T) => void;

/** Commands whose pairs may come as one object or Map, and how many arguments stand before them. */
const PAIRS_BEHIND: ReadonlyMap<string, number> = new Map([
  ['mset', 0],
  ['msetnx', 0],
  ['hset', 1],
  ['hmset', 1],
]);

/** The arguments as they travel, and the callback that stood behind them. */
export function readArguments(name: string, given: readonly Argument[]): { args: Arg[]; callback?: Callback } {
  const last = given.at(-1);
  const isCalledBack = typeof last === 'function';
  const args = flattened(name, isCalledBack ? given.slice(0, -1) : given);
  return isCalledBack ? { args, callback: last as Callback } : { args };
}

function flattened(name: string, given: readonly Argument[]): Arg[] {
  const before = PAIRS_BEHIND.get(name);
  if (before !== undefined && given.length === before + 1) {
    const pairs = pairsOf(given[before]);
    if (pairs !== undefined) return [...given.slice(0, before), ...pairs].map(sendable);
  }
  return flat(given).map(sendable);
}

function flat(values: readonly Argument[]): Argument[] {
  return values.flatMap((value) => (Array.isArray(value) ? flat(value as Argument[]) : [value]));
}

/** The entries of a Map or of a plain object; undefined for all else. */
function pairsOf(value: Argument): Argument[] | undefined {
  if (value instanceof Map) return flat([...(value as Map<unknown, unknown>)]);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return undefined;
  return flat(Object.entries(value));
}

/** Nothing travels as an empty text, and what is neither text, bytes nor a number as the text that it has. */
function sendable(value: Argument): Arg {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  return value instanceof Uint8Array ? value : (value as { toString(): string }).toString();
}

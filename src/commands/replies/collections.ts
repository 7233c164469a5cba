import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import type { Plain } from './types';
import {
  isOwnKey,
  nullable,
  readDouble,
  readDoubleOrNull,
  readInteger,
  readIntegerOrNull,
  readKey,
  readName,
  readText,
  readTextOrNull,
  unreadable,
} from './values';

/** The elements of an array, which may have come as a set. */
export function items(frame: Frame): readonly Frame[] {
  return Array.isArray(frame) ? frame : unreadable('an array', frame);
}

/** Values of one kind. */
export function arrayOf<T>(read: ReplyReader<T>): ReplyReader<T[]> {
  return (frame, context) => items(frame).map((item) => read(item, context));
}

/** What has one element for each of so many things that were asked for. A reply of another length is another's. */
export function oneEach<T>(count: number, read: ReplyReader<T[]>): ReplyReader<T[]> {
  return (frame, context) =>
    items(frame).length === count ? read(frame, context) : unreadable(`an array of ${count}`, frame);
}

/** Values of one kind, the empty places left out: what Redis 6 answers for entries deleted meanwhile. */
export function arrayWithoutNulls<T>(read: ReplyReader<T>): ReplyReader<T[]> {
  return (frame, context) =>
    items(frame)
      .filter((item) => item !== null)
      .map((item) => read(item, context));
}

// The arrays of simple values are hot and given away as they came, each element checked.

/** Strings. */
export function readTexts(frame: Frame): string[] {
  for (const item of items(frame)) readText(item);
  return frame as string[];
}

export function readTextsOrNull(frame: Frame): string[] | null {
  return frame === null ? null : readTexts(frame);
}

export function readNullableTexts(frame: Frame): (string | null)[] {
  for (const item of items(frame)) readTextOrNull(item);
  return frame as (string | null)[];
}

export function readIntegers(frame: Frame): number[] {
  for (const item of items(frame)) readInteger(item);
  return frame as number[];
}

export function readNullableIntegers(frame: Frame): (number | null)[] {
  for (const item of items(frame)) readIntegerOrNull(item);
  return frame as (number | null)[];
}

export const readNames = /* @__PURE__ */ arrayOf(readName);
export const readDoubles = /* @__PURE__ */ arrayOf(readDouble);
export const readDoublesOrNull = /* @__PURE__ */ nullable(readDoubles);
export const readNullableDoubles = /* @__PURE__ */ arrayOf(readDoubleOrNull);

/** Keys, the client's prefix taken off; those without it, which a server may list as well, are left out. */
export function readKeys(frame: Frame, context: ReplyContext): string[] {
  if (context.prefix === '') return readTexts(frame);
  return items(frame)
    .filter((item) => isOwnKey(item, context))
    .map((item) => readKey(item, context));
}

/** Values of different kinds in fixed places; `optional` of them may be missing at the end. */
export function tupleOf<T extends readonly unknown[]>(
  ...readers: { [I in keyof T]: ReplyReader<T[I]> }
): ReplyReader<T> {
  return (frame, context) => {
    const list = items(frame);
    if (list.length !== readers.length) return unreadable(`an array of ${readers.length}`, frame);
    return list.map((item, index) => (readers[index] as ReplyReader<unknown>)(item, context)) as unknown as T;
  };
}

/** Calls back with each name and value of a map, or of what RESP2 has for it: names and values alternately. */
export function eachPair(frame: Frame, visit: (name: Frame, value: Frame) => void): void {
  if (frame instanceof Map) {
    frame.forEach((value, name) => visit(name, value));
    return;
  }
  if (!Array.isArray(frame)) return unreadable('a map', frame);
  if (frame.length % 2 !== 0) return unreadable('an array of names and values', frame);
  for (let i = 0; i < frame.length; i += 2) visit(frame[i] as Frame, frame[i + 1] as Frame);
}

/** An object without a prototype: a field named `__proto__` is a field like any other. */
export function bareRecord<V>(): Record<string, V> {
  return Object.create(null) as Record<string, V>;
}

// Hot: once per field.
/** Sets a field of a record whose names come from the server. */
export const setField = /* @__PURE__ */ setterOfManyNames();

/**
 * V8 remembers the one name that a place in the code has set so far, and takes 700 ns to find that a new text says the same. A place that
 * has set many takes 60 ns for each: so this one has.
 */
function setterOfManyNames(): <V>(record: Record<string, V>, name: string, value: V) => void {
  const set = <V>(record: Record<string, V>, name: string, value: V): void => void (record[name] = value);
  for (let i = 0; i < 100; i++) set(bareRecord<number>(), `name ${i}`, i);
  return set;
}

/**
 * Names and values that the user chose: a record, or on the byte surface a Map by Buffer, because two binary names may decode to
 * the same string.
 */
export function dictionaryOf<V>(
  readFieldName: ReplyReader<string>,
  readValue: ReplyReader<V>,
): ReplyReader<Record<string, V>> {
  return (frame, context) => {
    if (context.bytes) {
      const map = new Map<string, V>();
      eachPair(frame, (name, value) => map.set(readFieldName(name, context), readValue(value, context)));
      return map as unknown as Record<string, V>;
    }
    const record = bareRecord<V>();
    eachPair(frame, (name, value) => setField(record, readFieldName(name, context), readValue(value, context)));
    return record;
  };
}

/** HGETALL and its like. */
export const readDictionary = /* @__PURE__ */ dictionaryOf(readText, readText);

/** A record whose names the server chose: strings on both surfaces. */
export function recordOf<V>(readValue: ReplyReader<V>): ReplyReader<Record<string, V>> {
  return (frame, context) => {
    const record = bareRecord<V>();
    eachPair(frame, (name, value) => setField(record, nameOf(name), readValue(value, context)));
    return record;
  };
}

function nameOf(name: Frame): string {
  return typeof name === 'number' || typeof name === 'bigint' ? String(name) : readName(name);
}

type FieldReaders<T> = { [K in keyof T]-?: ReplyReader<NonNullable<T[K]> | T[K]> };

/**
 * A record of known fields, each read in its own way; a field that a newer server adds is read as it comes.
 * @param common readers that several structures share: a parameter and not a spread, which bundlers would have to keep
 */
export function structOf<T extends object, C extends keyof T = never>(
  fields: FieldReaders<Omit<T, C>>,
  common?: FieldReaders<Pick<T, C>>,
): ReplyReader<T> {
  const readers = new Map<string, ReplyReader<unknown>>(Object.entries({ ...common, ...fields }));
  return (frame, context) => {
    const record = bareRecord<unknown>();
    eachPair(frame, (name, value) => {
      const field = nameOf(name);
      setField(record, field, (readers.get(field) ?? readPlain)(value, context));
    });
    return record as T;
  };
}

/** Whatever comes, in plain JavaScript: maps are records, text is text. */
export function readPlain(frame: Frame, context: ReplyContext): Plain {
  if (Array.isArray(frame)) return frame.map((item) => readPlain(item, context));
  if (frame instanceof Map) return readPlainRecord(frame, context);
  if (frame === null || typeof frame === 'number' || typeof frame === 'bigint' || typeof frame === 'boolean')
    return frame;
  return readName(frame);
}

const readPlainRecord: ReplyReader<Record<string, Plain>> = (frame, context) => recordOf(readPlain)(frame, context);

export { readPlainRecord };

/** Pairs as tuples: `[field, value][]`, from nested arrays (RESP3) or from a flat one (RESP2). */
export function pairsOf<A, B>(readFirst: ReplyReader<A>, readSecond: ReplyReader<B>): ReplyReader<[A, B][]> {
  return (frame, context) => {
    const pairs: [A, B][] = [];
    eachNestedPair(frame, (first, second) => pairs.push([readFirst(first, context), readSecond(second, context)]));
    return pairs;
  };
}

/** Like `eachPair`, where RESP3 has an array of two-element arrays. */
export function eachNestedPair(frame: Frame, visit: (first: Frame, second: Frame) => void): void {
  if (!Array.isArray(frame) || !Array.isArray(frame[0])) return eachPair(frame, visit);
  for (const pair of frame) {
    if (!Array.isArray(pair) || pair.length !== 2) return unreadable('a pair', pair);
    visit(pair[0] as Frame, pair[1] as Frame);
  }
}

import type { ReplyContext, ReplyReader } from '../command';
import { ErrorFrame, type Frame } from '../../resp/frames';
import { toNestedError } from '../reply-error';
import {
  arrayOf,
  bareRecord,
  dictionaryOf,
  eachPair,
  items,
  pairsOf,
  readKeys,
  readPlainRecord,
  readTexts,
  structOf,
  tupleOf,
} from './collections';
import type { Attributed, LcsMatch, Plain, RawVector, Similar } from './types';
import {
  nullable,
  readBytes,
  readDouble,
  readInteger,
  readKey,
  readName,
  readOk,
  readText,
  readTextOrNull,
  unreadable,
} from './values';
import { isBytes } from '../../resp/is-bytes';

/** The reply of a script: whatever it returns, maps as records (Maps on the byte surface), errors as ReplyError values. */
export function readAny(frame: Frame, context: ReplyContext): unknown {
  if (Array.isArray(frame)) return frame.map((item) => readAny(item, context));
  if (frame instanceof Map) return dictionaryOf(readAnyName, readAny)(frame, context);
  if (frame instanceof ErrorFrame) return toNestedError(frame);
  return frame;
}

/** A script may name the fields of a map by numbers or booleans. */
function readAnyName(frame: Frame, context: ReplyContext): string {
  if (typeof frame === 'string' || isBytes(frame)) return frame as string;
  if (typeof frame !== 'number' && typeof frame !== 'bigint' && typeof frame !== 'boolean')
    return unreadable('a name', frame);
  const name = String(frame);
  return context.bytes ? (Buffer.from(name) as unknown as string) : name;
}

/** A page of SCAN: the next cursor and keys. */
export const readKeyPage: ReplyReader<[cursor: string, keys: string[]]> = /* @__PURE__ */ tupleOf(readName, readKeys);

/** A page of SSCAN, of HSCAN without values. */
export const readTextPage: ReplyReader<[cursor: string, elements: string[]]> = /* @__PURE__ */ tupleOf(
  readName,
  readTexts,
);

/** Fields with their values: HRANDFIELD WITHVALUES. */
export const readFieldPairs: ReplyReader<[field: string, value: string][]> = /* @__PURE__ */ pairsOf(
  readText,
  readText,
);

/** A page of HSCAN. */
export const readFieldPage: ReplyReader<[cursor: string, fields: [field: string, value: string][]]> =
  /* @__PURE__ */ tupleOf(readName, readFieldPairs);

/** The key that had an element, and the element: BLPOP. */
export const readPoppedElement: ReplyReader<[key: string, element: string] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ tupleOf(readKey, readText),
);

/** The key that had elements, and those that were popped: LMPOP. */
export const readPoppedElements: ReplyReader<[key: string, elements: string[]] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ tupleOf(readKey, readTexts),
);

/** PING answers a pair while a RESP2 connection is subscribed. */
export function readPong(frame: Frame): string {
  return Array.isArray(frame) ? readText((frame[1] === '' ? 'PONG' : frame[1]) as Frame) : readText(frame);
}

/** The replies of a transaction as they came, errors as ReplyError values: what `multi` does not do for the caller. */
export const readExec: ReplyReader<unknown[] | null> = /* @__PURE__ */ nullable(/* @__PURE__ */ arrayOf(readAny));

/** CLIENT REPLY OFF answers nothing at all. */
export function readOkOrNothing(frame: Frame): 'OK' | void {
  return frame === null ? undefined : readOk(frame);
}

/** HOTKEYS GET. */
export const readHotKeys: ReplyReader<Record<string, Plain>[] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ arrayOf(readPlainRecord),
);

/** Two counts: WAITAOF. */
export const readTwoIntegers: ReplyReader<[number, number]> = /* @__PURE__ */ tupleOf(readInteger, readInteger);

function readMatch(frame: Frame, context: ReplyContext): LcsMatch {
  const [first, second, length] = items(frame);
  if (first === undefined || second === undefined) return unreadable('a match', frame);
  const match: LcsMatch = { first: readTwoIntegers(first, context), second: readTwoIntegers(second, context) };
  if (length !== undefined) match.length = readInteger(length);
  return match;
}

/** LCS IDX. */
export const readLcsMatches: ReplyReader<{ matches: LcsMatch[]; len: number }> = /* @__PURE__ */ structOf<{
  matches: LcsMatch[];
  len: number;
}>({ matches: /* @__PURE__ */ arrayOf(readMatch), len: readInteger });

/** VEMB RAW. */
export function readRawVector(frame: Frame): RawVector | null {
  if (frame === null) return null;
  const [quantization, bytes, norm, range] = items(frame);
  if (quantization === undefined || bytes === undefined || norm === undefined) return unreadable('a raw vector', frame);
  const vector: RawVector = { quantization: readName(quantization), bytes: readBytes(bytes), norm: readDouble(norm) };
  if (range !== undefined) vector.range = readDouble(range);
  return vector;
}

/** Elements with their similarity, the most similar first: a map in RESP3, names and scores alternately in RESP2. */
export function readSimilar(frame: Frame): Similar[] {
  const elements: Similar[] = [];
  eachPair(frame, (element, score) => elements.push({ element: readText(element), score: readDouble(score) }));
  return elements;
}

/** Elements with their attributes: VSIM WITHATTRIBS. */
export function readAttributed(frame: Frame): Attributed[] {
  const elements: Attributed[] = [];
  eachPair(frame, (element, attributes) => {
    elements.push({ element: readText(element), attributes: readTextOrNull(attributes) });
  });
  return elements;
}

/** VSIM WITHSCORES WITHATTRIBS: a map of pairs in RESP3, triples in a row in RESP2. */
export function readSimilarAttributed(frame: Frame): (Similar & Attributed)[] {
  if (frame instanceof Map) {
    return [...frame].map(([element, pair]) => {
      const [score, attributes] = items(pair) as [Frame, Frame];
      return { element: readText(element), score: readDouble(score), attributes: readTextOrNull(attributes) };
    });
  }
  const list = items(frame);
  if (list.length % 3 !== 0) return unreadable('elements with scores and attributes', frame);
  const elements: (Similar & Attributed)[] = [];
  for (let i = 0; i < list.length; i += 3) {
    const [element, score, attributes] = list.slice(i, i + 3) as [Frame, Frame, Frame];
    elements.push({ element: readText(element), score: readDouble(score), attributes: readTextOrNull(attributes) });
  }
  return elements;
}

/** VLINKS: the neighbours on each layer. */
export const readLinks: ReplyReader<string[][] | null> = /* @__PURE__ */ nullable(/* @__PURE__ */ arrayOf(readTexts));

/** VLINKS WITHSCORES. */
export const readLinksWithScores: ReplyReader<Similar[][] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ arrayOf(readSimilar),
);

/** VINFO: figures and words. */
export const readFigures: ReplyReader<Record<string, string | number> | null> = /* @__PURE__ */ nullable((frame) => {
  const figures = bareRecord<string | number>();
  eachPair(frame, (name, value) => {
    figures[readName(name)] =
      typeof value === 'number' || typeof value === 'bigint' ? readInteger(value) : readName(value);
  });
  return figures;
});

// From the notation of the facts to TypeScript types and reader functions. `S` is string, or Buffer on the byte surface.

import type { CallableFacts } from './facts';
import type { ReplyModel } from './model';

/** Where strings are the server's own words and stay strings on the byte surface. */
const SERVER_GROUPS = new Set(['server', 'cluster', 'connection', 'sentinel', 'scripting', 'stream']);

const NOTATIONS: Readonly<Record<string, readonly [type: string, reader: string]>> = {
  '"OK"': [`'OK'`, 'readOk'],
  '"OK"|null': [`'OK' | null`, 'readOkOrNull'],
  '"OK"|"NOKEY"': [`'OK' | 'NOKEY'`, `readName as ReplyReader<'OK' | 'NOKEY'>`],
  '"RESET"': [`'RESET'`, `readName as ReplyReader<'RESET'>`],
  any: ['unknown', 'readAny'],
  none: ['void', 'readNothing'],
  bool: ['boolean', 'readBoolean'],
  int: ['number', 'readInteger'],
  'int|null': ['number | null', 'readIntegerOrNull'],
  'array<int>': ['number[]', 'readIntegers'],
  'array<int|null>': ['(number | null)[]', 'readNullableIntegers'],
  '[int,int]': ['[number, number]', 'readTwoIntegers'],
  double: ['number', 'readDouble'],
  'double|null': ['number | null', 'readDoubleOrNull'],
  'array<double>': ['number[]', 'readDoubles'],
  'array<double>|null': ['number[] | null', 'readDoublesOrNull'],
  'array<double|null>': ['(number | null)[]', 'readNullableDoubles'],
  simple: ['string', 'readName'],
  verbatim: ['string', 'readName'],
  'array<simple>': ['string[]', 'readNames'],
  bulk: ['S', 'readText'],
  'bulk|null': ['S | null', 'readTextOrNull'],
  'array<bulk>': ['S[]', 'readTexts'],
  'set<bulk>': ['S[]', 'readTexts'],
  'array<bulk>|null': ['S[] | null', 'readTextsOrNull'],
  'array<bulk|null>': ['(S | null)[]', 'readNullableTexts'],
  'map<bulk,bulk>': ['Dictionary<S, S>', 'readDictionary'],
  'array<map<bulk,bulk>>': ['Record<string, string>[]', 'readNameRecords'],
  '[bulk,array<bulk>]': ['[cursor: string, elements: S[]]', 'readTextPage'],
  'array<[bulk,double]>': ['Scored<S>[]', 'readScoredMembers'],
  'array<Entry>': ['Entry<S>[]', 'readEntries'],
  'array<map<bulk,any>>': ['Record<string, Plain>[]', 'readMigrations'],
};

const SERVER_NOTATIONS: Readonly<Record<string, readonly [type: string, reader: string]>> = {
  bulk: ['string', 'readName'],
  'bulk|null': ['string | null', 'readNameOrNull'],
  'array<bulk>': ['string[]', 'readNames'],
  'set<bulk>': ['string[]', 'readNames'],
  'map<bulk,bulk>': ['Record<string, string>', 'readNameRecord'],
};

/** The type and the reader of a reply, or undefined where the notation says too little and an override has to. */
export function replyOf(notation: string, command: CallableFacts): ReplyModel | undefined {
  const known = (SERVER_GROUPS.has(command.group) ? SERVER_NOTATIONS[notation] : undefined) ?? NOTATIONS[notation];
  return known && { type: known[0], reader: known[1] };
}

/** The type on the string surface: `Dictionary<S, S>` → `Record<string, string>`, `Entry<S>` → `Entry`. */
export function onStrings(type: string): string {
  return type
    .replace(/\bDictionary<S\b/g, 'Record<string')
    .replace(/(\w)<S>/g, '$1')
    .replace(/\bS\b/g, 'string');
}

/** The same on the surface of bytes: `Dictionary<S, S>` → `Dictionary<Buffer, Buffer>`. */
function onBytes(type: string): string {
  return type.replace(/\bS\b/g, 'Buffer');
}

/** The type on the string surface, and that on `redis.bytes` where it is another: the parameters of a Command. */
export function onBothSurfaces(type: string): string {
  return dependsOnSurface(type) ? `${onStrings(type)}, ${onBytes(type)}` : onStrings(type);
}

/** Whether the byte surface has another type. */
export function dependsOnSurface(type: string): boolean {
  return /\bS\b/.test(type);
}

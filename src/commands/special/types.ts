import type { Arg } from '../command';
import type { Key, Many, Str } from '../arguments';
import type { AtMostOne, One } from '../option-table';

/** Where in a bitfield: a number of bits, or `#n` for the n-th field of the width in question. */
export type BitOffset = number | `#${number}`;

/** Reads a field of a bitfield; `get` is its width and sign, `u8`, `i16`. */
export interface BitGet {
  get: string;
  offset: BitOffset;
}

/** Writes a field of a bitfield; `overflow` says what becomes of a value that does not fit, WRAP unless said otherwise. */
export interface BitSet {
  set: string;
  offset: BitOffset;
  value: number | bigint;
  overflow?: 'WRAP' | 'SAT' | 'FAIL' | undefined;
}

/** Adds to a field of a bitfield; `overflow` says what happens at its limits. */
export interface BitIncrement {
  incrby: string;
  offset: BitOffset;
  by: number | bigint;
  overflow?: 'WRAP' | 'SAT' | 'FAIL' | undefined;
}

export type BitOperation = BitGet | BitSet | BitIncrement;

/** When a key's time is set: if it has none (NX), if it has one (XX), if the new one is later (GT) or earlier (LT); XX goes with GT and LT. */
export type ExpireConditions =
  | [condition?: 'NX' | 'XX' | 'GT' | 'LT' | undefined]
  | [condition: 'XX', and: 'GT' | 'LT']
  | [condition: 'GT' | 'LT', and: 'XX']
  | [conditions: readonly ['XX', 'GT' | 'LT'] | readonly ['GT' | 'LT', 'XX']];

/** From where a geo query looks. */
export type GeoFrom = One<{ FROMMEMBER: Arg; FROMLONLAT: readonly [longitude: number, latitude: number] }>;

export type GeoUnit = 'M' | 'KM' | 'FT' | 'MI';

/** How far a geo query looks. */
export type GeoShape = One<{
  BYRADIUS: readonly [radius: number, unit: GeoUnit];
  BYBOX: readonly [width: number, height: number, unit: GeoUnit];
}>;

/** A geo query: a centre and a shape, or (Valkey 9) a polygon. */
export type GeoQuery = {
  ORDER?: 'ASC' | 'DESC' | undefined;
  COUNT?: number | undefined;
  /** stop at the first `COUNT` matches, not the nearest ones */
  ANY?: boolean | undefined;
} & (
  | (GeoFrom & GeoShape & { BYPOLYGON?: undefined })
  | {
      BYPOLYGON: readonly (readonly [longitude: number, latitude: number])[];
      FROMMEMBER?: undefined;
      FROMLONLAT?: undefined;
      BYRADIUS?: undefined;
      BYBOX?: undefined;
    }
);

/** What a geo query tells beside the members. */
export interface GeoWith {
  WITHCOORD?: boolean | undefined;
  WITHDIST?: boolean | undefined;
  WITHHASH?: boolean | undefined;
}

/** Members with their scores: `[score, member]` tuples, or an object or Map from member to score. */
export type ScoredMembers =
  Many<readonly [score: number | string, member: Arg]> | Readonly<Record<string, number>> | ReadonlyMap<Str, number>;

/** When ZADD adds and when it updates. */
export type ZaddConditions = {
  NX?: boolean | undefined;
  XX?: boolean | undefined;
  GT?: boolean | undefined;
  LT?: boolean | undefined;
} & AtMostOne<'NX' | 'XX'> &
  AtMostOne<'NX' | 'GT' | 'LT'>;

/** What happens to references in consumer groups when entries go (Redis 8.2). */
export type StreamReferences = 'KEEPREF' | 'DELREF' | 'ACKED';

/** How far a stream is cut: exactly, or with `exact: false` wherever that is cheap. */
export type Trim = One<{ MAXLEN: number; MINID: string }> &
  ({ exact?: boolean | undefined; LIMIT?: undefined } | { exact: false; LIMIT?: number | undefined });

export type XaddOptions = {
  NOMKSTREAM?: boolean | undefined;
  TRIM?: Trim | undefined;
  /** Redis only, since 8.2.0 */
  REF?: StreamReferences | undefined;
  /** with the id `*` alone; Redis only, since 8.6.0 */
  IDMP?: readonly [producer: string, id: string] | undefined;
  /** with the id `*` alone; Redis only, since 8.6.0 */
  IDMPAUTO?: string | undefined;
} & AtMostOne<'IDMP' | 'IDMPAUTO'>;

/** Streams with the id after which to read: `$` for what comes from now on, `>` in a group for what no consumer has got yet. */
export type StreamPositions = Readonly<Record<string, string>> | ReadonlyMap<Key, string>;

export interface XreadOptions {
  COUNT?: number | undefined;
  /** milliseconds to wait for entries, 0 for ever */
  BLOCK?: number | undefined;
}

export interface XreadgroupOptions extends XreadOptions {
  /** claims entries idle for so many milliseconds first; Redis only, since 8.4.0 */
  CLAIM?: number | undefined;
  NOACK?: boolean | undefined;
}

/** Which pending entries XPENDING lists. */
export interface PendingRange {
  start: string;
  end: string;
  count: number;
  consumer?: Str | undefined;
  /** only those idle for so many milliseconds */
  IDLE?: number | undefined;
}

type ClientType = 'NORMAL' | 'MASTER' | 'PRIMARY' | 'REPLICA' | 'SLAVE' | 'PUBSUB';

/** Which connections CLIENT KILL closes: those that match every filter. Filters after MAXAGE are Valkey's alone. */
export interface ClientKillFilter {
  ID?: Many<number> | undefined;
  TYPE?: ClientType | undefined;
  USER?: Str | undefined;
  ADDR?: string | undefined;
  LADDR?: string | undefined;
  /** spare the connection that asks; true unless said otherwise */
  SKIPME?: boolean | undefined;
  /** seconds */
  MAXAGE?: number | undefined;
  NAME?: Str | undefined;
  IDLE?: number | undefined;
  FLAGS?: string | undefined;
  'LIB-NAME'?: string | undefined;
  'LIB-VER'?: string | undefined;
  DB?: number | undefined;
  CAPA?: string | undefined;
  IP?: string | undefined;
  'NOT-ID'?: Many<number> | undefined;
  'NOT-TYPE'?: ClientType | undefined;
  'NOT-USER'?: Str | undefined;
  'NOT-ADDR'?: string | undefined;
  'NOT-LADDR'?: string | undefined;
  'NOT-NAME'?: Str | undefined;
  'NOT-FLAGS'?: string | undefined;
  'NOT-LIB-NAME'?: string | undefined;
  'NOT-LIB-VER'?: string | undefined;
  'NOT-DB'?: number | undefined;
  'NOT-CAPA'?: string | undefined;
  'NOT-IP'?: string | undefined;
}

export interface HelloOptions {
  AUTH?: readonly [username: Str, password: Str] | undefined;
  SETNAME?: Str | undefined;
}

export type MigrateOptions = {
  COPY?: boolean | undefined;
  REPLACE?: boolean | undefined;
  AUTH?: Str | undefined;
  AUTH2?: readonly [username: Str, password: Str] | undefined;
} & AtMostOne<'AUTH' | 'AUTH2'>;

/** First and last slot. */
export type SlotBounds = readonly [start: number, end: number];

/** Slots and the node that they go to. */
export interface SlotMigration {
  SLOTSRANGE: Many<SlotBounds>;
  NODE: string;
}

/** What becomes of a slot. */
export type SlotState = 'STABLE' | One<{ IMPORTING: string; MIGRATING: string; NODE: string }>;

/** Which slots CLUSTER SLOT-STATS tells about. */
export type SlotStatsFilter =
  | { SLOTSRANGE: SlotBounds; ORDERBY?: undefined; LIMIT?: undefined; ORDER?: undefined }
  | { ORDERBY: string; LIMIT?: number | undefined; ORDER?: 'ASC' | 'DESC' | undefined; SLOTSRANGE?: undefined };

/** One migration or all of them. */
export type MigrationTask = 'ALL' | { ID: string };

export interface HotkeysStartOptions {
  METRICS: Many<'CPU' | 'NET'>;
  COUNT?: number | undefined;
  /** seconds */
  DURATION?: number | undefined;
  SAMPLE?: number | undefined;
  SLOTS?: Many<number> | undefined;
}

/** A vector: numbers, or 32-bit floats in little-endian order. */
export type Vector = readonly number[] | { FP32: Uint8Array };

export type VaddOptions = {
  REDUCE?: number | undefined;
  CAS?: boolean | undefined;
  EF?: number | undefined;
  /** attributes, JSON */
  SETATTR?: string | undefined;
  M?: number | undefined;
  NOQUANT?: boolean | undefined;
  BIN?: boolean | undefined;
  Q8?: boolean | undefined;
} & AtMostOne<'NOQUANT' | 'BIN' | 'Q8'>;

/** To what VSIM compares: a vector, or an element of the set. */
export type VsimQuery = Vector | { ELE: Arg };

export interface VsimOptions {
  WITHSCORES?: boolean | undefined;
  WITHATTRIBS?: boolean | undefined;
  COUNT?: number | undefined;
  EPSILON?: number | undefined;
  EF?: number | undefined;
  FILTER?: string | undefined;
  'FILTER-EF'?: number | undefined;
  TRUTH?: boolean | undefined;
  NOTHREAD?: boolean | undefined;
}

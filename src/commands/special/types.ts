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

/** From where a geo query looks. */
export type GeoFrom = One<{ FROMMEMBER: Arg; FROMLONLAT: readonly [longitude: number, latitude: number] }>;

export type GeoUnit = 'M' | 'KM' | 'FT' | 'MI';

/** How far a geo query looks. */
export type GeoShape = One<{
  BYRADIUS: readonly [radius: number, unit: GeoUnit];
  BYBOX: readonly [width: number, height: number, unit: GeoUnit];
}>;

/** A geo query: a centre and a shape, or (Valkey 9) a polygon. */
export type GeoQuery = (
  | (GeoFrom & GeoShape & { BYPOLYGON?: never })
  | {
      BYPOLYGON: readonly (readonly [longitude: number, latitude: number])[];
      FROMMEMBER?: never;
      FROMLONLAT?: never;
      BYRADIUS?: never;
      BYBOX?: never;
    }
) & {
  ORDER?: 'ASC' | 'DESC';
  COUNT?: number;
  /** stop at the first `COUNT` matches, not the nearest ones */
  ANY?: true;
};

/** What a geo query tells beside the members. */
export interface GeoWith {
  WITHCOORD?: true;
  WITHDIST?: true;
  WITHHASH?: true;
}

/** Members with their scores: `[score, member]` tuples, or an object or Map from member to score. */
export type ScoredMembers =
  Many<readonly [score: number | string, member: Arg]> | Readonly<Record<string, number>> | ReadonlyMap<Str, number>;

/** When ZADD adds and when it updates. */
export type ZaddConditions = AtMostOne<{ NX: true; XX: true }> & AtMostOne<{ GT: true; LT: true }>;

/** What happens to references in consumer groups when entries go (Redis 8.2). */
export type StreamReferences = 'KEEPREF' | 'DELREF' | 'ACKED';

/** How far a stream is cut: exactly, or with `exact: false` wherever that is cheap. */
export type Trim = One<{ MAXLEN: number; MINID: string }> &
  ({ exact?: true; LIMIT?: never } | { exact: false; LIMIT?: number });

export type XaddOptions = {
  NOMKSTREAM?: true;
  TRIM?: Trim;
  /** Redis only, since 8.2.0 */
  REF?: StreamReferences;
} & AtMostOne<{
  /** Redis only, since 8.6.0 */
  IDMP: readonly [producer: string, id: string];
  /** Redis only, since 8.6.0 */
  IDMPAUTO: string;
}>;

/** Streams with the id after which to read: `$` for what comes from now on, `>` in a group for what nobody got yet. */
export type StreamPositions = Readonly<Record<string, string>> | ReadonlyMap<Key, string>;

export interface XreadOptions {
  COUNT?: number;
  /** milliseconds to wait for entries, 0 for ever */
  BLOCK?: number;
}

export interface XreadgroupOptions extends XreadOptions {
  /** claims entries idle for so many milliseconds first; Redis only, since 8.4.0 */
  CLAIM?: number;
  NOACK?: true;
}

/** Which pending entries XPENDING lists. */
export interface PendingRange {
  start: string;
  end: string;
  count: number;
  consumer?: Str;
  /** only those idle for so many milliseconds */
  IDLE?: number;
}

type ClientType = 'NORMAL' | 'MASTER' | 'PRIMARY' | 'REPLICA' | 'SLAVE' | 'PUBSUB';

/** Which connections CLIENT KILL closes: those that match every filter. Filters after MAXAGE are Valkey's alone. */
export interface ClientKillFilter {
  ID?: Many<number>;
  TYPE?: ClientType;
  USER?: Str;
  ADDR?: string;
  LADDR?: string;
  /** spare the connection that asks; true unless said otherwise */
  SKIPME?: boolean;
  /** seconds */
  MAXAGE?: number;
  NAME?: Str;
  IDLE?: number;
  FLAGS?: string;
  'LIB-NAME'?: string;
  'LIB-VER'?: string;
  DB?: number;
  CAPA?: string;
  IP?: string;
  'NOT-ID'?: Many<number>;
  'NOT-TYPE'?: ClientType;
  'NOT-USER'?: Str;
  'NOT-ADDR'?: string;
  'NOT-LADDR'?: string;
  'NOT-NAME'?: Str;
  'NOT-FLAGS'?: string;
  'NOT-LIB-NAME'?: string;
  'NOT-LIB-VER'?: string;
  'NOT-DB'?: number;
  'NOT-CAPA'?: string;
  'NOT-IP'?: string;
}

export interface HelloOptions {
  AUTH?: readonly [username: Str, password: Str];
  SETNAME?: Str;
}

export type MigrateOptions = {
  COPY?: true;
  REPLACE?: true;
} & AtMostOne<{ AUTH: Str; AUTH2: readonly [username: Str, password: Str] }>;

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
  | { SLOTSRANGE: SlotBounds; ORDERBY?: never; LIMIT?: never; ORDER?: never }
  | { ORDERBY: string; LIMIT?: number; ORDER?: 'ASC' | 'DESC'; SLOTSRANGE?: never };

/** One migration or all of them. */
export type MigrationTask = 'ALL' | { ID: string };

export interface HotkeysStartOptions {
  METRICS: Many<'CPU' | 'NET'>;
  COUNT?: number;
  /** seconds */
  DURATION?: number;
  SAMPLE?: number;
  SLOTS?: Many<number>;
}

/** A vector: numbers, or 32-bit floats in little-endian order. */
export type Vector = readonly number[] | { FP32: Uint8Array };

export type VaddOptions = {
  REDUCE?: number;
  CAS?: true;
  EF?: number;
  /** attributes, JSON */
  SETATTR?: string;
  M?: number;
} & AtMostOne<{ NOQUANT: true; BIN: true; Q8: true }>;

/** To what VSIM compares: a vector, or an element of the set. */
export type VsimQuery = Vector | { ELE: Arg };

export interface VsimOptions {
  WITHSCORES?: true;
  WITHATTRIBS?: true;
  COUNT?: number;
  EPSILON?: number;
  EF?: number;
  FILTER?: string;
  'FILTER-EF'?: number;
  TRUTH?: true;
  NOTHREAD?: true;
}

/** Names and values: a null-prototype object on the string surface, a Map by Buffer on the byte surface. */
export type Dictionary<S, V> = S extends string ? Record<string, V> : Map<S, V>;

/**
 * An entry of a stream. A field may stand in it more than once: `fields` then has the last value, `pairs` has all. The order of the
 * fields is that of `pairs` as well, because JavaScript moves names that look like integers to the front of a record.
 */
export interface Entry<S = string> {
  id: string;
  fields: Dictionary<S, S>;
  /** all fields with their values in the order of the entry; made anew each time */
  readonly pairs: [field: S, value: S][];
}

/** An entry that a consumer group hands out; `fields` and `pairs` are null when the entry was deleted meanwhile. */
export interface GroupEntry<S = string> {
  id: string;
  fields: Dictionary<S, S> | null;
  /** all fields with their values in the order of the entry; made anew each time */
  readonly pairs: [field: S, value: S][] | null;
  /** milliseconds since it was last delivered; only when claimed by XREADGROUP CLAIM */
  idle?: number;
  /** how often it was delivered before; only when claimed by XREADGROUP CLAIM */
  deliveries?: number;
}

/** A member of a sorted set with its score. */
export interface Scored<S = string> {
  member: S;
  score: number;
}

/** A place found by a geo query, with what the query asked for. */
export interface GeoMatch<S = string> {
  member: S;
  /** in the unit of the query, four digits behind the point */
  distance?: number;
  /** the 52-bit geohash */
  hash?: number;
  coordinates?: [longitude: number, latitude: number];
}

/** Anything that a server may say where its grammar does not: text, numbers, lists and records of them. */
export type Plain = string | number | bigint | boolean | null | Plain[] | { [field: string]: Plain };

/**
 * INFO by section, section names in lower case: `info.server.redis_version`. What is there more than once, as `module` may be, has a
 * line for each: `info.modules.module.split('\n')`.
 */
export type ServerInfo = Record<string, Record<string, string>>;

/** A connection as CLIENT LIST shows it; fields that count are numbers. */
export interface ClientInfo {
  id: number;
  addr: string;
  name: string;
  /** seconds since it was made */
  age: number;
  /** seconds since its last command */
  idle: number;
  flags: string;
  db: number;
  [field: string]: string | number | undefined;
}

/** The state of client tracking on this connection. */
export interface TrackingInfo {
  flags: string[];
  redirect: number;
  prefixes: string[];
}

/** What ROLE answers. */
export type Role =
  | { role: 'master'; offset: number; replicas: { host: string; port: number; offset: number }[] }
  | { role: 'slave'; host: string; port: number; state: string; offset: number }
  | { role: 'sentinel'; masters: string[] };

/** A slow command as SLOWLOG GET or COMMANDLOG GET shows it. */
export interface SlowCommand<S = string> {
  id: number;
  /** seconds since 1970 */
  timestamp: number;
  /** microseconds for SLOWLOG and COMMANDLOG SLOW, bytes for the large ones */
  duration: number;
  arguments: S[];
  address: string;
  name: string;
}

/** An event that the latency monitor saw. */
export interface LatencyEvent {
  event: string;
  /** seconds since 1970 */
  timestamp: number;
  /** milliseconds of the latest, and of the worst */
  latest: number;
  worst: number;
  /** sum and count, where the server tells them */
  sum?: number;
  count?: number;
}

/** Calls and the spread of their time, by command. */
export interface LatencyHistogram {
  calls: number;
  /** microseconds → calls that took no longer */
  histogram_usec: Record<string, number>;
}

/** A loaded module. */
export interface ModuleInfo {
  name: string;
  ver: number;
  path?: string;
  args?: string[];
}

/** What a server says of itself in HELLO. */
export interface ServerGreeting {
  server: string;
  version: string;
  proto: number;
  id: number;
  mode: string;
  role?: string;
  availability_zone?: string;
  modules: ModuleInfo[];
}

/** A refused command as ACL LOG shows it. */
export interface AclLogEntry {
  count: number;
  reason: string;
  context: string;
  object: string;
  username: string;
  'age-seconds': number;
  'client-info': string;
  'entry-id'?: number;
  'timestamp-created'?: number;
  'timestamp-last-updated'?: number;
}

/** Permissions as ACL GETUSER shows them. */
export interface AclSelector {
  commands: string;
  keys: string;
  channels: string;
  databases?: string;
}

/** A user as ACL GETUSER shows it. */
export interface AclUser extends Omit<AclSelector, 'channels'> {
  flags: string[];
  /** SHA-256 of each password, in hexadecimal */
  passwords: string[];
  /** since Redis 6.2, where channels got permissions */
  channels?: string;
  /** since Redis 7.0 */
  selectors?: AclSelector[];
}

/** A command as the server's own table describes it. */
export interface CommandInfo {
  name: string;
  arity: number;
  flags: string[];
  firstKey: number;
  lastKey: number;
  step: number;
  categories: string[];
  tips: string[];
  keySpecs: Record<string, Plain>[];
  subcommands: CommandInfo[];
}

/** An argument as COMMAND DOCS describes it. */
export interface ArgumentDocs {
  name: string;
  /** `key`, `string`, `integer`, `oneof`, `block`, … */
  type: string;
  display_text?: string;
  token?: string;
  summary?: string;
  since?: string;
  deprecated_since?: string;
  key_spec_index?: number;
  flags?: string[];
  arguments?: ArgumentDocs[];
}

/** A command as COMMAND DOCS describes it. */
export interface CommandDocs {
  summary?: string;
  since?: string;
  group?: string;
  complexity?: string;
  module?: string;
  doc_flags?: string[];
  deprecated_since?: string;
  replaced_by?: string;
  history?: [version: string, change: string][];
  arguments?: ArgumentDocs[];
  subcommands?: Record<string, CommandDocs>;
}

/** A library of functions. */
export interface FunctionLibrary {
  library_name: string;
  engine: string;
  functions: { name: string; description: string | null; flags: string[] }[];
  library_code?: string;
}

/** What FUNCTION STATS answers. */
export interface FunctionStats {
  running_script: { name: string; command: string[]; duration_ms: number } | null;
  engines: Record<string, { libraries_count: number; functions_count: number }>;
}

/** A run of text that two keys share: where it lies in each, first and last index. */
export interface LcsMatch {
  first: [start: number, end: number];
  second: [start: number, end: number];
  /** with WITHMATCHLEN */
  length?: number;
}

/** A stream as XINFO STREAM describes it. */
export interface StreamInfo<S = string> {
  length: number;
  'radix-tree-keys': number;
  'radix-tree-nodes': number;
  'last-generated-id': string;
  'max-deleted-entry-id'?: string;
  'entries-added'?: number;
  'recorded-first-entry-id'?: string;
  'idmp-duration'?: number;
  'idmp-maxsize'?: number;
  'pids-tracked'?: number;
  'iids-tracked'?: number;
  'iids-added'?: number;
  'iids-duplicates'?: number;
  groups: number;
  'first-entry': Entry<S> | null;
  'last-entry': Entry<S> | null;
}

/** A stream as XINFO STREAM FULL describes it: entries, groups, consumers and what is pending. */
export interface StreamInfoFull<S = string> extends Omit<StreamInfo<S>, 'groups' | 'first-entry' | 'last-entry'> {
  entries: Entry<S>[];
  groups: {
    name: S;
    'last-delivered-id': string;
    'entries-read'?: number | null;
    lag?: number | null;
    'pel-count': number;
    pending: { id: string; consumer: S; delivered: number; deliveries: number }[];
    consumers: {
      name: S;
      'seen-time': number;
      'active-time'?: number;
      'pel-count': number;
      pending: { id: string; delivered: number; deliveries: number }[];
    }[];
  }[];
}

/** A consumer group of a stream. */
export interface StreamGroup<S = string> {
  name: S;
  consumers: number;
  pending: number;
  'last-delivered-id': string;
  'entries-read'?: number | null;
  lag?: number | null;
}

/** A consumer of a group; times in milliseconds. */
export interface StreamConsumer<S = string> {
  name: S;
  pending: number;
  idle: number;
  inactive?: number;
}

/** What XPENDING says of a group as a whole. */
export interface PendingSummary<S = string> {
  count: number;
  min: string | null;
  max: string | null;
  consumers: [consumer: S, count: number][];
}

/** A pending entry: `idle` in milliseconds. */
export type PendingEntry<S = string> = [id: string, consumer: S, idle: number, deliveries: number];

/** A range of hash slots and the nodes that serve it, the primary first. */
export interface SlotRange {
  start: number;
  end: number;
  nodes: { host: string | null; port: number; id: string; metadata: Record<string, string> }[];
}

/** A node as CLUSTER SHARDS describes it. */
export interface ShardNode {
  id: string;
  port?: number;
  'tls-port'?: number;
  ip: string;
  endpoint: string | null;
  hostname?: string;
  role: string;
  'replication-offset': number;
  health: string;
  'availability-zone'?: string;
}

/** A shard: its ranges of slots and its nodes. */
export interface Shard {
  id?: string;
  slots: [start: number, end: number][];
  nodes: ShardNode[];
}

/** A link of the cluster bus. */
export interface ClusterLink {
  direction: 'to' | 'from';
  node: string;
  'create-time': number;
  events: string;
  'send-buffer-allocated': number;
  'send-buffer-used': number;
}

/** A line of CLUSTER NODES. */
export interface ClusterNode {
  id: string;
  host: string;
  port: number;
  busPort: number;
  hostname: string | null;
  flags: string[];
  /** id of the primary that it replicates, null for a primary */
  primary: string | null;
  pingSent: number;
  pongReceived: number;
  epoch: number;
  link: string;
  slots: [start: number, end: number][];
  /** slots on their way to or from another node */
  moving: { slot: number; direction: 'importing' | 'migrating'; node: string }[];
}

/** An element of a vector set with its similarity, from 0 to 1. */
export interface Similar<S = string> {
  element: S;
  score: number;
}

/** An element of a vector set with its attributes, JSON. */
export interface Attributed<S = string> {
  element: S;
  attributes: S | null;
}

/** A vector as its index holds it. */
export interface RawVector {
  /** `f32`, `int8` or `bin` */
  quantization: string;
  bytes: Buffer;
  norm: number;
  /** of the quantised values, for `int8` */
  range?: number;
}

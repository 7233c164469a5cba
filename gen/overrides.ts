// What the rules cannot say. Each entry has to be needed: one that matches nothing, or changes nothing, fails the build.

import type { OptionModel, ReplyModel, ValueKind } from './model';

export interface Override {
  /** kinds of arguments whose facts say too little, by the argument's name */
  values?: Readonly<Record<string, ValueKind>>;
  /** parameter names where the grammar's are unclear, by the argument's name */
  names?: Readonly<Record<string, string>>;
  /** the reply, where its notation says too little */
  reply?: ReplyModel;
  /** replies by condition, `else` for none; the order counts */
  replies?: Readonly<Record<string, ReplyModel>>;
  /** names and values may also be given as two arguments */
  flat?: boolean;
  /** the options, where the grammar's shape would be clumsy */
  options?: { type?: string; rows: readonly OptionModel[]; needs?: Readonly<Record<string, readonly string[]>> };
  /** the method's signatures, where a hand-written function makes the command; `S` is string or Buffer */
  special?: Special;
  /** when a repetition does something else than the facts' general case: a condition on the parameters */
  replay?: { when: string; replay: 'read' | 'same' | 'state' | 'no' };
  /** a second method for the same command */
  also?: Special & { method: string };
}

/** A command made by a function in src/commands/special. */
export interface Special {
  /** name of that function */
  builder: string;
  /** what else a repetition may do: specs that the function gets after the general one */
  variants?: readonly ('read' | 'same' | 'state' | 'no')[];
  /** the widest parameters; none given means those of the only signature */
  parameters?: string;
  signatures: readonly string[];
}

/** `S` in a type stands for string, or Buffer on the byte surface. */
function reply(type: string, reader: string): { reply: ReplyModel } {
  return { reply: { type, reader } };
}

function replies(cases: Readonly<Record<string, readonly [type: string, reader: string]>>): {
  replies: Record<string, ReplyModel>;
} {
  return {
    replies: Object.fromEntries(Object.entries(cases).map(([when, [type, reader]]) => [when, { type, reader }])),
  };
}

function special(builder: string, signatures: readonly string[], parameters?: string): { special: Special } {
  return { special: { builder, signatures, ...(parameters === undefined ? {} : { parameters }) } };
}

function row(name: string, type: string, writer: string, choice = 0): OptionModel {
  return { name, type, writer, choice };
}

const BYTES = reply('Buffer', 'readBytes');
const POPPED_ELEMENT = reply('[key: S, element: S] | null', 'readPoppedElement');
const POPPED_ELEMENTS = reply('[key: S, elements: S[]] | null', 'readPoppedElements');
const POPPED_MEMBER = reply('[key: S, member: S, score: number] | null', 'readPoppedMember');
const POPPED_MEMBERS = reply('[key: S, members: Scored<S>[]] | null', 'readPoppedMembers');
const SCORED_POP = replies({
  '!count': ['Scored<S> | null', 'readScoredMemberOrNull'],
  count: ['Scored<S>[]', 'readScoredMembers'],
});
const RANK = replies({
  WITHSCORE: ['[rank: number, score: number] | null', 'readRankAndScore'],
  else: ['number | null', 'readIntegerOrNull'],
});
const GEO = { 'WITHCOORD|WITHDIST|WITHHASH': ['GeoMatch<S>[]', 'readGeoMatches'], else: ['S[]', 'readTexts'] } as const;
const GEO_OR_STORE = replies({ 'STORE|STOREDIST': ['number', 'readStoredCount'], ...GEO });
const OVER_SOURCE = { replay: { when: 'special.storesOverSource(key, options)', replay: 'no' } } as const;
const COUNTS = 'Dictionary<S, number>';
const ADDRESS = reply('[host: string, port: number] | null', 'readAddress');
const MASTER_DOWN = reply('[down: number, leader: string, epoch: number]', 'readMasterDown');
const CONFIRMED = reply('void', 'readNothing');
const NODE_OR_MASTER: Override = {
  special: {
    builder: 'replicaof',
    variants: ['same'],
    signatures: ['(host: string, port: number): string', `(master: 'NO ONE'): string`],
    parameters: 'host: string, port?: number',
  },
};
const SCRIPT = special('script', ['<T = unknown>(script: Str, keys?: Many<Key>, args?: Many<Arg>): T']);
const FUNCTION = special('script', ['<T = unknown>(name: Str, keys?: Many<Key>, args?: Many<Arg>): T']);
const RANGE_BY = `(
  | { BY?: undefined; LIMIT?: undefined }
  | { BY: 'SCORE' | 'LEX'; LIMIT?: readonly [offset: number, count: number] | undefined }
)`;
const RANGE_ROWS = [
  row('BY', `'SCORE' | 'LEX'`, `joined('SCORE', 'LEX')`),
  row('REV', 'boolean', 'flag'),
  row('LIMIT', 'readonly [offset: number, count: number]', 'tuple(arg.integer, arg.integer)'),
];
const KEYS = reply('S[]', 'readKeys');
const TEXT = reply('S', 'readText');

export const OVERRIDES: Readonly<Record<string, Override>> = {
  // Strings
  BITFIELD: {
    special: {
      builder: 'bitfield',
      variants: ['read'],
      signatures: ['(key: Key, operations: readonly BitOperation[]): (number | null)[]'],
    },
  },
  BITFIELD_RO: special('bitfieldRo', ['(key: Key, operations: readonly BitGet[]): number[]']),
  BITOP: { replay: { when: 'arg.isAmong(destkey, keys)', replay: 'no' } },
  INCRBYFLOAT: { values: { increment: 'bound' } },
  LCS: replies({
    LEN: ['number', 'readInteger'],
    IDX: ['{ matches: LcsMatch[]; len: number }', 'readLcsMatches'],
    else: ['S', 'readText'],
  }),
  STRALGO: special('anything', ['(...args: Optionals<Arg>): unknown']),

  // Keys
  EXPIRE: special('expire', ['(key: Key, seconds: number, ...conditions: ExpireConditions): number']),
  EXPIREAT: special('expireat', ['(key: Key, timestamp: number | Date, ...conditions: ExpireConditions): number']),
  PEXPIRE: special('pexpire', ['(key: Key, milliseconds: number, ...conditions: ExpireConditions): number']),
  PEXPIREAT: special('pexpireat', ['(key: Key, timestamp: number | Date, ...conditions: ExpireConditions): number']),
  MIGRATE: special('migrate', [
    `(host: string, port: number, keys: Many<Key>, db: number, timeout: number, options?: MigrateOptions): 'OK' | 'NOKEY'`,
  ]),
  DUMP: reply('Buffer | null', 'readBytesOrNull'),
  KEYS,
  RANDOMKEY: reply('S | null', 'readKeyOrNull'),
  SCAN: reply('[cursor: string, keys: S[]]', 'readKeyPage'),
  CLUSTERSCAN: reply('[cursor: string, keys: S[]]', 'readKeyPage'),
  'OBJECT ENCODING': reply('string | null', 'readNameOrNull'),
  SORT: OVER_SOURCE,
  WAITAOF: reply('[local: number, replicas: number]', 'readTwoIntegers'),

  // Lists
  LREM: { replay: { when: 'Number(count) === 0', replay: 'state' } },
  LTRIM: { replay: { when: 'Number(start) === 0 && Number(stop) >= 0', replay: 'same' } },
  BLMPOP: POPPED_ELEMENTS,
  BLPOP: POPPED_ELEMENT,
  BRPOP: POPPED_ELEMENT,
  LMPOP: POPPED_ELEMENTS,
  LPOS: replies({ COUNT: ['number[]', 'readIntegers'], else: ['number | null', 'readIntegerOrNull'] }),

  // Hashes
  HRANDFIELD: special(
    'hrandfield',
    [
      '(key: Key): S | null',
      '(key: Key, count: number, options?: { WITHVALUES?: false | undefined }): S[]',
      '(key: Key, count: number, options: { WITHVALUES: true }): [field: S, value: S][]',
      '(key: Key, count: number, options?: { WITHVALUES?: boolean | undefined }): S[] | [field: S, value: S][]',
      '(key: Key, count?: number): S | S[] | null',
    ],
    'key: Key, count?: number, options?: { WITHVALUES?: boolean | undefined }',
  ),
  HINCRBYFLOAT: { values: { increment: 'bound' } },
  HSET: { flat: true },
  HMSET: { flat: true },
  HSCAN: replies({
    NOVALUES: ['[cursor: string, fields: S[]]', 'readTextPage'],
    else: ['[cursor: string, fields: [field: S, value: S][]]', 'readFieldPage'],
  }),

  // Sets
  SDIFFSTORE: { replay: { when: 'arg.isAmong(destination, keys)', replay: 'no' } },

  // Sorted sets
  ZADD: {
    special: {
      builder: 'zadd',
      signatures: [
        '(key: Key, members: ScoredMembers, options?: ZaddConditions & { CH?: boolean | undefined }): number',
      ],
    },
    also: {
      method: 'zaddIncr',
      builder: 'zaddIncr',
      variants: ['no'],
      signatures: ['(key: Key, score: number | string, member: Arg, options?: ZaddConditions): number | null'],
    },
  },
  ZRANDMEMBER: special(
    'zrandmember',
    [
      '(key: Key): S | null',
      '(key: Key, count: number, options?: { WITHSCORES?: false | undefined }): S[]',
      '(key: Key, count: number, options: { WITHSCORES: true }): Scored<S>[]',
      '(key: Key, count: number, options?: { WITHSCORES?: boolean | undefined }): S[] | Scored<S>[]',
      '(key: Key, count?: number): S | S[] | null',
    ],
    'key: Key, count?: number, options?: { WITHSCORES?: boolean | undefined }',
  ),
  ZRANGE: {
    values: { start: 'bound', stop: 'bound' },
    options: {
      type: `{ REV?: boolean | undefined; WITHSCORES?: boolean | undefined } & ${RANGE_BY}`,
      rows: [...RANGE_ROWS, row('WITHSCORES', 'boolean', 'flag')],
      needs: { LIMIT: ['BY'] },
    },
  },
  ZRANGESTORE: {
    values: { min: 'bound', max: 'bound' },
    options: { type: `{ REV?: boolean | undefined } & ${RANGE_BY}`, rows: RANGE_ROWS, needs: { LIMIT: ['BY'] } },
    replay: { when: 'arg.isAmong(dst, src)', replay: 'no' },
  },
  BZMPOP: POPPED_MEMBERS,
  BZPOPMAX: POPPED_MEMBER,
  BZPOPMIN: POPPED_MEMBER,
  ZDIFFSTORE: { replay: { when: 'arg.isAmong(destination, keys)', replay: 'no' } },
  ZINCRBY: { values: { increment: 'double' } },
  ZINTER: { values: { weight: 'double' } },
  ZINTERSTORE: { values: { weight: 'double' }, replay: { when: 'arg.isAmong(destination, keys)', replay: 'no' } },
  ZUNION: { values: { weight: 'double' } },
  ZUNIONSTORE: { values: { weight: 'double' }, replay: { when: 'arg.isAmong(destination, keys)', replay: 'no' } },
  ZMPOP: POPPED_MEMBERS,
  ZPOPMAX: SCORED_POP,
  ZPOPMIN: SCORED_POP,
  ZRANK: RANK,
  ZREVRANK: RANK,
  ZSCAN: replies({
    NOSCORES: ['[cursor: string, members: S[]]', 'readTextPage'],
    else: ['[cursor: string, members: Scored<S>[]]', 'readScoredPage'],
  }),

  // Geo
  GEOADD: { names: { data: 'points' } },
  GEOSEARCH: special(
    'geosearch',
    [
      `(key: Key, query: GeoQuery & Without<'WITHCOORD' | 'WITHDIST' | 'WITHHASH'>): S[]`,
      '(key: Key, query: GeoQuery & GeoWith & ({ WITHCOORD: true } | { WITHDIST: true } | { WITHHASH: true })): GeoMatch<S>[]',
      '(key: Key, query: GeoQuery & GeoWith): S[] | GeoMatch<S>[]',
    ],
    'key: Key, query: GeoQuery',
  ),
  GEOSEARCHSTORE: {
    special: {
      builder: 'geosearchstore',
      variants: ['no'],
      signatures: ['(destination: Key, source: Key, query: GeoQuery & { STOREDIST?: boolean | undefined }): number'],
    },
  },
  GEODIST: reply('number | null', 'readDoubleOrNull'),
  GEOPOS: reply('([longitude: number, latitude: number] | null)[]', 'readPositions'),
  GEORADIUS: { ...GEO_OR_STORE, ...OVER_SOURCE },
  GEORADIUSBYMEMBER: { ...GEO_OR_STORE, ...OVER_SOURCE },
  GEORADIUS_RO: replies(GEO),
  GEORADIUSBYMEMBER_RO: replies(GEO),

  // Streams
  XADD: {
    special: {
      builder: 'xadd',
      variants: ['state'],
      parameters: 'key: Key, id: Str, fields: Pairs, options?: XaddOptions',
      signatures: [
        `(key: Key, id: Str, fields: Pairs, options?: XaddOptions & Without<'NOMKSTREAM' | 'IDMP' | 'IDMPAUTO'>): string`,
        `(key: Key, id: '*', fields: Pairs, options?: XaddOptions & Without<'NOMKSTREAM'>): string`,
        `(key: Key, id: Str, fields: Pairs, options?: XaddOptions & Without<'IDMP' | 'IDMPAUTO'>): string | null`,
        `(key: Key, id: '*', fields: Pairs, options?: XaddOptions): string | null`,
      ],
    },
  },
  XTRIM: {
    special: {
      builder: 'xtrim',
      variants: ['no'],
      signatures: ['(key: Key, trim: Trim & { REF?: StreamReferences | undefined }): number'],
    },
  },
  XREAD: {
    special: {
      builder: 'xread',
      variants: ['state'],
      signatures: ['(streams: StreamPositions, options?: XreadOptions): Dictionary<S, Entry<S>[]> | null'],
    },
  },
  'XGROUP SETID': { replay: { when: 'special.isLastId(id)', replay: 'no' } },
  XREADGROUP: special('xreadgroup', [
    '(group: Str, consumer: Str, streams: StreamPositions, options?: XreadgroupOptions): Dictionary<S, GroupEntry<S>[]> | null',
  ]),
  XPENDING: special(
    'xpending',
    [
      '(key: Key, group: Str): PendingSummary<S>',
      '(key: Key, group: Str, range: PendingRange): PendingEntry<S>[]',
      '(key: Key, group: Str, range?: PendingRange): PendingSummary<S> | PendingEntry<S>[]',
    ],
    'key: Key, group: Str, range?: PendingRange',
  ),
  'XINFO STREAM': special(
    'xinfoStream',
    [
      '(key: Key, options?: { FULL?: false | undefined }): StreamInfo<S>',
      '(key: Key, options: { FULL: true; COUNT?: number | undefined }): StreamInfoFull<S>',
      '(key: Key, options?: { FULL?: boolean | undefined; COUNT?: number | undefined }): StreamInfo<S> | StreamInfoFull<S>',
    ],
    'key: Key, options?: { FULL?: boolean | undefined; COUNT?: number | undefined }',
  ),
  XAUTOCLAIM: {
    values: { 'min-idle-time': 'integer' },
    ...replies({
      JUSTID: ['[next: string, ids: string[], deleted: string[]]', 'readAutoclaimIds'],
      else: ['[next: string, entries: Entry<S>[], deleted: string[]]', 'readAutoclaim'],
    }),
  },
  XCLAIM: {
    values: { 'min-idle-time': 'integer' },
    ...replies({ JUSTID: ['string[]', 'readIds'], else: ['Entry<S>[]', 'readEntries'] }),
  },
  'XINFO CONSUMERS': reply('StreamConsumer<S>[]', 'readStreamConsumers'),
  'XINFO GROUPS': reply('StreamGroup<S>[]', 'readStreamGroups'),

  // Publish and subscribe
  'PUBSUB CHANNELS': reply('S[]', 'readChannels'),
  'PUBSUB SHARDCHANNELS': KEYS,
  'PUBSUB NUMSUB': reply(COUNTS, 'readCountsByChannel'),
  'PUBSUB SHARDNUMSUB': reply(COUNTS, 'readCountsByShardChannel'),
  SUBSCRIBE: CONFIRMED,
  PSUBSCRIBE: CONFIRMED,
  SSUBSCRIBE: CONFIRMED,
  UNSUBSCRIBE: CONFIRMED,
  PUNSUBSCRIBE: CONFIRMED,
  SUNSUBSCRIBE: CONFIRMED,

  // Connection
  AUTH: special('auth', [`(password: Str): 'OK'`, `(username: Str, password: Str): 'OK'`], 'first: Str, second?: Str'),
  'CLIENT KILL': special(
    'clientKill',
    ['(filter: ClientKillFilter): number', `(address: string): 'OK'`],
    'what: ClientKillFilter | string',
  ),
  HELLO: special('hello', ['(protover?: number, options?: HelloOptions): ServerGreeting']),
  'CLIENT INFO': reply('ClientInfo', 'readClient'),
  'CLIENT LIST': reply('ClientInfo[]', 'readClients'),
  'CLIENT REPLY': reply(`'OK' | void`, 'readOkOrNothing'),
  'CLIENT TRACKINGINFO': reply('TrackingInfo', 'readTrackingInfo'),
  ECHO: TEXT,
  PING: replies({ '!message': [`'PONG'`, `readPong as ReplyReader<'PONG'>`], message: ['S', 'readPong'] }),

  // Server
  'ACL LOG': {
    special: {
      builder: 'aclLog',
      variants: ['same'],
      signatures: ['(count?: number): AclLogEntry[]', `(reset: 'RESET'): 'OK'`],
      parameters: `what?: number | 'RESET'`,
    },
  },
  'ACL SETUSER': { replay: { when: 'special.changesMoreEachTime(rules)', replay: 'no' } },
  'COMMAND LIST': special('commandList', ['(filter?: One<{ MODULE: Str; ACLCAT: Str; PATTERN: Str }>): string[]']),
  FAILOVER: {
    options: {
      rows: [
        row('TO', 'readonly [host: string, port: number]', 'tuple(arg.text, arg.integer)'),
        row('FORCE', 'boolean', 'flag'),
        row('ABORT', 'boolean', 'flag'),
        row('TIMEOUT', 'number', 'oneInteger'),
      ],
      needs: { FORCE: ['TO'] },
    },
  },
  'HOTKEYS STOP': reply(`'OK' | null`, 'readOkOrNull'),
  'HOTKEYS START': special('hotkeysStart', [`(options: HotkeysStartOptions): 'OK'`]),
  REPLICAOF: NODE_OR_MASTER,
  SLAVEOF: NODE_OR_MASTER,
  SHUTDOWN: {
    options: {
      type: `
  | ({
      NOSAVE?: boolean | undefined;
      SAVE?: boolean | undefined;
      NOW?: boolean | undefined;
      FORCE?: boolean | undefined;
      /** Valkey only */
      SAFE?: boolean | undefined;
      /** Valkey only */
      FAILOVER?: boolean | undefined;
      ABORT?: false | undefined;
    } & AtMostOne<'NOSAVE' | 'SAVE'>)
  | { ABORT: true }`,
      rows: [
        row('NOSAVE', 'boolean', 'flag', 1),
        row('SAVE', 'boolean', 'flag', 1),
        row('NOW', 'boolean', 'flag'),
        row('FORCE', 'boolean', 'flag'),
        row('SAFE', 'boolean', 'flag'),
        row('FAILOVER', 'boolean', 'flag'),
        row('ABORT', 'boolean', 'flag'),
      ],
    },
  },
  DEBUG: special('anything', ['(...args: Optionals<Arg>): unknown']),
  'ACL DRYRUN': reply('string', 'readName'),
  'ACL GETUSER': reply('AclUser | null', 'readAclUser'),
  COMMAND: reply('CommandInfo[]', 'readCommandInfos'),
  'COMMAND DOCS': reply('Record<string, CommandDocs>', 'readCommandDocs'),
  'COMMAND GETKEYS': reply('S[]', 'readTexts'),
  'COMMAND GETKEYSANDFLAGS': reply('[key: S, flags: string[]][]', 'readKeysAndFlags'),
  'COMMAND INFO': reply('(CommandInfo | null)[]', 'readNullableCommandInfos'),
  'COMMANDLOG GET': reply('SlowCommand<S>[]', 'readSlowCommands'),
  'CONFIG SET': { flat: true },
  'HOTKEYS GET': reply('Record<string, Plain>[] | null', 'readHotKeys'),
  INFO: reply('ServerInfo', 'readInfo'),
  'LATENCY HISTOGRAM': reply('Record<string, LatencyHistogram>', 'readLatencyHistograms'),
  'LATENCY HISTORY': reply('[timestamp: number, latency: number][]', 'readLatencyHistory'),
  'LATENCY LATEST': reply('LatencyEvent[]', 'readLatencyEvents'),
  'MEMORY STATS': reply('Record<string, Plain>', 'readMemoryStats'),
  'MODULE LIST': reply('ModuleInfo[]', 'readModules'),
  ROLE: reply('Role', 'readRole'),
  'SLOWLOG GET': reply('SlowCommand<S>[]', 'readSlowCommands'),
  TIME: reply('[seconds: number, microseconds: number]', 'readTime'),

  // Cluster
  'CLUSTER MIGRATESLOTS': special('clusterMigrateslots', [`(...migrations: Variadic<SlotMigration>): 'OK'`]),
  'CLUSTER MIGRATION': special(
    'clusterMigration',
    [
      `(action: 'IMPORT', ranges: Many<SlotBounds>): string`,
      `(action: 'CANCEL', task: MigrationTask): number`,
      `(action: 'STATUS', task: MigrationTask): Record<string, Plain>[]`,
    ],
    `action: 'IMPORT' | 'CANCEL' | 'STATUS', what: Many<SlotBounds> | MigrationTask`,
  ),
  'CLUSTER REPLICATE': special('clusterReplicate', [`(nodeId: string): 'OK'`]),
  'CLUSTER SETSLOT': special('clusterSetslot', [
    `(slot: number, state: SlotState, options?: { TIMEOUT?: number | undefined }): 'OK'`,
  ]),
  'CLUSTER SLOT-STATS': special('clusterSlotStats', [
    '(filter: SlotStatsFilter): [slot: number, statistics: Record<string, number>][]',
  ]),
  'CLUSTER GETKEYSINSLOT': KEYS,
  'CLUSTER INFO': reply('Record<string, string>', 'readProperties'),
  'CLUSTER LINKS': reply('ClusterLink[]', 'readClusterLinks'),
  'CLUSTER NODES': reply('ClusterNode[]', 'readClusterNodes'),
  'CLUSTER REPLICAS': reply('ClusterNode[]', 'readClusterReplicas'),
  'CLUSTER SLAVES': reply('ClusterNode[]', 'readClusterReplicas'),
  'CLUSTER SHARDS': reply('Shard[]', 'readShards'),
  'CLUSTER SLOTS': reply('SlotRange[]', 'readSlotRanges'),

  // Scripts and functions
  EVAL: SCRIPT,
  EVAL_RO: SCRIPT,
  EVALSHA: special('script', ['<T = unknown>(sha1: Str, keys?: Many<Key>, args?: Many<Arg>): T']),
  EVALSHA_RO: special('script', ['<T = unknown>(sha1: Str, keys?: Many<Key>, args?: Many<Arg>): T']),
  FCALL: FUNCTION,
  FCALL_RO: FUNCTION,
  'FUNCTION DUMP': BYTES,
  'FUNCTION LIST': reply('FunctionLibrary[]', 'readLibraries'),
  'FUNCTION STATS': reply('FunctionStats', 'readFunctionStats'),

  // Transactions
  EXEC: reply('unknown[] | null', 'readExec'),

  // Sentinel
  'SENTINEL CONFIG': special(
    'sentinelConfig',
    [`(action: 'SET', data: Pairs): 'OK'`, `(action: 'GET', parameters: Many<Str>): Record<string, string>`],
    `action: 'SET' | 'GET', what: Pairs | Many<Str>`,
  ),
  'SENTINEL DEBUG': special('sentinelDebug', ['(): Record<string, string>', `(data: Pairs): 'OK'`], 'data?: Pairs'),
  'SENTINEL SET': { flat: true },
  'SENTINEL SIMULATE-FAILURE': special(
    'sentinelSimulateFailure',
    [`(help: 'help'): string[]`, `(...modes: Variadic<'crash-after-election' | 'crash-after-promotion'>): 'OK'`],
    `...modes: Variadic<'crash-after-election' | 'crash-after-promotion' | 'help'>`,
  ),
  'SENTINEL GET-MASTER-ADDR-BY-NAME': ADDRESS,
  'SENTINEL GET-PRIMARY-ADDR-BY-NAME': ADDRESS,
  'SENTINEL INFO-CACHE': reply('Record<string, [age: number, info: string | null][]>', 'readInfoCache'),
  'SENTINEL IS-MASTER-DOWN-BY-ADDR': MASTER_DOWN,
  'SENTINEL IS-PRIMARY-DOWN-BY-ADDR': MASTER_DOWN,
  'SENTINEL PENDING-SCRIPTS': reply('Record<string, Plain>[]', 'readMigrations'),

  // Vector sets
  VADD: special('vadd', ['(key: Key, vector: Vector, element: Arg, options?: VaddOptions): boolean']),
  VSIM: special(
    'vsim',
    [
      `(key: Key, query: VsimQuery, options?: VsimOptions & Without<'WITHSCORES' | 'WITHATTRIBS'>): S[]`,
      `(key: Key, query: VsimQuery, options: VsimOptions & Without<'WITHATTRIBS'> & { WITHSCORES: true }): Similar<S>[]`,
      `(key: Key, query: VsimQuery, options: VsimOptions & Without<'WITHSCORES'> & { WITHATTRIBS: true }): Attributed<S>[]`,
      '(key: Key, query: VsimQuery, options: VsimOptions & { WITHSCORES: true; WITHATTRIBS: true }): (Similar<S> & Attributed<S>)[]',
      '(key: Key, query: VsimQuery, options?: VsimOptions): S[] | (Partial<Similar<S> & Attributed<S>> & { element: S })[]',
    ],
    'key: Key, query: VsimQuery, options?: VsimOptions',
  ),
  VEMB: replies({ RAW: ['RawVector | null', 'readRawVector'], else: ['number[] | null', 'readDoublesOrNull'] }),
  VINFO: reply('Record<string, string | number> | null', 'readFigures'),
  VLINKS: replies({
    WITHSCORES: ['Similar<S>[][] | null', 'readLinksWithScores'],
    else: ['S[][] | null', 'readLinks'],
  }),
};

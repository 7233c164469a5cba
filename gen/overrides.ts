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
  special?: { builder: string; parameters: string; signatures: readonly string[] };
}

/** `S` in a type stands for string, or Buffer on the byte surface. */
function reply(type: string, reader: string): { reply: ReplyModel } {
  return { reply: { type, reader } };
}

function replies(cases: Readonly<Record<string, readonly [type: string, reader: string]>>): { replies: Record<string, ReplyModel> } {
  return {
    replies: Object.fromEntries(Object.entries(cases).map(([when, [type, reader]]) => [when, { type, reader }])),
  };
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
const GEO_OR_STORE = replies({ 'STORE|STOREDIST': ['number', 'readInteger'], ...GEO });
const COUNTS_BY_CHANNEL = reply('Dictionary<S, number>', 'readCountsByChannel');
const ADDRESS = reply('[host: string, port: number] | null', 'readAddress');
const MASTER_DOWN = reply('[down: number, leader: string, epoch: number]', 'readMasterDown');
const CONFIRMED = reply('void', 'readNothing');
const KEYS = reply('S[]', 'readKeys');
const TEXT = reply('S', 'readText');

export const OVERRIDES: Readonly<Record<string, Override>> = {
  // Strings
  INCRBYFLOAT: { values: { increment: 'bound' } },
  LCS: replies({
    LEN: ['number', 'readInteger'],
    IDX: ['{ matches: LcsMatch[]; len: number }', 'readLcsMatches'],
    else: ['S', 'readText'],
  }),
  STRALGO: reply('unknown', 'readAny'),

  // Keys
  DUMP: reply('Buffer | null', 'readBytesOrNull'),
  KEYS,
  RANDOMKEY: reply('S | null', 'readKeyOrNull'),
  SCAN: reply('[cursor: string, keys: S[]]', 'readKeyPage'),
  CLUSTERSCAN: reply('[cursor: string, keys: S[]]', 'readKeyPage'),
  'OBJECT ENCODING': reply('string | null', 'readNameOrNull'),
  WAITAOF: reply('[local: number, replicas: number]', 'readTwoIntegers'),

  // Lists
  BLMPOP: POPPED_ELEMENTS,
  BLPOP: POPPED_ELEMENT,
  BRPOP: POPPED_ELEMENT,
  LMPOP: POPPED_ELEMENTS,
  LPOS: replies({ COUNT: ['number[]', 'readIntegers'], else: ['number | null', 'readIntegerOrNull'] }),

  // Hashes
  HINCRBYFLOAT: { values: { increment: 'bound' } },
  HSET: { flat: true },
  HMSET: { flat: true },
  HSCAN: replies({
    NOVALUES: ['[cursor: string, fields: S[]]', 'readTextPage'],
    else: ['[cursor: string, fields: [field: S, value: S][]]', 'readFieldPage'],
  }),

  // Sorted sets
  BZMPOP: POPPED_MEMBERS,
  BZPOPMAX: POPPED_MEMBER,
  BZPOPMIN: POPPED_MEMBER,
  ZINCRBY: { values: { increment: 'double' } },
  ZINTER: { values: { weight: 'double' } },
  ZINTERSTORE: { values: { weight: 'double' } },
  ZUNION: { values: { weight: 'double' } },
  ZUNIONSTORE: { values: { weight: 'double' } },
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
  GEOPOS: reply('([longitude: number, latitude: number] | null)[]', 'readPositions'),
  GEORADIUS: GEO_OR_STORE,
  GEORADIUSBYMEMBER: GEO_OR_STORE,
  GEORADIUS_RO: replies(GEO),
  GEORADIUSBYMEMBER_RO: replies(GEO),

  // Streams
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
  'PUBSUB CHANNELS': KEYS,
  'PUBSUB SHARDCHANNELS': KEYS,
  'PUBSUB NUMSUB': COUNTS_BY_CHANNEL,
  'PUBSUB SHARDNUMSUB': COUNTS_BY_CHANNEL,
  SUBSCRIBE: CONFIRMED,
  PSUBSCRIBE: CONFIRMED,
  SSUBSCRIBE: CONFIRMED,
  UNSUBSCRIBE: CONFIRMED,
  PUNSUBSCRIBE: CONFIRMED,
  SUNSUBSCRIBE: CONFIRMED,

  // Connection
  'CLIENT INFO': reply('ClientInfo', 'readClient'),
  'CLIENT LIST': reply('ClientInfo[]', 'readClients'),
  'CLIENT REPLY': reply(`'OK' | void`, 'readOkOrNothing'),
  'CLIENT TRACKINGINFO': reply('TrackingInfo', 'readTrackingInfo'),
  ECHO: TEXT,
  PING: replies({ '!message': [`'PONG'`, `readPong as ReplyReader<'PONG'>`], message: ['S', 'readPong'] }),

  // Server
  'ACL DRYRUN': reply('string', 'readName'),
  'ACL GETUSER': reply('AclUser | null', 'readAclUser'),
  COMMAND: reply('CommandInfo[]', 'readCommandInfos'),
  'COMMAND DOCS': reply('Record<string, Record<string, Plain>>', 'readCommandDocs'),
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
  'CLUSTER GETKEYSINSLOT': KEYS,
  'CLUSTER INFO': reply('Record<string, string>', 'readProperties'),
  'CLUSTER LINKS': reply('ClusterLink[]', 'readClusterLinks'),
  'CLUSTER NODES': reply('ClusterNode[]', 'readClusterNodes'),
  'CLUSTER REPLICAS': reply('ClusterNode[]', 'readClusterReplicas'),
  'CLUSTER SLAVES': reply('ClusterNode[]', 'readClusterReplicas'),
  'CLUSTER SHARDS': reply('Shard[]', 'readShards'),
  'CLUSTER SLOTS': reply('SlotRange[]', 'readSlotRanges'),

  // Scripts and functions
  'FUNCTION DUMP': BYTES,
  'FUNCTION LIST': reply('FunctionLibrary[]', 'readLibraries'),
  'FUNCTION STATS': reply('FunctionStats', 'readFunctionStats'),

  // Transactions
  EXEC: reply('unknown[] | null', 'readExec'),

  // Sentinel
  'SENTINEL GET-MASTER-ADDR-BY-NAME': ADDRESS,
  'SENTINEL GET-PRIMARY-ADDR-BY-NAME': ADDRESS,
  'SENTINEL INFO-CACHE': reply('Record<string, [age: number, info: string | null][]>', 'readInfoCache'),
  'SENTINEL IS-MASTER-DOWN-BY-ADDR': MASTER_DOWN,
  'SENTINEL IS-PRIMARY-DOWN-BY-ADDR': MASTER_DOWN,
  'SENTINEL PENDING-SCRIPTS': reply('Record<string, Plain>[]', 'readMigrations'),

  // Vector sets
  VEMB: replies({ RAW: ['RawVector | null', 'readRawVector'], else: ['number[] | null', 'readDoublesOrNull'] }),
  VINFO: reply('Record<string, string | number> | null', 'readFigures'),
  VLINKS: replies({ WITHSCORES: ['Similar<S>[][] | null', 'readLinksWithScores'], else: ['S[][] | null', 'readLinks'] }),
};

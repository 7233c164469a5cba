// What an empty list means: nothing is sent where the server's own rules imply the reply to none.

/** Of these no list at all means something else than an empty one: all commands. */
export const NONE_IS_NO_LIST: ReadonlySet<string> = new Set(['COMMAND DOCS', 'COMMAND INFO']);

/** Commands that answer one element for each of a list that they are given, in its order, whether it is there or not. */
export const ONE_EACH: ReadonlySet<string> = new Set([
  'BITFIELD',
  'BITFIELD_RO',
  'GEOHASH',
  'GEOPOS',
  'HEXPIRE',
  'HEXPIREAT',
  'HEXPIRETIME',
  'HGETDEL',
  'HGETEX',
  'HMGET',
  'HPERSIST',
  'HPEXPIRE',
  'HPEXPIREAT',
  'HPEXPIRETIME',
  'HPTTL',
  'HTTL',
  'MGET',
  'SCRIPT EXISTS',
  'SMISMEMBER',
  'XACKDEL',
  'XDELEX',
  'ZMSCORE',
]);

/**
 * Reply to no keys, fields, members, ids or pairs, by command: a TypeScript expression. Commands that do something without any, as PFADD
 * makes its key, are sent.
 */
export const EMPTY: Readonly<Record<string, '0' | '[]' | '{}' | 'null' | "'OK'">> = {
  // One answer for each: none.
  ...Object.fromEntries([...ONE_EACH].map((name) => [name, '[]' as const])),

  // So many were added, removed, found: none.
  'ACL DELUSER': '0',
  DEL: '0',
  EXISTS: '0',
  GEOADD: '0',
  HDEL: '0',
  HSET: '0',
  PFCOUNT: '0',
  SADD: '0',
  SREM: '0',
  TOUCH: '0',
  UNLINK: '0',
  XACK: '0',
  XDEL: '0',
  ZADD: '0',
  ZREM: '0',

  // What is known of those that were asked for.
  'COMMAND DOCS': '{}',
  'COMMAND INFO': '[]',

  // The entries that were claimed: none.
  XCLAIM: '[]',

  // All that is in any of them: nothing. An intersection of nothing would be everything, and a difference needs a first.
  SUNION: '[]',
  ZUNION: '[]',

  // None of them has an element.
  LMPOP: 'null',
  ZMPOP: 'null',

  // These succeed whatever they are given.
  HMSET: "'OK'",
  MSET: "'OK'",
  WATCH: "'OK'",
};

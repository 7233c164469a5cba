// Arguments that are no keys by the facts' key specifications and still have to carry the client's prefix.

const ALL_CHANNELS = `[{ kind: 'channel', at: { from: 0, to: -1, step: 1 } }]`;
const ALL_SHARD_CHANNELS = `[{ kind: 'shard', at: { from: 0, to: -1, step: 1 } }]`;
const ALL_PATTERNS = `[{ kind: 'pattern', at: { from: 0, to: -1, step: 1 } }]`;
const SCAN_MATCH = `[{ kind: 'keyPattern', after: ['MATCH'], from: 1, otherwise: 'MATCH' }]`;
const SORT_PATTERNS = `[{ kind: 'sortPattern', after: ['BY', 'GET'], from: 1, widths: { LIMIT: 2, ALPHA: 0, ASC: 0, DESC: 0 } }]`;

/** Expressions for `CommandSpec.prefixed`, by command. */
export const PREFIXED: Readonly<Record<string, string>> = {
  PUBLISH: `[{ kind: 'channel', at: { from: 0, to: 0, step: 1 } }, { kind: 'eventKey', at: { from: 1, to: 1, step: 1 } }]`,
  SPUBLISH: `[{ kind: 'shard', at: { from: 0, to: 0, step: 1 } }]`,
  SUBSCRIBE: ALL_CHANNELS,
  SSUBSCRIBE: ALL_SHARD_CHANNELS,
  UNSUBSCRIBE: ALL_CHANNELS,
  SUNSUBSCRIBE: ALL_SHARD_CHANNELS,
  PSUBSCRIBE: ALL_PATTERNS,
  PUNSUBSCRIBE: ALL_PATTERNS,
  'PUBSUB CHANNELS': ALL_PATTERNS,
  // Shard channels are no notifications, but the pattern of all that begin with the prefix is made alike.
  'PUBSUB SHARDCHANNELS': `[{ kind: 'keyPattern', at: { from: 0, to: -1, step: 1 } }]`,
  'PUBSUB NUMSUB': ALL_CHANNELS,
  'PUBSUB SHARDNUMSUB': ALL_SHARD_CHANNELS,
  KEYS: `[{ kind: 'keyPattern', at: { from: 0, to: 0, step: 1 } }]`,
  SCAN: SCAN_MATCH,
  CLUSTERSCAN: SCAN_MATCH,
  SORT: SORT_PATTERNS,
  SORT_RO: SORT_PATTERNS,
  // Not a key to COMMAND GETKEYS, but a caller asks for the slot where the prefixed key lives.
  'CLUSTER KEYSLOT': `[{ kind: 'key', at: { from: 0, to: 0, step: 1 } }]`,
};

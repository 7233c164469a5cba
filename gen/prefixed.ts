// Arguments that are no keys by the facts' key specifications and still have to carry the client's prefix.

const ALL_CHANNELS = `[{ kind: 'channel', at: { from: 0, to: -1, step: 1 } }]`;
const FIRST_CHANNEL = `[{ kind: 'channel', at: { from: 0, to: 0, step: 1 } }]`;
const ALL_CHANNEL_PATTERNS = `[{ kind: 'channelPattern', at: { from: 0, to: -1, step: 1 } }]`;
const SCAN_MATCH = `[{ kind: 'keyPattern', after: ['MATCH'], from: 1, otherwise: 'MATCH' }]`;
const SORT_PATTERNS = `[{ kind: 'sortPattern', after: ['BY', 'GET'], from: 1, widths: { LIMIT: 2, ALPHA: 0, ASC: 0, DESC: 0 } }]`;

/** Expressions for `CommandSpec.prefixed`, by command. */
export const PREFIXED: Readonly<Record<string, string>> = {
  PUBLISH: FIRST_CHANNEL,
  SPUBLISH: FIRST_CHANNEL,
  SUBSCRIBE: ALL_CHANNELS,
  SSUBSCRIBE: ALL_CHANNELS,
  UNSUBSCRIBE: ALL_CHANNELS,
  SUNSUBSCRIBE: ALL_CHANNELS,
  PSUBSCRIBE: ALL_CHANNEL_PATTERNS,
  PUNSUBSCRIBE: ALL_CHANNEL_PATTERNS,
  'PUBSUB CHANNELS': ALL_CHANNEL_PATTERNS,
  'PUBSUB SHARDCHANNELS': ALL_CHANNEL_PATTERNS,
  'PUBSUB NUMSUB': ALL_CHANNELS,
  'PUBSUB SHARDNUMSUB': ALL_CHANNELS,
  KEYS: `[{ kind: 'keyPattern', at: { from: 0, to: 0, step: 1 } }]`,
  SCAN: SCAN_MATCH,
  CLUSTERSCAN: SCAN_MATCH,
  SORT: SORT_PATTERNS,
  SORT_RO: SORT_PATTERNS,
  // Not a key to COMMAND GETKEYS, but a caller asks for the slot where the prefixed key lives.
  'CLUSTER KEYSLOT': `[{ kind: 'key', at: { from: 0, to: 0, step: 1 } }]`,
};

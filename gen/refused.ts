// Commands that the specs call on real servers without ever getting what they are for, and why. Everything else is seen to succeed.

/** A refusal that counts as an answer. */
export interface Refusal {
  /** what the server says */
  readonly says: RegExp;
  readonly because: string;
}

export const REFUSED: Readonly<Record<string, Refusal>> = {
  BGREWRITEAOF: {
    says: /already in progress|active/,
    because: 'only where another child process of the server is at work',
  },
  BGSAVE: { says: /already in progress|active/, because: 'only where another child process of the server is at work' },
  'CLUSTER CANCELSLOTMIGRATIONS': { says: /[Nn]o.*migration/, because: 'nothing migrates in a cluster of one node' },
  'CLUSTER FAILOVER': { says: /replica/, because: 'the one node of the cluster is no replica' },
  'CLUSTER FORGET': { says: /Unknown node/, because: 'there is no other node to forget' },
  'CLUSTER MIGRATESLOTS': { says: /unknown/i, because: 'there is no other node to migrate to' },
  'CLUSTER REPLICATE': { says: /myself/, because: 'there is no other node to replicate' },
  'CLUSTER SET-CONFIG-EPOCH': { says: /config epoch/, because: 'the node has an epoch already' },
  DEBUG: { says: /not allowed|wrong number/, because: 'what it does is no business of a client' },
  'MODULE LOAD': { says: /not allowed|Error loading/, because: 'there is no module to load' },
  'MODULE LOADEX': { says: /not allowed|Error loading/, because: 'there is no module to load' },
  'MODULE UNLOAD': { says: /not allowed|no such module/, because: 'no module was loaded' },
  'SENTINEL FAILOVER': { says: /^NOGOODSLAVE|^INPROG|No suitable/, because: 'the watched master has no replica' },
};

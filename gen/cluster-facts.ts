// What a cluster needs to know of a command that has no key, beside the policies that servers tell.

import type { RuntimeFacts } from './facts';

/** Commands that have no key and mean the one server that gets them: what it is told there, no other knows. */
const OF_ONE_SERVER = [
  'ACL (LOAD|LOG)',
  '(BG)?SAVE',
  'BGREWRITEAOF',
  'LASTSAVE',
  'CLIENT (GETREDIR|ID|INFO|KILL|LIST|PAUSE|TRACKINGINFO|UNBLOCK|UNPAUSE)',
  'CLUSTER (ADD|DEL|FLUSH)SLOTS?(RANGE)?',
  'CLUSTER (BUMPEPOCH|CANCELSLOTMIGRATIONS|COUNT-FAILURE-REPORTS|COUNTKEYSINSLOT|FAILOVER|FORGET|GETKEYSINSLOT)',
  'CLUSTER (GETSLOTMIGRATIONS|LINKS|MEET|MIGRATESLOTS|MIGRATION|MYID|MYSHARDID|REPLICATE|RESET|SAVECONFIG)',
  'CLUSTER (SET-CONFIG-EPOCH|SETSLOT|SYNCSLOTS)',
  'CONFIG GET',
  'DEBUG',
  'FAILOVER',
  'MODULE (LIST|LOAD|LOADEX|UNLOAD)',
  '(REPLICA|SLAVE)OF',
  'ROLE',
  'SENTINEL .*',
  'SHUTDOWN',
  'SWAPDB',
];

const PATTERN = new RegExp(`^(${OF_ONE_SERVER.join('|')})$`);

/** Whether a command without keys means one server. */
export function isOfOneServer(name: string): boolean {
  return PATTERN.test(name);
}

/** Policies that servers do not tell: each node knows its own subscribers alone, and replicas have some as well. */
const POLICIES: Readonly<Record<string, Pick<RuntimeFacts, 'req' | 'res'>>> = {
  'PUBSUB CHANNELS': { req: 'all_nodes', res: 'distinct' },
  'PUBSUB SHARDCHANNELS': { req: 'all_nodes', res: 'distinct' },
  'PUBSUB NUMPAT': { req: 'all_nodes', res: 'agg_sum' },
  'PUBSUB NUMSUB': { req: 'all_nodes', res: 'agg_sum' },
  'PUBSUB SHARDNUMSUB': { req: 'all_nodes', res: 'agg_sum' },
};

/** How a cluster spreads a command, and how the replies become one. */
export function policiesOf(name: string, { req, res }: RuntimeFacts): Pick<RuntimeFacts, 'req' | 'res'> {
  return POLICIES[name] ?? { ...(req !== undefined && { req }), ...(res !== undefined && { res }) };
}

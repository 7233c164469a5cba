import { eventually } from '../../support/clients';
import type { Call } from './compare';
import type { RawSession } from './raw-session';

/** This node serves all slots and has no keys. */
export async function cleanCluster(session: RawSession): Promise<void> {
  await session.flushall();
  const slots = await session.clusterSlots();
  if (slots.length === 1 && slots[0]?.start === 0 && slots[0].end === 16_383) return;
  await session.clusterFlushslots();
  await session.clusterAddslots(Array.from({ length: 16_384 }, (_, slot) => slot));
}

/** A slot that nobody serves. */
const freeSlots =
  (...args: unknown[]): Call =>
  async (session) => {
    await session.clusterDelslots(5, 6);
    return args;
  };

const withKey =
  (...args: unknown[]): Call =>
  async (session) => {
    // A node that has just got its slots takes a while to believe that the cluster is up.
    await eventually(
      () => Promise.resolve(session.set('key', 'value')).catch(() => 'down'),
      (reply) => reply === 'OK',
    );
    return args;
  };

/** Calls of the commands of a cluster, to the node of this id. */
export const clusterCalls = (id: string): Readonly<Record<string, readonly Call[]>> => ({
  ASKING: [[]],
  READONLY: [[]],
  READWRITE: [[]],
  'CLUSTER ADDSLOTS': [freeSlots(5, 6), freeSlots([5])],
  'CLUSTER ADDSLOTSRANGE': [
    freeSlots([5, 6]),
    freeSlots([
      [5, 5],
      [6, 6],
    ]),
  ],
  'CLUSTER BUMPEPOCH': [[]],
  'CLUSTER CANCELSLOTMIGRATIONS': [[]],
  'CLUSTER COUNT-FAILURE-REPORTS': [[id]],
  'CLUSTER COUNTKEYSINSLOT': [withKey(12_539)],
  'CLUSTER DELSLOTS': [[[5, 7]]],
  'CLUSTER DELSLOTSRANGE': [[[5, 7]]],
  'CLUSTER FAILOVER': [[], ['FORCE']],
  'CLUSTER FLUSHSLOT': [withKey(12_539, 'SYNC')],
  'CLUSTER FLUSHSLOTS': [[]],
  'CLUSTER FORGET': [['0'.repeat(40)]],
  'CLUSTER GETKEYSINSLOT': [withKey(12_539, 10)],
  'CLUSTER GETSLOTMIGRATIONS': [[]],
  'CLUSTER HELP': [[]],
  'CLUSTER INFO': [[]],
  'CLUSTER KEYSLOT': [['key']],
  'CLUSTER LINKS': [[]],
  'CLUSTER MEET': [['127.0.0.1', 1]],
  'CLUSTER MIGRATESLOTS': [[{ SLOTSRANGE: [0, 1], NODE: '0'.repeat(40) }]],
  'CLUSTER MIGRATION': [
    ['STATUS', 'ALL'],
    ['CANCEL', 'ALL'],
    ['IMPORT', [0, 1]],
  ],
  'CLUSTER MYID': [[]],
  'CLUSTER MYSHARDID': [[]],
  'CLUSTER NODES': [[]],
  'CLUSTER REPLICAS': [[id]],
  'CLUSTER REPLICATE': [[id]],
  'CLUSTER RESET': [[], ['SOFT']],
  'CLUSTER SAVECONFIG': [[]],
  'CLUSTER SET-CONFIG-EPOCH': [[1]],
  'CLUSTER SETSLOT': [
    [5, 'STABLE'],
    [5, { NODE: id }],
  ],
  'CLUSTER SHARDS': [[]],
  'CLUSTER SLAVES': [[id]],
  'CLUSTER SLOT-STATS': [[{ SLOTSRANGE: [0, 2] }], [{ ORDERBY: 'key-count', LIMIT: 2, ORDER: 'DESC' }]],
  'CLUSTER SLOTS': [[]],
  CLUSTERSCAN: [withKey('0', { MATCH: 'k*', COUNT: 100 })],
});

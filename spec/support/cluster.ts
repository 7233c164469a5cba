import { Redis } from 'rxjs-redis';
import { startServer, type RunningServer } from '../../infra/servers';
import { eventually } from './clients';

/** A node of a cluster, and a client of it for what the spec does behind the back of the client under test. */
export interface ClusterNode {
  readonly server: RunningServer;
  readonly admin: Redis;
  readonly id: string;
}

const LAST = 16_383;

/**
 * Starts a cluster of two masters before the specs of a file, and stops it after them. The first has all slots but the last, for a
 * master without slots becomes a replica.
 */
export function useTwoNodes(): () => readonly [ClusterNode, ClusterNode] {
  const nodes: ClusterNode[] = [];
  beforeAll(async () => {
    for (let n = 0; n < 2; n++) nodes.push(await startNode());
    const [first, second] = nodes as [ClusterNode, ClusterNode];
    await first.admin.clusterAddslots(Array.from({ length: LAST }, (_, slot) => slot));
    await second.admin.clusterAddslots(LAST);
    await second.admin.call('CLUSTER MEET', '127.0.0.1', first.server.port);
    for (const { admin } of nodes) {
      await eventually(
        () => admin.call<string>('CLUSTER INFO'),
        (info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:2'),
      );
    }
    await untilAgreed(first, second);
  });
  afterAll(async () => {
    for (const { admin, server } of nodes) {
      await admin.destroy();
      await server.stop();
    }
  });
  return () => nodes as unknown as [ClusterNode, ClusterNode];
}

async function startNode(): Promise<ClusterNode> {
  const args = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'];
  let server = await startServer({ own: true, args });
  if (server.version.startsWith('6.')) {
    await server.stop();
    server = await startServer({ own: true, args, server: 'redis-7.0' }); // the first with shard channels
  }
  const admin = new Redis(server.url);
  return { server, admin, id: await admin.clusterMyid() };
}

/** Moves a slot without keys from one node to another, as an operator does by hand. */
export async function moveSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
  await to.admin.call('CLUSTER SETSLOT', slot, 'IMPORTING', from.id);
  await from.admin.call('CLUSTER SETSLOT', slot, 'MIGRATING', to.id);
  await to.admin.call('CLUSTER SETSLOT', slot, 'NODE', to.id);
  await from.admin.call('CLUSTER SETSLOT', slot, 'NODE', to.id);
  await untilAgreed(from, to);
}

/**
 * Waits until two nodes tell the same about both: which slots each has, and by which epoch, one of its own. A node that has
 * not heard of the other's epoch would move a slot with too low a one, and the other would take it back.
 */
async function untilAgreed(first: ClusterNode, second: ClusterNode): Promise<void> {
  await eventually(
    () => Promise.all([first, second].map(holdings)),
    ([one, other]) => one!.text === other!.text && one!.epochs.size === 2,
  );
}

/** What a node tells about each node that it knows. */
async function holdings({ admin }: ClusterNode): Promise<{ text: string; epochs: Set<string> }> {
  const lines = (await admin.call<string>('CLUSTER NODES')).trim().split('\n').sort();
  const nodes = lines.map((line) => {
    const [id = '', , , , , , epoch = '', , ...slots] = line.split(' ');
    return { id, epoch, slots };
  });
  return { text: JSON.stringify(nodes), epochs: new Set(nodes.map(({ epoch }) => epoch)) };
}

import { Redis, RedisCluster, type RedisClusterOptions } from 'rxjs-redis';
import { startCluster, type ClusterOptions, type RunningCluster, type RunningServer } from '../../infra/servers';
import { eventually } from './clients';

/** A cluster, and clients of its nodes for what a spec does behind the back of the client under test. */
export interface WholeCluster extends RunningCluster {
  /** a client of one node */
  admin(node: RunningServer): Redis;
  /** the node that has a slot, as the first that answers tells */
  ownerOf(slot: number): Promise<RunningServer>;
  /** the replicas that a node tells of itself */
  replicasOf(node: RunningServer): Promise<RunningServer[]>;
  /** the id of a node */
  idOf(node: RunningServer): Promise<string>;
}

/**
 * Starts a cluster before the specs of a file, and stops it after them.
 * @param each a new one for each spec: where specs fail nodes
 */
export function useCluster(options: ClusterOptions = {}, { each = false } = {}): () => WholeCluster {
  let cluster: WholeCluster | undefined;
  let admins: Map<RunningServer, Redis> = new Map();
  const begin = async (): Promise<void> => {
    const running = await startCluster(options);
    admins = new Map();
    cluster = withAdmins(running, admins);
  };
  const end = async (): Promise<void> => {
    for (const admin of admins.values()) await admin.destroy();
    await cluster?.stop();
  };
  if (each) {
    beforeEach(begin);
    afterEach(end);
  } else {
    beforeAll(begin);
    afterAll(end);
  }
  return () => {
    if (cluster === undefined) throw new Error('useCluster: the cluster is there in specs and hooks, not before');
    return cluster;
  };
}

function withAdmins(running: RunningCluster, admins: Map<RunningServer, Redis>): WholeCluster {
  const { nodes } = running;
  const admin = (node: RunningServer): Redis => {
    let one = admins.get(node);
    if (one === undefined) {
      one = new Redis(node.url, { reconnect: { maxDelay: 100 } });
      one.events$.subscribe();
      admins.set(node, one);
    }
    return one;
  };
  const byPort = (port: number): RunningServer => nodes.find((node) => node.port === port)!;
  return {
    ...running,
    nodes,
    admin,
    async ownerOf(slot) {
      const first = nodes.find(({ pid }) => pid !== undefined)!;
      const ranges = await admin(first).clusterSlots();
      return byPort(ranges.find(({ start, end }) => slot >= start && slot <= end)!.nodes[0]!.port);
    },
    async replicasOf(node) {
      const text = await admin(node).call<string>('INFO', 'replication');
      return [...text.matchAll(/port=(\d+)/g)].map(([, port]) => byPort(Number(port)));
    },
    idOf: (node) => admin(node).clusterMyid(),
  };
}

/** Makes clients of a cluster for the specs of a file and destroys them after each. */
export function useClusterClients(
  cluster: () => RunningCluster,
): (options?: Partial<RedisClusterOptions>) => RedisCluster {
  const clients: RedisCluster[] = [];
  afterEach(() => Promise.all(clients.splice(0).map((client) => client.destroy())));
  return (options = {}) => {
    const nodes = cluster().nodes.map(({ host, port }) => ({ host, port }));
    const client = new RedisCluster({ nodes, ...options });
    client.events$.subscribe();
    clients.push(client);
    return client;
  };
}

/** Begins to move a slot by hand: keys that are gone are asked for at the other node. */
export async function beginMove(cluster: WholeCluster, slot: number, from: RunningServer, to: RunningServer) {
  await cluster.admin(to).call('CLUSTER SETSLOT', slot, 'IMPORTING', await cluster.idOf(from));
  await cluster.admin(from).call('CLUSTER SETSLOT', slot, 'MIGRATING', await cluster.idOf(to));
}

/** Moves the keys of a slot that is being moved. */
export async function moveKeys(cluster: WholeCluster, from: RunningServer, to: RunningServer, ...keys: string[]) {
  await cluster.admin(from).call('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys);
}

/** Ends the move: the slot is the other node's, and all masters know. */
export async function endMove(cluster: WholeCluster, slot: number, from: RunningServer, to: RunningServer) {
  const id = await cluster.idOf(to);
  await cluster.admin(to).call('CLUSTER SETSLOT', slot, 'NODE', id);
  await cluster.admin(from).call('CLUSTER SETSLOT', slot, 'NODE', id);
}

/** Moves a slot with all its keys, and waits until every node knows. */
export async function moveSlot(cluster: WholeCluster, slot: number, from: RunningServer, to: RunningServer) {
  await beginMove(cluster, slot, from, to);
  for (;;) {
    const keys = await cluster.admin(from).call<string[]>('CLUSTER GETKEYSINSLOT', slot, 100);
    if (keys.length === 0) break;
    await moveKeys(cluster, from, to, ...keys);
  }
  await endMove(cluster, slot, from, to);
}

/** Has the replica of the node that has a slot take its place, and waits until the master knows. */
export async function failOver(
  cluster: WholeCluster,
  slot: number,
): Promise<{ readonly old: RunningServer; readonly next: RunningServer }> {
  const old = await cluster.ownerOf(slot);
  const [next] = await cluster.replicasOf(old);
  await cluster.admin(next!).call('CLUSTER FAILOVER');
  await eventually(
    () => cluster.admin(old).call<unknown[]>('ROLE'),
    ([role]) => role === 'slave',
  );
  return { old, next: next! };
}

/** Waits until every node that runs names this one as the owner of a slot. */
export async function untilKnown(cluster: WholeCluster, slot: number, owner: RunningServer): Promise<void> {
  for (const node of cluster.nodes) {
    if (node.pid === undefined) continue;
    await eventually(
      () => cluster.admin(node).clusterSlots(),
      (ranges) => ranges.find(({ start, end }) => slot >= start && slot <= end)?.nodes[0]?.port === owner.port,
    );
  }
}

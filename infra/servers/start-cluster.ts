import { ask } from './ask';
import type { RunningServer } from './running-server';
import type { ServerName } from './server-names';
import { startServer } from './start-server';

export interface ClusterOptions {
  /** How many masters share the slots; default 3. */
  readonly masters?: number;
  /** How many replicas each master has; default 1. */
  readonly replicas?: number;
  /** How long a node may be silent before the others take it for failed, ms; default 1 000. */
  readonly nodeTimeout?: number;
  /** Whether all slots are refused while one is not served, as servers do by default; default true. */
  readonly fullCoverage?: boolean;
  /** More arguments for every node. */
  readonly args?: readonly string[];
  /** A version that is needed exactly. */
  readonly server?: ServerName;
  /** Takes the line that says where the servers come from; stderr otherwise. */
  readonly log?: (line: string) => void;
}

/** A cluster that serves all slots. */
export interface RunningCluster {
  /** The nodes: masters first, then the first replica of each, and so on. Failovers change roles, and not this order. */
  readonly nodes: readonly RunningServer[];
  /** How many of the nodes were masters at first. */
  readonly masters: number;
  readonly version: string;
  /** Starts one more node, which knows the others and has no slots. */
  add(): Promise<RunningServer>;
  /** Ends all nodes at once and deletes their folders. */
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const ANSWER_TIMEOUT = 10_000;
const FORMING_TIMEOUT = 60_000;
const RETRY_DELAY = 20;

/**
 * Brings up a cluster on 127.0.0.1 and waits until every node tells of all masters and replicas. It takes two to three seconds.
 * @throws Error when a node does not start, or the nodes do not agree in time
 */
export async function startCluster(options: ClusterOptions = {}): Promise<RunningCluster> {
  const { masters = 3, replicas = 1 } = options;
  const nodes: RunningServer[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())));
  try {
    // The first tells where servers come from, and unpacks them if need be.
    nodes.push(await startNode(options));
    const others = Array.from({ length: masters * (1 + replicas) - 1 }, () => startNode(options));
    for (const started of await Promise.allSettled(others)) {
      if (started.status === 'rejected') throw started.reason;
      nodes.push(started.value);
    }
    await form(nodes, masters, replicas);
  } catch (error) {
    await stop();
    throw error;
  }
  const add = async (): Promise<RunningServer> => {
    const node = await startNode(options);
    nodes.push(node);
    await say(node, [['CLUSTER', 'MEET', '127.0.0.1', String(nodes[0]!.port)]]);
    return node;
  };
  return { nodes, masters, version: nodes[0]!.version, add, stop };
}

function startNode({ nodeTimeout = 1_000, fullCoverage = true, args = [], server, log }: ClusterOptions) {
  const own = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': String(nodeTimeout),
    'cluster-require-full-coverage': fullCoverage ? 'yes' : 'no',
    // A replica that has received nothing yet is missing from CLUSTER SLOTS; the default is 10 s.
    'repl-ping-replica-period': '1',
    'repl-diskless-sync': 'yes',
    'repl-diskless-sync-delay': '0',
  };
  const flags = Object.entries(own).flatMap(([name, value]) => [`--${name}`, value]);
  return startServer({
    own: true,
    args: [...flags, ...args],
    ...(server !== undefined && { server }),
    ...(log !== undefined && { log }),
  });
}

/** Has the nodes meet, gives the masters their slots and the replicas their masters, and waits until all agree. */
async function form(nodes: readonly RunningServer[], masters: number, replicas: number): Promise<void> {
  const [first, ...others] = nodes as [RunningServer, ...RunningServer[]];
  // Each master begins with an epoch of its own, so that they need not find one out.
  const prepared = nodes.slice(0, masters).map((node, index) => {
    const from = Math.floor((index * SLOTS) / masters);
    const to = Math.floor(((index + 1) * SLOTS) / masters);
    const slots = Array.from({ length: to - from }, (_, at) => String(from + at));
    return say(node, [
      ['CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)],
      ['CLUSTER', 'ADDSLOTS', ...slots],
    ]);
  });
  await Promise.all(prepared);
  const meetings = others.map(({ port }) => ['CLUSTER', 'MEET', '127.0.0.1', String(port)]);
  if (meetings.length > 0) await say(first, meetings);
  await Promise.all(nodes.map((node) => until(node, (lines) => lines.length === nodes.length, nodes.length)));
  const ids = await Promise.all(nodes.map(async (node) => (await say(node, [['CLUSTER', 'MYID']]))[0]!));
  await Promise.all(
    nodes.slice(masters).map((node, index) => say(node, [['CLUSTER', 'REPLICATE', ids[index % masters]!]])),
  );
  await Promise.all(nodes.map((node) => untilComplete(node, masters, replicas)));
  // A node names a replica in CLUSTER SLOTS once it has heard that this has received something.
  const isNamed = (ports: readonly string[]) => nodes.every(({ port }) => ports.includes(String(port)));
  for (const node of nodes) {
    await eventually(
      async () => (await say(node, [['CLUSTER', 'SLOTS']]))[0]!.split(' '),
      isNamed,
      () => `a node of a cluster of ${nodes.length}`,
    );
  }
}

/** Waits until a node tells of all masters and replicas, and says that the cluster is well. */
async function untilComplete(node: RunningServer, masters: number, replicas: number): Promise<void> {
  await until(
    node,
    (lines) => {
      const healthy = lines.filter((line) => !/fail|handshake|noaddr/.test(line.split(' ')[2]!));
      const count = (role: string) => healthy.filter((line) => line.split(' ')[2]!.includes(role)).length;
      return count('master') === masters && count('slave') === masters * replicas;
    },
    masters * (1 + replicas),
  );
  await eventually(
    async () =>
      (
        await say(node, [
          ['CLUSTER', 'INFO'],
          ['INFO', 'replication'],
        ])
      ).join('\n'),
    (info) => {
      if (!info.includes('cluster_state:ok')) return false;
      const offset = Number(/master_repl_offset:(\d+)/.exec(info)?.[1]);
      const synced = info.includes('role:slave')
        ? info.includes('master_link_status:up') && offset > 0
        : [...info.matchAll(/state=online,offset=([1-9]\d*)/g)].length === replicas;
      return replicas === 0 || synced;
    },
    () => `a node of a cluster of ${masters * (1 + replicas)}`,
  );
}

async function until(node: RunningServer, wanted: (lines: string[]) => boolean, size: number): Promise<void> {
  await eventually(
    async () => (await say(node, [['CLUSTER', 'NODES']]))[0]!.trim().split('\n'),
    wanted,
    () => `a node of a cluster of ${size}`,
  );
}

async function eventually<T>(look: () => Promise<T>, wanted: (seen: T) => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + FORMING_TIMEOUT;
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return;
    if (Date.now() > deadline)
      throw new Error(`${what()} did not become ready within ${FORMING_TIMEOUT} ms: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
  }
}

/** @throws Error when a node refuses */
async function say({ host, port }: RunningServer, commands: readonly (readonly string[])[]): Promise<string[]> {
  const replies = await ask({ host, port }, commands, ANSWER_TIMEOUT);
  const refused = replies.findIndex((reply) => reply.startsWith('-'));
  if (refused >= 0) throw new Error(`${commands[refused]!.slice(0, 2).join(' ')}: ${replies[refused]!}`);
  return replies;
}

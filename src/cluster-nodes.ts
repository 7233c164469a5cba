import { defer, distinctUntilChanged, map, startWith, type Observable } from 'rxjs';
import { inContext } from './connection/async-context';
import type { ConnectionState } from './connection/connection-state';
import { shielded } from './connection/shielded';
import type { ClusterNode } from './topology/node';
import type { Topology } from './topology/topology';

/** One node of a cluster, as the client knows it. */
export interface NodeOfCluster {
  /** `host:port`, as this client reaches it */
  readonly address: string;
  /** its id in the cluster; empty where that is not known */
  readonly id: string;
  /** what it was when a node was asked the last time */
  readonly role: 'master' | 'replica';
  /** the address of its master, where it is a replica */
  readonly master?: string;
  /** how many slots it has */
  readonly slots: number;
  /** what the connection to it is doing */
  readonly state: ConnectionState['kind'];
}

/** Which nodes `each` takes. */
export type NodeRole = 'masters' | 'replicas' | 'all';

/** The nodes as they are known now. */
export function nodesOf(topology: Topology): readonly NodeOfCluster[] {
  const counts = topology.slotsByOwner();
  const masters = new Map<ClusterNode, ClusterNode>();
  for (const master of counts.keys()) for (const replica of master.replicas) masters.set(replica, master);
  return [...topology.nodes.values()].flatMap((node): NodeOfCluster[] => {
    const slots = counts.get(node) ?? 0;
    if (node.role === undefined && slots === 0) return [];
    const role = slots > 0 ? 'master' : (node.role ?? 'master');
    const master = role === 'replica' ? masters.get(node)?.name : undefined;
    const connection = role === 'replica' ? (node.readerIfMade ?? node.connection) : node.connection;
    return [
      {
        address: node.name,
        id: node.id,
        role,
        ...(master !== undefined && { master }),
        slots,
        state: connection.state$.value.kind,
      },
    ];
  });
}

/** The nodes: now, and again when something about them has changed. */
export function changingNodesOf(topology: Topology): Observable<readonly NodeOfCluster[]> {
  return defer(() => topology.changes$.pipe(startWith(undefined))).pipe(
    map(() => nodesOf(topology)),
    distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)),
    shielded(),
    inContext(),
  );
}

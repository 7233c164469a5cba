import type { Connection } from '../../src/connection/connection';
import { CallCounter } from '../../src/connection/detour';
import type { SeenNode } from '../../src/topology/slot-map';
import { Topology } from '../../src/topology/topology';
import type { VirtualClock } from './virtual-clock';

/** A node as a view names it. */
export function seenNode(port: number): SeenNode {
  return { name: `a:${port}`, address: { host: 'a', port }, host: 'a', id: `id-${port}` };
}

/**
 * What is known of a cluster to whose nodes nothing is sent.
 * @param connection makes that of a node
 */
export function knownNodes(clock: VirtualClock, connection: () => Connection): Topology {
  return new Topology({
    clock,
    connect: () => ({ connection: connection(), executor: { submit: () => undefined } }),
    detourOf: () => ({
      calls: new CallCounter(),
      isAway: () => false,
      redirects: () => false,
      wants: () => false,
      take: () => undefined,
    }),
    submit: () => undefined,
    moved: () => undefined,
    offlineQueue: 10,
    blockingGrace: 0,
  });
}

import { call } from '../commands/call';
import type { Connection } from '../connection/connection';
import type { ClusterNode } from './node';
import type { Topology } from './topology';

/** A node that owes replies and says nothing for so long is suspected, ms. */
const SILENCE = 1_000;

/** Notices that nodes are silent. */
//  owes nothing ──sent──▶ owes ──silent for a second──▶ suspected
//       ▲  ▲───────────────┴─────────heard───────────────┘
//       └─ PING each second, where messages or a lent connection wait for what the node may never tell
export class Silence {
  /** Since when connections have owed replies and were silent, on the clock, ms. */
  private readonly owing = new Map<Connection, number>();

  constructor(private readonly topology: Topology) {}

  look(now: number): void {
    const { nodes, waited } = this.topology;
    for (const node of nodes.values()) for (const connection of node.connections) this.lookAt(node, connection, now);
    for (const connection of this.owing.keys()) if (connection.closed) this.owing.delete(connection);
    for (const node of new Set(waited.flatMap((nodesOf) => [...nodesOf()]))) ask(node, now);
  }

  private lookAt(node: ClusterNode, connection: Connection, now: number): void {
    const { link, queued } = connection.line;
    const owes = link === undefined ? queued > 0 : link.owed.length > 0;
    const since = this.owing.get(connection);
    if (!owes) this.owing.delete(connection);
    else if (since === undefined || (link?.heardAt ?? 0) > since) this.owing.set(connection, now);
    else if (now - since >= SILENCE) {
      node.silent.add(connection);
      node.silentAt ??= now;
      return;
    }
    node.silent.delete(connection);
    // A new link is not heard before it has answered its handshake.
    if (node.silentAt !== undefined && (link?.heardAt ?? 0) > node.silentAt) node.silentAt = undefined;
  }
}

/** A node is asked for a sign of life by the connection whose silence is noticed. */
function ask({ connection }: ClusterNode, now: number): void {
  connection.open();
  const { line, state$ } = connection;
  if (state$.value.kind !== 'ready' || line.pending > 0 || now - line.link!.heardAt < SILENCE) return;
  line.sendAhead(call('PING')).subscribe({ error: () => undefined });
}

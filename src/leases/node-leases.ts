import { forkJoin, map, of, type Observable } from 'rxjs';
import type { Connection } from '../connection/connection';
import type { RedisError } from '../errors';
import type { ClusterNode } from '../topology/node';
import type { PoolStats } from './lease-lists';
import type { LeasePool } from './lease-pool';

/** Connections to the nodes of a cluster that are lent: a pool for each node, made when one is first wanted. */
export class NodeLeases {
  private readonly pools = new Map<ClusterNode, LeasePool>();
  private readonly owners = new WeakMap<Connection, ClusterNode>();
  private ended: (() => RedisError) | undefined;

  /** @param make makes the pool of a node; the function tells whose a connection is */
  constructor(private readonly make: (node: ClusterNode, made: (connection: Connection) => void) => LeasePool) {}

  /** @throws DisconnectedError when nothing is lent any more */
  poolOf(node: ClusterNode): LeasePool {
    if (this.ended !== undefined) throw this.ended();
    let pool = this.pools.get(node);
    if (pool === undefined) {
      pool = this.make(node, (connection) => this.owners.set(connection, node));
      this.pools.set(node, pool);
    }
    return pool;
  }

  /** The node that a connection leads to. */
  nodeOf(connection: Connection): ClusterNode | undefined {
    return this.owners.get(connection);
  }

  /** Ends the pools of nodes that are gone, but for what is lent. */
  retire(isThere: (node: ClusterNode) => boolean, toError: () => RedisError): void {
    for (const [node, pool] of this.pools) {
      if (isThere(node)) continue;
      this.pools.delete(node);
      // What waits there has no end of its own, and is told why it is left.
      for (const { line } of [...pool.connections])
        if (node.isSuspected || !line.drain.owesSoon) line.link?.lose(node.leaving);
      pool.close(toError).subscribe();
    }
  }

  /** The nodes to which connections are lent now. */
  get inUse(): Iterable<ClusterNode> {
    return [...this.pools].filter(([, { stats }]) => stats.active > 0).map(([node]) => node);
  }

  /** How many pools there are. */
  get count(): number {
    return this.pools.size;
  }

  get stats(): PoolStats {
    const stats = { active: 0, idle: 0, waiting: 0, total: 0 };
    for (const pool of this.pools.values()) {
      const own = pool.stats;
      stats.active += own.active;
      stats.idle += own.idle;
      stats.waiting += own.waiting;
      stats.total += own.total;
    }
    return stats;
  }

  get longestWait(): number | undefined {
    const waits = [...this.pools.values()].flatMap(({ longestWait }) => longestWait ?? []);
    return waits.length === 0 ? undefined : Math.max(...waits);
  }

  get connections(): Iterable<Connection> {
    return [...this.pools.values()].flatMap((pool) => [...pool.connections]);
  }

  end(toError: () => RedisError): void {
    this.ended = toError;
    for (const pool of this.pools.values()) pool.end(toError);
  }

  close(toError: () => RedisError, isEnding: (connection: Connection) => boolean): Observable<void> {
    this.ended = toError;
    const closing = [...this.pools.values()].map((pool) => pool.close(toError, isEnding));
    return closing.length === 0 ? of(undefined) : forkJoin(closing).pipe(map(() => undefined));
  }

  destroy(toError: () => RedisError): void {
    this.ended = toError;
    for (const pool of this.pools.values()) pool.destroy(toError);
  }
}

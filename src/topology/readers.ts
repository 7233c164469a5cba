import type { Executor, ReadsFrom } from '../commands/request-context';
import type { Nearness } from './nearness';
import type { ClusterNode } from './node';
import type { Topology } from './topology';

/** Chooses which node reads. */
export class Readers {
  private next = 0;

  /** @param zone where the client is; undefined where that is not known */
  constructor(
    private readonly topology: Topology,
    private readonly nearness: Nearness,
    private readonly zone: string | undefined,
  ) {}

  /** What reads the keys of a slot; undefined where the master is to, as long as nothing is known of the others. */
  readerOf(slot: number, reads: ReadsFrom): Executor | undefined {
    const master = this.topology.ownerOf(slot);
    if (master === undefined || reads === 'master') return undefined;
    const there = master.replicas.filter(mayRead);
    if (reads === 'replica') return this.oneOf(there);
    return reads === 'same-zone' ? this.inZone(master, there) : this.nearest(master, there);
  }

  private inZone(master: ClusterNode, replicas: readonly ClusterNode[]): Executor | undefined {
    const { zone, nearness } = this;
    if (zone === undefined) return undefined;
    nearness.locate(master, master.connection);
    for (const replica of replicas) nearness.locate(replica, replica.reader.connection);
    if (master.zone === zone) return undefined;
    return this.oneOf(replicas.filter((replica) => replica.zone === zone));
  }

  private nearest(master: ClusterNode, replicas: readonly ClusterNode[]): Executor | undefined {
    const { nearness } = this;
    nearness.measure(master, master.connection);
    let nearest: ClusterNode | undefined;
    for (const replica of replicas) {
      nearness.measure(replica, replica.reader.connection);
      if (replica.distance < (nearest ?? master).distance) nearest = replica;
    }
    return nearest?.reader.executor;
  }

  private oneOf(replicas: readonly ClusterNode[]): Executor | undefined {
    if (replicas.length === 0) return undefined;
    this.next = (this.next + 1) % replicas.length;
    return replicas[this.next]!.reader.executor;
  }
}

/** Whether a replica can be asked: nothing has failed there, and it is none that became a master. */
function mayRead({ role, isReaderLost, isSuspected }: ClusterNode): boolean {
  return role === 'replica' && !isReaderLost && !isSuspected;
}

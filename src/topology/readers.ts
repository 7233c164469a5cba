import type { Executor, ReadsFrom } from '../commands/request-context';
import type { ClusterNode } from './node';
import type { Topology } from './topology';

/** Chooses which node reads. */
export class Readers {
  private next = 0;

  /** @param zone where the client is; undefined where that is not known */
  constructor(
    private readonly topology: Topology,
    private readonly zone: string | undefined,
  ) {}

  /** What reads the keys of a slot; undefined where the master is to. */
  readerOf(slot: number, reads: ReadsFrom): Executor | undefined {
    const master = this.topology.ownerOf(slot);
    if (master === undefined || reads === 'master') return undefined;
    const there = master.replicas.filter(mayRead);
    if (reads === 'replica') return this.oneOf(there);
    if (reads === 'same-zone') {
      if (this.zone === undefined || master.zone === this.zone) return undefined;
      return this.oneOf(there.filter(({ zone }) => zone === this.zone));
    }
    let nearest: ClusterNode | undefined;
    for (const replica of there) if (replica.distance < (nearest ?? master).distance) nearest = replica;
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

import { BehaviorSubject } from 'rxjs';
import type { Connection } from '../../../src/connection/connection';
import { knownNodes, seenNode } from '../../support/known-nodes';
import { VirtualClock } from '../../support/virtual-clock';

const SLOT = 100;

/** A view in which one node has the slot, and the first all others. */
function view(owner: number, epoch: number, replicas: readonly number[] = []) {
  const others = { master: seenNode(1), replicas: [] };
  return {
    epoch,
    ranges: [
      { from: 0, to: SLOT - 1, ...others },
      { from: SLOT, to: SLOT, master: seenNode(owner), replicas: replicas.map(seenNode) },
      { from: SLOT + 1, to: 16_000, ...others },
      { from: 16_001, to: 16_100, master: seenNode(2), replicas: [] },
      { from: 16_101, to: 16_383, master: seenNode(3), replicas: [] },
    ],
  };
}

/** What is known of a cluster, whose first node has the slot. */
function known() {
  const clock = new VirtualClock();
  const connection = (): Connection =>
    ({
      state$: new BehaviorSubject({ kind: 'ready' }),
      line: { pending: 0, takeRepeats: () => [] },
    }) as unknown as Connection;
  const topology = knownNodes(clock, connection);
  const at = (port: number) => topology.nodeAt(seenNode(port).address);
  /** A node tells of the whole cluster. */
  const told = (by: number, what: ReturnType<typeof view>) => {
    topology.apply(what, topology.learned.count, clock.now(), at(by));
  };
  const owner = () => topology.ownerOf(SLOT)?.address.port;
  /** MOVED names a node, or a replica says that it is master. */
  const moved = (to: number) => {
    topology.learn(SLOT);
    topology.redirect(SLOT, at(to));
  };
  told(1, view(1, 7));
  return { clock, topology, at, told, owner, moved };
}

describe('a slot that MOVED has told of', () => {
  it('is not given back by a node that has not heard of it, and tells the same epoch', () => {
    const { clock, told, owner, moved } = known();
    moved(2);
    clock.advance(5_000);
    told(3, view(1, 7));
    expect(owner()).toBe(2);
  });

  it('is not given back by one that has heard of the epoch before it has heard who has won it', () => {
    const { clock, told, owner, moved } = known();
    moved(2);
    clock.advance(100);
    told(3, view(1, 8));
    expect(owner()).toBe(2);
    clock.advance(1_000);
    told(3, view(1, 8));
    expect(owner()).toBe(1);
  });

  it('stays where a later epoch has confirmed it, and that is heard of by one that has not', () => {
    const { clock, told, owner, moved } = known();
    moved(2);
    told(2, view(2, 8));
    clock.advance(5_000);
    told(3, view(1, 8));
    expect(owner()).toBe(2);
  });

  it('stays although its new owner is still called a replica', () => {
    const { told, owner, moved } = known();
    told(1, view(1, 7, [4]));
    moved(4);
    told(3, view(1, 7, [4]));
    expect(owner()).toBe(4);
  });

  it('is what its owner says itself', () => {
    const { told, owner, moved } = known();
    moved(2);
    told(2, view(3, 7));
    expect(owner()).toBe(3);
  });

  it.each(['isLost', 'isSuspected'] as const)('is what others say where its owner is gone: %s', (word) => {
    const { at, told, owner, moved } = known();
    moved(2);
    Object.defineProperty(at(2), word, { value: true });
    told(3, view(1, 7));
    expect(owner()).toBe(1);
  });

  it('is what others say where none of them names its owner', () => {
    const { told, owner, moved } = known();
    moved(9);
    told(3, view(1, 7));
    expect(owner()).toBe(1);
  });

  it('is what others say of the same epoch too, after as long as news may take', () => {
    const { clock, told, owner, moved } = known();
    moved(2);
    clock.advance(10_000);
    told(3, view(1, 7));
    expect(owner()).toBe(1);
  });
});

describe('the masters', () => {
  const portsOf = ({ topology }: ReturnType<typeof known>) => topology.masters.map(({ address }) => address.port);

  it('are those that have slots, in the order of these', () => {
    expect(portsOf(known())).toEqual([1, 2, 3]);
  });

  it('are others after MOVED has told of one, and after a view has', () => {
    const cluster = known();
    expect(portsOf(cluster)).toEqual([1, 2, 3]);
    cluster.moved(9);
    expect(portsOf(cluster)).toEqual([1, 9, 2, 3]);
    cluster.clock.advance(10_000);
    cluster.told(3, view(4, 8));
    expect(portsOf(cluster)).toEqual([1, 4, 2, 3]);
  });

  it('are others where the slots of a node that is gone are given to another', () => {
    const cluster = known();
    expect(portsOf(cluster)).toEqual([1, 2, 3]);
    cluster.topology.replace(cluster.at(2), cluster.at(7), () => true);
    expect(portsOf(cluster)).toEqual([1, 7, 3]);
  });

  it('are looked for once, until slots change hands', () => {
    const cluster = known();
    const found = cluster.topology.firstSlots;
    expect(cluster.topology.firstSlots).toBe(found);
    cluster.moved(9);
    expect(cluster.topology.firstSlots).not.toBe(found);
  });
});

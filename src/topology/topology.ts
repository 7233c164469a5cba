import { Observable, Subject } from 'rxjs';
import { elsewhere } from '../commands/bound-command';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import { Multicast } from '../connection/multicast';
import { hopeless } from '../connection/refusals';
import type { RedisError } from '../errors';
import { nameOf, type ServerAddress } from '../options/addresses';
import { SLOTS } from '../resp/hash-slot';
import { Fence, Wait } from './fence';
import { Fences } from './fences';
import { Learned } from './learned';
import { ClusterNode, type ConnectNode, type LinkRole, type NodeOwner } from './node';
import type { ClusterView, SeenNode } from './slot-map';
import { slotOfCommand } from './slots-of';

/** What the nodes of a cluster are kept with. */
export interface TopologyOptions {
  readonly clock: Clock;
  readonly connect: ConnectNode;
  /** what takes requests away from a node */
  readonly detourOf: NodeOwner['detourOf'];
  /** sends a request once more that has waited until nodes were known */
  readonly submit: (request: Request) => void;
  /** told of slots that are another node's from now on */
  readonly moved: (slots: readonly number[]) => void;
  readonly offlineQueue: number;
  readonly blockingGrace: number;
}

/**
 * The nodes of a cluster, and which of them has each slot: a table of executors, so that a command is looked up and sent with nothing in
 * between. Where the owner of a slot changes, a fence takes its place until all that was sent to the old one is answered.
 */
//  slot ──▶ node ──refused, lost, another owner named──▶ fence ──answered──▶ the new owner
export class Topology implements NodeOwner {
  /** What takes the requests of each slot: a node's executor, or a fence. */
  readonly table: Executor[] = [];
  readonly nodes = new Map<string, ClusterNode>();
  /** Functions that tell of which nodes something is waited for by connections of another kind: messages, and what is lent. */
  readonly waited: (() => Iterable<ClusterNode>)[] = [];
  private readonly changed$ = new Multicast<void>();
  /** Emits when the nodes, their roles or their states have changed. Each shard channel observes it, so leaving it is O(1). */
  readonly changes$ = new Observable<void>((subscriber) => {
    if (!this.isOver) return this.changed$.join(subscriber);
    subscriber.complete();
    return undefined;
  });
  /** Something is not as the last view says: another one is wanted. */
  readonly stale$ = new Subject<void>();
  readonly clock: Clock;
  readonly connect: ConnectNode;
  readonly detourOf: NodeOwner['detourOf'];
  private readonly at: (ClusterNode | Fence)[] = [];
  private firsts: ReadonlyMap<ClusterNode, number> | undefined;
  /** Of slots whose owner has named others for some commands: those others. */
  private readonly askedOf = new Map<number, Set<ClusterNode>>();
  /** Where requests wait whose node is not there, or not known. */
  readonly fences: Fences;
  /** The epoch of the view that was applied; undefined before the first. */
  epoch: number | undefined;
  /** When that was asked for, on the clock, ms. */
  viewedAt = -Infinity;
  readonly learned = new Learned();
  /** Why no node could be reached where another attempt would fail as well. */
  hopeless: RedisError | undefined;
  private isClosed = false;
  private isOver = false;

  constructor(private readonly options: TopologyOptions) {
    this.clock = options.clock;
    this.connect = options.connect;
    this.detourOf = options.detourOf;
    const { clock, offlineQueue, blockingGrace } = options;
    this.fences = new Fences({
      clock,
      offlineQueue,
      blockingGrace,
      bytesRead: () => this.bytesRead,
      hopeless: () => this.hopeless,
      wasKnown: () => this.epoch !== undefined || [...this.nodes.values()].some(({ isLost }) => isLost),
      wanted: () => this.stale$.next(),
      opened: ({ slots }, node) => {
        for (const slot of slots) {
          this.set(slot, node);
          this.forgetAsked(slot, node);
        }
      },
    });
    const fence = this.fences.make(
      Array.from({ length: SLOTS }, (_, slot) => slot),
      undefined,
    );
    for (let slot = 0; slot < SLOTS; slot++) this.set(slot, fence);
  }

  private get bytesRead(): number {
    let sum = 0;
    for (const { connection } of this.nodes.values()) sum += connection.line.link?.bytesRead ?? 0;
    return sum;
  }

  /** The node that has a slot, or is to have it; undefined where none is known. */
  ownerOf(slot: number): ClusterNode | undefined {
    const one = this.at[slot]!;
    return one instanceof Fence ? one.target : one;
  }

  /** The masters that have slots, each with the first of them, in their order; found once until slots change hands. */
  get firstSlots(): ReadonlyMap<ClusterNode, number> {
    if (this.firsts !== undefined) return this.firsts;
    const firsts = new Map<ClusterNode, number>();
    for (let slot = 0; slot < SLOTS; slot++) {
      const node = this.ownerOf(slot);
      if (node !== undefined && !firsts.has(node)) firsts.set(node, slot);
    }
    return (this.firsts = firsts);
  }

  /** The masters that have slots. */
  get masters(): ClusterNode[] {
    return [...this.firstSlots.keys()];
  }

  /** How many slots each master has. */
  slotsByOwner(): Map<ClusterNode, number> {
    const counts = new Map<ClusterNode, number>();
    for (const one of this.at) {
      const node = one instanceof Fence ? one.target : one;
      if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
    }
    return counts;
  }

  /** Some slots have no master that is there. */
  get isIncomplete(): boolean {
    return this.fences.areForLost;
  }

  /**
   * The node at an address; made if there is none.
   * @param host as the cluster itself calls it
   */
  nodeAt(address: ServerAddress, host?: string): ClusterNode {
    const name = nameOf(address);
    let node = this.nodes.get(name);
    if (node === undefined) this.nodes.set(name, (node = new ClusterNode(name, address, this)));
    if (host !== undefined) node.host = host;

    return node;
  }

  /** Tells that something about the nodes has changed. */
  tellChange(): void {
    this.changed$.next();
  }

  changed(node: ClusterNode, role: LinkRole): void {
    if (this.isClosed) return;
    if (role === 'master') {
      if (node.isLost) this.lost(node);
      else if (node.isReady) this.fences.openFor(node);
    }
    this.tellChange();
  }

  /** A node has no link: its slots wait for it, or for another owner. */
  lost(node: ClusterNode): void {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) if (this.at[slot] === node) slots.push(slot);
    if (slots.length > 0) {
      const fence = this.fences.make(slots, node);
      for (const slot of slots) this.set(slot, fence);
      this.awaitAsked(fence);
    }
    this.stale$.next();
  }

  /** A command of a slot goes to a node that does not own it. */
  asked(slot: number, node: ClusterNode): void {
    const nodes = this.askedOf.get(slot);
    if (nodes === undefined) this.askedOf.set(slot, new Set([node]));
    else nodes.add(node);
  }

  /** What nodes were asked that will not have the slots is answered first, or comes back. */
  private awaitAsked(fence: Fence): void {
    const { askedOf } = this;
    for (const slot of fence.slots.size < askedOf.size ? fence.slots : askedOf.keys()) {
      if (!fence.slots.has(slot)) continue;
      for (const node of askedOf.get(slot) ?? []) {
        if (node === fence.target) continue;
        this.forgetAsked(slot, node);
        if (node.connection.line.pending === 0) continue;
        const wait = new Wait(this.fences);
        fence.await(wait);
        node.whenAnswered(() => wait.over());
      }
    }
  }

  private forgetAsked(slot: number, node: ClusterNode): void {
    const nodes = this.askedOf.get(slot);
    if (nodes?.delete(node) === true && nodes.size === 0) this.askedOf.delete(slot);
  }

  /** Nothing for the slots of a node is sent until something is over. */
  suspend(node: ClusterNode, wait: Wait): void {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) if (this.at[slot] === node) slots.push(slot);
    if (slots.length > 0) this.fenceOff(node, slots, node, 0, wait);
  }

  /**
   * The slot is another node's from now on: its requests are held until all that was sent to the old one is answered, which may be so already.
   * @param notBefore and no earlier than then, on the clock, ms
   * @param wait what has to be over as well
   */
  redirect(slot: number, target: ClusterNode | undefined, notBefore = 0, wait?: Wait): void {
    const one = this.at[slot]!;
    if (!(one instanceof Fence)) {
      this.fenceOff(one, [slot], target, notBefore, wait);
      return;
    }
    const fence = one.target === target ? one : this.retarget(one, [slot], target, notBefore);
    fence.notBefore = Math.max(fence.notBefore, notBefore);
    if (wait !== undefined) fence.await(wait);
    this.fences.mayOpen(fence);
  }

  /** Notes that a redirection has taught where a slot is. */
  learn(slot: number): void {
    this.learned.add(slot, this.epoch ?? 0, this.options.clock.now());
  }

  /** The fence of a slot, where there is one. */
  fenceOf(slot: number): Fence | undefined {
    const one = this.at[slot];
    return one instanceof Fence ? one : undefined;
  }

  /** A request comes back to its slot, and goes on with it. */
  bounce(request: Request, slot: number): void {
    const one = this.at[slot]!;
    request.command = elsewhere(request.command);
    if (one instanceof Fence) {
      this.fences.bounce(request, one);
    } else {
      request.moveOn();
      one.executor.submit(request);
    }
  }

  /** A request that belongs to no slot waits until nodes are known. */
  holdUntilKnown(request: Request): void {
    this.fences.early.submit(request);
  }

  /**
   * Applies what a node says of the whole cluster.
   * @param askedAt what had been learned when it was asked
   * @param viewedAt when that was, on the clock, ms
   * @returns whether it differs from what is known better
   */
  apply({ epoch, ranges }: ClusterView, askedAt: number, viewedAt: number, by: ClusterNode): boolean {
    this.epoch = epoch;
    this.viewedAt = viewedAt;
    this.hopeless = undefined;
    for (const node of this.nodes.values()) {
      node.role = undefined;
      node.replicas = [];
    }
    const owners: (ClusterNode | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
    for (const { from, to, master, replicas } of ranges) {
      const node = this.seen(master, 'master');
      const others = replicas.map((replica) => this.seen(replica, 'replica', node));
      node.replicas = [...new Set([...node.replicas, ...others])];
      owners.fill(node, from, to + 1);
    }
    const changes = new Map<ClusterNode | undefined, number[]>();
    const told = { epoch, askedAt, viewedAt, by };
    let differs = false;
    for (let slot = 0; slot < SLOTS; slot++) {
      const owner = owners[slot];
      const known = this.ownerOf(slot);
      if (known === owner) {
        this.learned.confirm(slot, epoch);
        continue;
      }
      if (this.learned.holds(slot, known, told)) {
        differs = true;
        continue;
      }
      const slots = changes.get(owner);
      if (slots === undefined) changes.set(owner, [slot]);
      else slots.push(slot);
    }
    for (const [owner, slots] of changes) this.reassign(slots, owner);
    for (const request of this.fences.early.take()) {
      request.moveOn();
      this.options.submit(request);
    }
    this.tellChange();
    return differs;
  }

  /** Whether a view names none of the nodes that were known: it is one of another cluster. */
  isStrange({ ranges }: ClusterView): boolean {
    const known = new Set<string>();
    for (const { id, role } of this.nodes.values()) if (role !== undefined && id !== '') known.add(id);
    const told = ranges.flatMap(({ master, replicas }) => [master, ...replicas]).map(({ id }) => id);
    return known.size > 0 && told.length > 0 && told.every((id) => id !== '' && !known.has(id));
  }

  private seen({ address, host, id }: SeenNode, role: LinkRole, master?: ClusterNode): ClusterNode {
    const node = this.nodeAt(address, host);
    node.id = id;
    node.role = role;
    node.follows(master);
    return node;
  }

  /** Gives slots to another owner. What becomes of some of them may open the fence of others. */
  private reassign(slots: readonly number[], target: ClusterNode | undefined): void {
    for (let rest = slots; rest.length > 0;) {
      const slotsOf = new Map<ClusterNode | Fence, number[]>();
      for (const slot of rest) {
        const one = this.at[slot]!;
        const others = slotsOf.get(one);
        if (others === undefined) slotsOf.set(one, [slot]);
        else others.push(slot);
      }
      const changed: number[] = [];
      for (const [one, all] of slotsOf) {
        const there = all.filter((slot) => this.at[slot] === one || (changed.push(slot), false));
        if (there.length > 0) this.give(one, there, target);
      }
      rest = changed;
    }
  }

  /** Gives slots that one node or fence has to another owner. */
  private give(one: ClusterNode | Fence, slots: readonly number[], target: ClusterNode | undefined): void {
    if (one === target) return;
    const fence = one instanceof Fence ? this.retarget(one, slots, target) : this.fenceOff(one, slots, target);
    this.fences.mayOpen(fence);
  }

  /** The slots of a node that is gone, or silent, are another's, as far as that has them. @returns whether it has any */
  replace(node: ClusterNode, by: ClusterNode, has: (slot: number) => boolean): boolean {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) if (this.ownerOf(slot) === node && has(slot)) slots.push(slot);
    for (const slot of slots) this.learn(slot);
    this.reassign(slots, by);
    this.tellChange();
    return slots.length > 0;
  }

  private retarget(fence: Fence, slots: readonly number[], target: ClusterNode | undefined, notBefore = 0): Fence {
    const old = fence.target;
    if (old !== target) this.options.moved(slots);
    const other = this.fences.retarget(fence, slots, target);
    other.notBefore = Math.max(other.notBefore, notBefore);
    for (const slot of slots) this.set(slot, other);
    this.awaitAsked(other);
    if (old !== undefined && old !== target && !old.isLost) this.recall(other, old);
    return other;
  }

  /** Takes slots off a node. What was sent to it is answered first; where it is silent, it is left. */
  private fenceOff(
    node: ClusterNode,
    slots: readonly number[],
    target: ClusterNode | undefined,
    notBefore = 0,
    until?: Wait,
  ): Fence {
    if (node !== target) this.options.moved(slots);
    const fence = this.fences.make(slots, target);
    fence.notBefore = notBefore;
    if (until !== undefined) fence.await(until);
    for (const slot of slots) this.set(slot, fence);
    this.awaitAsked(fence);
    this.recall(fence, node);
    return fence;
  }

  /** What was sent to the node that had the slots of a fence is answered first, or comes back; where that is silent, it is left. */
  private recall(fence: Fence, node: ClusterNode): void {
    const wait = new Wait(this.fences);
    fence.await(wait);
    if (node !== fence.target) {
      leave(node);
      const { line } = node.connection;
      for (const request of line.takeRepeats(({ command }) => fence.slots.has(slotOfCommand(command) as number)))
        this.bounce(request, slotOfCommand(request.command) as number);
    }
    node.whenAnswered(() => wait.over());
  }

  private set(slot: number, one: ClusterNode | Fence): void {
    this.firsts = undefined;
    this.at[slot] = one;
    this.table[slot] = one instanceof Fence ? one : one.executor;
  }

  /** Leaves nodes that are silent and that the cluster does without. */
  leaveSilent(): void {
    const suspected = [...this.nodes.values()].filter(({ isSuspected }) => isSuspected);
    if (suspected.length === 0 || this.epoch === undefined) return;
    const masters = new Set(this.masters);
    for (const node of suspected) if (!masters.has(node) && (node.role === undefined || node.isAwaited)) leave(node);
  }

  /** A connection of another kind to a node is lost: it shows whether the node is gone. */
  doubt(node: ClusterNode): void {
    node.connection.open();
    this.stale$.next();
  }

  /** Ends the connections of nodes that nothing needs any more. @returns whether some are left that no view names */
  retire(): boolean {
    let isLeft = false;
    if (this.epoch === undefined) return true;
    const needed = new Set(this.masters);
    const before = this.nodes.size;
    for (const node of this.nodes.values()) {
      if (node.role !== undefined || node.isAsked || needed.has(node)) continue;
      if (node.pending > 0) isLeft = true;
      else {
        this.nodes.delete(node.name);
        node.destroy();
      }
    }
    if (this.nodes.size < before) this.tellChange();
    return isLeft;
  }

  /** No node can be reached, and another attempt would fail as well. */
  failHopeless(error: RedisError): void {
    this.fences.fail((request) => hopeless(request, error));
  }

  /** Ends all connections and fails what waits. */
  end(toError: (request: Request) => RedisError): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.fences.end(toError);
    for (const node of this.nodes.values()) node.destroy();
    this.isOver = true;
    this.changed$.next();
    this.changed$.complete();
    this.stale$.complete();
  }
}

/** Leaves those connections of a node that are silent: what it owes there is lost, and what waits for it goes elsewhere. */
function leave(node: ClusterNode): void {
  for (const { line } of [...node.silent]) {
    if (line.link === undefined) line.handOver();
    else line.link.lose(node.leaving);
  }
}

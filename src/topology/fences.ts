import type { Subscription } from 'rxjs';
import { QUEUED } from '../commands/happening';
import type { Request } from '../commands/request';
import type { Clock } from '../connection/clock';
import { deliveryOf, failSafely, timedOut } from '../connection/failures';
import { hopeless, noRoom, tooLate } from '../connection/refusals';
import { Sweep } from '../connection/sweep';
import { timeFor } from '../connection/time-for';
import type { RedisError } from '../errors';
import { Fence, type FenceOwner } from './fence';
import type { ClusterNode } from './node';
import { slotOfCommand } from './slots-of';

/** Deadlines closer together than this are dealt with at once, ms. */
const GRAIN = 5;

/** What fences are kept with. */
export interface FencesParts {
  readonly clock: Clock;
  readonly offlineQueue: number;
  readonly blockingGrace: number;
  readonly bytesRead: () => number;
  /** why no node can be reached, where another attempt would fail as well */
  readonly hopeless: () => RedisError | undefined;
  /** nodes were known before, or some could not be reached */
  readonly wasKnown: () => boolean;
  /** a request waits whose node is not known */
  readonly wanted: () => void;
  /** what has waited has gone on: the slots are the node's */
  readonly opened: (fence: Fence, node: ClusterNode) => void;
}

/** The fences of a cluster: which requests may wait at them, for how long, and when they go on. */
export class Fences implements FenceOwner {
  /** Requests without a slot that came before any node was known. */
  readonly early: Fence;
  private readonly all = new Set<Fence>();
  private readonly sweep: Sweep;
  private ticking: Subscription | undefined;
  private tickAt = Infinity;
  private isClosed = false;

  constructor(private readonly parts: FencesParts) {
    this.sweep = new Sweep(parts.clock, (now) => this.expire(now), parts.bytesRead);
    this.early = this.make([], undefined);
  }

  make(slots: readonly number[], target: ClusterNode | undefined): Fence {
    const fence = new Fence(this, new Set(slots), target);
    this.all.add(fence);
    return fence;
  }

  /** Some slots of a fence, or all of them, are to be another node's. @returns the fence that they have then */
  retarget(fence: Fence, slots: readonly number[], target: ClusterNode | undefined): Fence {
    if (slots.length === fence.slots.size) {
      fence.target = target;
      return fence;
    }
    const other = fence.splitOff(slots, target, ({ command }) => slotOfCommand(command));
    this.all.add(other);
    return other;
  }

  /** How many requests wait for a node. */
  get queued(): number {
    let queued = 0;
    for (const fence of this.all) queued += fence.length;
    return queued;
  }

  /** The one whose time is up first. */
  get oldest(): Request | undefined {
    let oldest: Request | undefined;
    for (const { first } of this.all) {
      if (first !== undefined && (oldest === undefined || first.deadline < oldest.deadline)) oldest = first;
    }
    return oldest;
  }

  /** Some slots have no master that is there. */
  get areForLost(): boolean {
    for (const fence of this.all) {
      if (fence !== this.early && (fence.target === undefined || fence.target.isLost)) return true;
    }
    return false;
  }

  admits(request: Request, fence: Fence): boolean {
    const { clock, offlineQueue, blockingGrace } = this.parts;
    if (this.isClosed) {
      request.fail(tooLate(request, undefined));
      return false;
    }
    const { target } = fence;
    const error = target?.connection.isHopeless === true ? target.error : this.parts.hopeless();
    if (error !== undefined && (target === undefined || target.isLost)) {
      request.fail(hopeless(request, error));
      return false;
    }
    if (this.isOffline(fence) && !this.hasRoom(offlineQueue)) {
      request.fail(noRoom(request, offlineQueue, target?.name ?? 'the cluster', target?.error));
      return false;
    }
    if (request.deadline === 0) {
      const limit = timeFor(request, blockingGrace);
      if (limit !== Infinity) request.deadline = Math.ceil(clock.now() + limit);
    }
    if (request.deadline !== 0) this.sweep.watch(request.deadline);
    if (target === undefined) this.parts.wanted();
    request.happened(QUEUED);
    return true;
  }

  /** A fence waits for a node, and not for answers alone. Before the first view any number may wait, as for a first connection. */
  private isOffline({ target }: Fence): boolean {
    return target === undefined ? this.parts.wasKnown() : target.isLost;
  }

  private hasRoom(most: number): boolean {
    if (this.queued < most) return true;
    for (const fence of this.all) fence.take(({ abandoned }) => abandoned);
    return this.queued < most;
  }

  /** A request comes back from the node that it was sent to. */
  bounce(request: Request, fence: Fence): void {
    fence.bounce(request);
    if (request.deadline !== 0) this.sweep.watch(request.deadline);
    this.mayOpen(fence);
  }

  mayOpen(fence: Fence): void {
    const { target, waits, notBefore } = fence;
    if (waits.size > 0 || target === undefined || target.isLost || !this.all.has(fence)) return;
    if (notBefore > this.parts.clock.now()) this.tickIn(notBefore);
    else this.open(fence, target);
  }

  private open(fence: Fence, target: ClusterNode): void {
    // A request that fails at once may be followed by another call, which stands behind those that are here.
    while (fence.length > 0) {
      for (const request of fence.take()) {
        if (request.abandoned) continue;
        if (target.isLost) fence.bounce(request);
        else {
          if (request.past !== undefined) request.past.isLate = false;
          request.moveOn();
          target.executor.submit(request);
        }
      }
      if (fence.target !== target || target.isLost) return;
    }
    this.all.delete(fence);
    this.parts.opened(fence, target);
  }

  /** A node is there. */
  openFor(node: ClusterNode): void {
    for (const fence of [...this.all]) if (fence.target === node) this.mayOpen(fence);
  }

  private tickIn(time: number): void {
    if (time >= this.tickAt) return;
    const { clock } = this.parts;
    this.ticking?.unsubscribe();
    this.tickAt = time;
    this.ticking = clock.schedule(
      () => {
        this.tickAt = Infinity;
        for (const fence of [...this.all]) this.mayOpen(fence);
      },
      Math.max(1, time - clock.now()),
    );
  }

  /** Fails what has waited for its whole time, and returns when to look again. */
  private expire(now: number): number {
    let next = Infinity;
    const due: [Request, Fence][] = [];
    for (const fence of this.all) {
      for (const request of fence.take(({ abandoned, deadline }) => {
        if (abandoned || (deadline !== 0 && deadline <= now)) return true;
        if (deadline !== 0) next = Math.min(next, deadline);
        return false;
      })) {
        due.push([request, fence]);
      }
    }
    for (const [request, { target }] of due) {
      const cause = request.past?.failure ?? target?.error ?? this.parts.hopeless();
      const doing = target === undefined ? 'no node of the cluster is known that has its slot' : undefined;
      failSafely(request, timedOut(request, deliveryOf(request), { cause, doing }));
    }
    return Math.max(next, now + GRAIN);
  }

  /** Fails everything that waits for a node. */
  fail(toError: (request: Request) => RedisError): void {
    for (const fence of [...this.all]) {
      for (const request of fence.take()) failSafely(request, toError(request));
    }
  }

  /** Fails what waits, and refuses what comes. */
  end(toError: (request: Request) => RedisError): void {
    this.isClosed = true;
    this.fail(toError);
    this.sweep.stop();
    this.ticking?.unsubscribe();
  }
}

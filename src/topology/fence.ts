import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { byPlace } from '../connection/backlog';
import type { ClusterNode } from './node';

/** What holds fences and opens them. */
export interface FenceOwner {
  /** A request has just been called. @returns whether it may wait at the fence; otherwise it has failed */
  admits(request: Request, fence: Fence): boolean;
  /** something has changed that the fence waited for */
  mayOpen(fence: Fence): void;
}

/** Something that has to be over before fences open. */
export class Wait {
  readonly fences = new Set<Fence>();

  constructor(private readonly owner: FenceOwner) {}

  over(): void {
    const { fences } = this;
    for (const fence of fences) fence.waits.delete(this);
    for (const fence of [...fences]) this.owner.mayOpen(fence);
    fences.clear();
  }
}

/**
 * Holds the requests of some slots in order while it is decided which node they go to. It opens when all that was sent before is answered,
 * or is here: so at any time the requests of a slot are at one node alone, and keep their order.
 */
//  refused by a node ─▶ bounced, by place ─┐
//  new calls ─────────▶ later ─────────────┴──opens──▶ the node that has the slots now
export class Fence implements Executor {
  /** Requests that come back from a node: they were called before all others. */
  private bounced: Request[] = [];
  private later: Request[] = [];
  readonly waits = new Set<Wait>();
  /** It opens no earlier, on the clock, ms. */
  notBefore = 0;

  /** @param target the node that has the slots; undefined where none is known */
  constructor(
    private readonly owner: FenceOwner,
    readonly slots: Set<number>,
    public target: ClusterNode | undefined,
  ) {}

  /** How many requests wait. */
  get length(): number {
    return this.bounced.length + this.later.length;
  }

  /** The first of those that still wait. */
  get first(): Request | undefined {
    return this.bounced.find(isAwaited) ?? this.later.find(isAwaited);
  }

  submit(request: Request): void {
    if (this.owner.admits(request, this)) this.later.push(request);
  }

  /** A request comes back from the node that it was sent to. */
  bounce(request: Request): void {
    this.bounced.push(request);
  }

  await(wait: Wait): void {
    this.waits.add(wait);
    wait.fences.add(this);
  }

  /** Takes out all requests, or those that meet a condition, in the order in which they are sent. */
  take(isWanted?: (request: Request) => boolean): Request[] {
    const { bounced, later } = this;
    bounced.sort(byPlace);
    const all = [...bounced, ...later];
    if (isWanted === undefined) {
      this.bounced = [];
      this.later = [];
      return all;
    }
    const taken = new Set(all.filter(isWanted));
    if (taken.size === 0) return [];
    this.bounced = bounced.filter((request) => !taken.has(request));
    this.later = later.filter((request) => !taken.has(request));
    return [...taken];
  }

  /** Some slots get another owner than the others: their requests go to a fence of their own. */
  splitOff(slots: readonly number[], target: ClusterNode | undefined, slotOf: (request: Request) => unknown): Fence {
    const other = new Fence(this.owner, new Set(slots), target);
    for (const slot of slots) this.slots.delete(slot);
    const goes = (request: Request): boolean => other.slots.has(slotOf(request) as number);
    if (this.length > 0) {
      other.bounced = this.bounced.filter(goes);
      other.later = this.later.filter(goes);
      this.bounced = this.bounced.filter((request) => !goes(request));
      this.later = this.later.filter((request) => !goes(request));
    }
    for (const wait of this.waits) other.await(wait);
    other.notBefore = this.notBefore;
    return other;
  }
}

function isAwaited({ abandoned }: Request): boolean {
  return !abandoned;
}

import type { ClusterNode } from './node';

/** A view that is asked for within this time may be behind, whatever its epoch: nodes hear of that before they hear who has won it, ms. */
const SETTLING = 1_000;
/** One of the epoch that was known already may be behind for longer: nodes hear of each other within half their timeout, 7.5 s by default, ms. */
const HEARSAY = 10_000;

interface Lesson {
  readonly number: number;
  readonly at: number;
  /** the epoch that was known then, or that of a later view which says the same */
  epoch: number;
}

/** A view, as what was learned is compared with it. */
interface Told {
  readonly epoch: number;
  /** what had been learned when it was asked for, and when that was, on the clock, ms */
  readonly askedAt: number;
  readonly viewedAt: number;
  /** the node that has told it */
  readonly by: ClusterNode | undefined;
}

/**
 * Which slots nodes have told of themselves: MOVED of one that has left, or ROLE. What third nodes say may be older.
 */
export class Learned {
  /** Lessons are numbered, and so are questions: a view does not undo what was learned after it was asked for. */
  count = 0;
  private readonly lessons = new Map<number, Lesson>();

  add(slot: number, epoch: number, at: number): void {
    this.lessons.set(slot, { number: ++this.count, at, epoch });
  }

  /** A view says the same of a slot. */
  confirm(slot: number, epoch: number): void {
    const lesson = this.lessons.get(slot);
    if (lesson !== undefined && epoch > lesson.epoch) lesson.epoch = epoch;
  }

  /** Whether a slot stays with its owner, although a view gives it to another. */
  holds(slot: number, owner: ClusterNode | undefined, { epoch, askedAt, viewedAt, by }: Told): boolean {
    const lesson = this.lessons.get(slot);
    if (lesson === undefined) return false;
    if (lesson.number > askedAt) return true;
    const isThere = owner?.role !== undefined && !owner.isLost && !owner.isSuspected;
    const until = lesson.at + (epoch > lesson.epoch ? SETTLING : HEARSAY);
    if (isThere && owner !== by && viewedAt < until) return true;
    this.lessons.delete(slot);
    return false;
  }

  /** The cluster is another one. */
  clear(): void {
    this.lessons.clear();
  }
}

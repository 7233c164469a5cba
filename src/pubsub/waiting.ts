import { Ring } from '../connection/ring';
import { isNotice } from './notices';

/** What becomes of messages when more come than may wait: see `MessageOptions`. */
export type Overflow = 'drop-oldest' | 'drop-newest' | 'latest' | 'error';

/** So many messages were dropped here, because more came than may wait. */
export interface Dropped {
  readonly type: 'dropped';
  readonly count: number;
}

/** A `Dropped` that waits: others may be added to it. */
interface Dropping {
  readonly type: 'dropped';
  count: number;
}

/**
 * Messages that wait for their reader. What is dropped is told in its place. Notices are never dropped.
 */
//  kept: notices and what was dropped before ─▶ values: messages, notices, and what was dropped behind them
export class Waiting<T> {
  /** What stood before the oldest message that is left. */
  private readonly kept = new Ring<T | Dropped>();
  private readonly values = new Ring<T | Dropped>();
  /** How many of the values are messages. */
  private messages = 0;
  /** The last of `kept`, and of the values, where more can be added. */
  private droppedOldest: Dropping | undefined;
  private droppedNewest: Dropping | undefined;

  /** @param size how many messages wait at most */
  constructor(
    readonly size: number,
    private readonly overflow: Overflow,
  ) {}

  get length(): number {
    return this.kept.length + this.values.length;
  }

  /** Returns whether it could be taken in; never false unless an overflow is an error. */
  push(item: T): boolean {
    if (isNotice(item)) {
      this.append(item);
      return true;
    }
    if (this.messages >= this.size) {
      if (this.overflow === 'error') return false;
      if (this.overflow === 'drop-newest') {
        this.dropNewest();
        return true;
      }
      do this.dropOldest();
      while (this.overflow === 'latest' && this.messages > 0);
    }
    this.messages++;
    this.append(item);
    return true;
  }

  shift(): T | Dropped | undefined {
    if (this.kept.length > 0) {
      const first = this.kept.shift();
      if (first === this.droppedOldest) this.droppedOldest = undefined;
      return first;
    }
    const first = this.values.shift();
    if (first === undefined) return undefined;
    if (first === this.droppedNewest) this.droppedNewest = undefined;
    else if (!isNotice(first) && !isDropped(first)) this.messages--;
    return first;
  }

  clear(): void {
    this.kept.drain();
    this.values.drain();
    this.messages = 0;
    this.droppedOldest = this.droppedNewest = undefined;
  }

  private append(item: T | Dropped): void {
    this.values.push(item);
    this.droppedNewest = undefined;
  }

  private dropNewest(): void {
    if (this.droppedNewest === undefined) {
      const dropping = { type: 'dropped', count: 0 } as const;
      this.append(dropping);
      this.droppedNewest = dropping;
    }
    this.droppedNewest.count++;
  }

  /** The oldest message gives way; what stands before it stays. */
  private dropOldest(): void {
    for (let first = this.values.shift()!; isNotice(first) || isDropped(first); first = this.values.shift()!) {
      this.kept.push(first);
      this.droppedOldest = undefined;
    }
    this.messages--;
    if (this.droppedOldest === undefined) {
      this.droppedOldest = { type: 'dropped', count: 0 };
      this.kept.push(this.droppedOldest);
    }
    this.droppedOldest.count++;
  }
}

export function isDropped(item: unknown): item is Dropped {
  return typeof item === 'object' && item !== null && (item as Partial<Dropped>).type === 'dropped';
}

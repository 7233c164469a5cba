import { Ring } from '../connection/ring';

/** What becomes of values when more come than may wait: see `BufferOptions`. */
export type Overflow = 'drop-oldest' | 'drop-newest' | 'latest' | 'error';

/** So many values were dropped here, because more came than may wait. */
export interface Dropped {
  readonly type: 'dropped';
  readonly count: number;
}

/** Values that wait for a loop. */
export interface WaitingValues<T> {
  readonly length: number;
  /** how many wait at most */
  readonly size: number;
  /** Returns whether the value could be taken in. */
  push(value: T): boolean;
  shift(): T | undefined;
  clear(): void;
}

/** A `Dropped` that waits: others may be added to it. */
interface Dropping {
  readonly type: 'dropped';
  count: number;
}

/**
 * Values that wait for their reader. What is dropped is told in its place. Some are notices, which are never dropped and are not counted.
 */
//  kept: notices and what was dropped before ─▶ values: those that count, notices, and what was dropped behind them
export class Waiting<T> {
  /** What stood before the oldest value that is left. */
  private readonly kept = new Ring<T | Dropped>();
  private readonly values = new Ring<T | Dropped>();
  /** How many of the values count. */
  private counted = 0;
  /** The last of `kept`, and of the values, where more can be added. */
  private droppedOldest: Dropping | undefined;
  private droppedNewest: Dropping | undefined;

  /**
   * @param size how many values wait at most
   * @param isNotice which of them are never dropped
   * @param onDrop told of each that is dropped
   */
  constructor(
    readonly size: number,
    private readonly overflow: Overflow,
    private readonly isNotice: (value: T) => boolean = () => false,
    private readonly onDrop: (() => void) | undefined = undefined,
  ) {}

  get length(): number {
    return this.kept.length + this.values.length;
  }

  /** Returns whether it could be taken in; never false unless an overflow is an error. */
  push(item: T): boolean {
    if (this.isNotice(item)) {
      this.append(item);
      return true;
    }
    if (this.counted >= this.size) {
      if (this.overflow === 'error') return false;
      if (this.overflow === 'drop-newest') {
        this.dropNewest();
        return true;
      }
      do this.dropOldest();
      while (this.overflow === 'latest' && this.counted > 0);
    }
    this.counted++;
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
    else if (!this.mayStay(first)) this.counted--;
    return first;
  }

  clear(): void {
    this.kept.drain();
    this.values.drain();
    this.counted = 0;
    this.droppedOldest = this.droppedNewest = undefined;
  }

  private mayStay(item: T | Dropped): boolean {
    return isDropped(item) || this.isNotice(item);
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
    this.onDrop?.();
  }

  /** The oldest value that counts gives way; what stands before it stays. */
  private dropOldest(): void {
    for (let first = this.values.shift()!; this.mayStay(first); first = this.values.shift()!) {
      this.kept.push(first);
      this.droppedOldest = undefined;
    }
    this.counted--;
    if (this.droppedOldest === undefined) {
      this.droppedOldest = { type: 'dropped', count: 0 };
      this.kept.push(this.droppedOldest);
    }
    this.droppedOldest.count++;
    this.onDrop?.();
  }
}

/** Values of which none is dropped: when more come than may wait, the next is refused. */
export function waitingOrRefused<T>(size: number): WaitingValues<T> {
  return new Waiting<T>(size, 'error') as WaitingValues<T>;
}

export function isDropped(item: unknown): item is Dropped {
  return typeof item === 'object' && item !== null && (item as Partial<Dropped>).type === 'dropped';
}

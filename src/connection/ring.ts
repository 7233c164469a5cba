/** Slots that an empty ring keeps. */
const KEPT_SLOTS = 1 << 16;

/** A first-in-first-out queue of constant-time steps that never moves its elements. */
//  slots: │ · · │ head ▶ a b c ◀ tail │ · · ·   (indices wrap at the mask)
export class Ring<T> {
  private slots: (T | undefined)[] = new Array<T | undefined>(16).fill(undefined);
  private mask = 15;
  private head = 0;
  private tail = 0;
  private left = 0;
  private moved = 0;

  get length(): number {
    return (this.tail - this.head) & this.mask;
  }

  /** How many have left by the head: the number of the next that does among all that ever come. */
  get passed(): number {
    return this.left;
  }

  /** How often items were taken out from between others: then numbers lead to other items. */
  get moves(): number {
    return this.moved;
  }

  push(item: T): void {
    this.slots[this.tail] = item;
    this.tail = (this.tail + 1) & this.mask;
    if (this.tail === this.head) this.grow();
  }

  peek(): T | undefined {
    return this.head === this.tail ? undefined : this.slots[this.head];
  }

  get last(): T | undefined {
    return this.head === this.tail ? undefined : this.slots[(this.tail - 1) & this.mask];
  }

  /** @param number among all that ever come, from `passed` to `passed + length - 1` */
  at(number: number): T {
    return this.slots[(this.head + number - this.left) & this.mask]!;
  }

  shift(): T | undefined {
    if (this.head === this.tail) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = (this.head + 1) & this.mask;
    this.left++;
    if (this.head === this.tail && this.mask > KEPT_SLOTS) this.reset();
    return item;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.head; at !== this.tail; at = (at + 1) & this.mask) yield this.slots[at]!;
  }

  /** Empties the ring and returns what it held, in order. */
  drain(): T[] {
    const items: T[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item);
    return items;
  }

  /** Keeps only items that meet a condition, in their order; in place. */
  retain(isKept: (item: T) => boolean): void {
    const { slots, mask } = this;
    let to = this.head;
    for (let at = this.head; at !== this.tail; at = (at + 1) & mask) {
      const item = slots[at]!;
      if (!isKept(item)) continue;
      slots[to] = item;
      to = (to + 1) & mask;
    }
    if (to === this.tail) return;
    this.moved++;
    for (let at = to; at !== this.tail; at = (at + 1) & mask) slots[at] = undefined;
    this.tail = to;
  }

  /** A burst has passed: its memory goes back. */
  private reset(): void {
    this.slots = new Array<T | undefined>(16).fill(undefined);
    this.mask = 15;
    this.head = 0;
    this.tail = 0;
  }

  /** Every slot is taken, so the order begins at `head` and wraps once. */
  private grow(): void {
    const { length } = this.slots;
    const slots = this.slots.slice(this.head).concat(this.slots.slice(0, this.head));
    this.slots = slots.concat(new Array<T | undefined>(length).fill(undefined));
    this.mask = this.slots.length - 1;
    this.head = 0;
    this.tail = length;
  }
}

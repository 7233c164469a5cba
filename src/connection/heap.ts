/** Items from which the one with the smallest place is taken first, in steps that grow with the logarithm of their number. */
export class Heap<T extends { readonly place: number }> {
  //        0
  //     1     2      each is smaller than the two below it
  //    3 4   5 6
  private items: T[] = [];

  get length(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    const { items } = this;
    let at = items.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (items[above]!.place <= item.place) break;
      items[at] = items[above]!;
      at = above;
    }
    items[at] = item;
  }

  shift(): T | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (let below = 1; below < items.length; below = 2 * at + 1) {
      if (below + 1 < items.length && items[below + 1]!.place < items[below]!.place) below++;
      if (items[below]!.place >= last.place) break;
      items[at] = items[below]!;
      at = below;
    }
    items[at] = last;
    return first;
  }

  /** In no order. */
  [Symbol.iterator](): Iterator<T> {
    return this.items.values();
  }

  /** Keeps only items that meet a condition. */
  retain(isKept: (item: T) => boolean): void {
    this.items = this.items.filter(isKept).sort((one, other) => one.place - other.place);
  }
}

import { Ring } from './ring';

/** Values that enter one by one and leave in the same order: the least of those that are there, at a constant cost for each. */
//  entered: 5 7 3 9 4     kept: 3 4     (a value that entered before a lesser one is never the least again)
class Window {
  private entries: { readonly number: number; readonly value: number }[] = [];
  private first = 0;

  enter(number: number, value: number): void {
    const { entries } = this;
    while (entries.length > this.first && entries.at(-1)!.value >= value) entries.pop();
    entries.push({ number, value });
  }

  /** The least of those with a number from this one on, Infinity for none. Those before it leave. */
  least(from: number): number {
    const { entries } = this;
    while (this.first < entries.length && entries[this.first]!.number < from) this.first++;
    if (this.first * 2 > entries.length) {
      this.entries = entries.slice(this.first);
      this.first = 0;
    }
    return this.entries[this.first]?.value ?? Infinity;
  }
}

/** The limits of owed requests that have limits of their own: known at any time, at a constant cost for each such request. */
export class OwnLimits {
  private readonly numbers = new Ring<number>();
  private readonly reads = new Window();
  /** negated, because the longest is wanted */
  private readonly writes = new Window();

  /** @param number of the request among all that were ever owed */
  add(number: number, readTimeout: number, writeTimeout: number): void {
    this.numbers.push(number);
    this.reads.enter(number, readTimeout);
    this.writes.enter(number, -writeTimeout);
  }

  /** How many there are from a number on. Those before it leave. */
  count(from: number): number {
    const { numbers } = this;
    for (let first = numbers.peek(); first !== undefined && first < from; first = numbers.peek()) numbers.shift();
    return numbers.length;
  }

  /** Infinity for none, ms. */
  shortestRead(from: number): number {
    return this.reads.least(from);
  }

  /** 0 for none, ms. */
  longestWrite(from: number): number {
    const least = this.writes.least(from);
    return least === Infinity ? 0 : -least;
  }
}

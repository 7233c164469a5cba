import type { Observable } from 'rxjs';
import { Awaitable, LastValue } from '../commands/awaitable';
import { BufferedIterator } from './buffered-iterator';
import type { WaitingValues } from './waiting';

/**
 * How far something is that goes on by itself: a cold Observable, what `for await` takes, and a Promise of the last value. Each subscription,
 * and each loop, begins it anew; the first `await` does, later ones get the same outcome.
 *
 * A loop holds nothing up: it gets the newest value, and none that it was too slow for. Leaving it ends what it began.
 *
 * @typeParam T what it emits
 * @typeParam A what awaiting it gives
 */
export class ProgressStream<T, A = T> extends Awaitable<T, A> implements AsyncIterable<T> {
  readonly #values: Observable<T>;
  readonly #merged: (before: T, next: T) => T;
  readonly #last: LastValue<T>;

  /**
   * @internal
   * @param merged what a loop gets in place of two values, neither of which it has taken
   */
  constructor(values: Observable<T>, merged: (before: T, next: T) => T) {
    super((subscriber) => values.subscribe(subscriber));
    this.#values = values;
    this.#merged = merged;
    this.#last = new LastValue(values);
  }

  /** Begins when the first value is asked for. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new BufferedIterator(this.#values, new Newest(this.#merged));
  }

  protected outcome(): Promise<A> {
    return this.#last.then<A>();
  }
}

/** The one value that waits for a loop. */
class Newest<T> implements WaitingValues<T> {
  readonly size = 1;
  private waiting: { readonly value: T } | undefined;

  constructor(private readonly merged: (before: T, next: T) => T) {}

  get length(): number {
    return this.waiting === undefined ? 0 : 1;
  }

  push(next: T): boolean {
    this.waiting = { value: this.waiting === undefined ? next : this.merged(this.waiting.value, next) };
    return true;
  }

  shift(): T | undefined {
    const value = this.waiting?.value;
    this.clear();
    return value;
  }

  clear(): void {
    this.waiting = undefined;
  }
}

import { EMPTY, Observable, defer, of, type Subscriber } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { ValueSource } from '../demand/pulling';

/** What a bulk write reads: an array, a generator, a Node stream, a stream of this client. */
export type Pulled<T> = Iterable<T> | AsyncIterable<T>;

/** Items of a source, in batches; its error comes behind them. Nothing is read before a batch is asked for, but for one item at the most. */
export interface Batches<T> extends ValueSource<readonly T[]> {
  /** Nothing more is read: the source may let go of what it has open. */
  leave(): void;
}

/**
 * @param size the most items of a batch
 * @param clock tells when a batch that is not full goes on its way, because its source takes time
 */
export function batchesOf<T>(source: Pulled<T>, size: number, clock: Clock): Batches<T> {
  return Symbol.asyncIterator in source
    ? new AwaitedBatches(source[Symbol.asyncIterator](), size, clock)
    : new ImmediateBatches(source[Symbol.iterator](), size);
}

/** Of a source that has its items at hand. */
class ImmediateBatches<T> implements Batches<T> {
  isDone = false;
  lateError: { readonly error: unknown } | undefined;

  constructor(
    private readonly iterator: Iterator<T, unknown>,
    private readonly size: number,
  ) {}

  next(): Observable<readonly T[]> {
    return defer(() => {
      const batch: T[] = [];
      try {
        while (batch.length < this.size && !this.isDone) {
          const result = this.iterator.next();
          if (result.done === true) this.isDone = true;
          else batch.push(result.value);
        }
      } catch (error) {
        this.isDone = true;
        this.lateError = { error };
      }
      return batch.length === 0 ? EMPTY : of(batch);
    });
  }

  leave(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.iterator.return?.();
  }
}

/** Of a source that takes time: a batch that is not full is given when the next item does not come within a turn of the event loop. */
//  next ──▶ reading ──full, or a turn is over──▶ given
//              ▲ └─ an item that was asked for then begins the next batch ─┐
//              └───────────────────────────────────────────────────────────┘
class AwaitedBatches<T> implements Batches<T> {
  isDone = false;
  lateError: { readonly error: unknown } | undefined;
  private batch: T[] = [];
  private isReading = false;
  private subscriber: Subscriber<readonly T[]> | undefined;

  constructor(
    private readonly iterator: AsyncIterator<T, unknown>,
    private readonly size: number,
    private readonly clock: Clock,
  ) {}

  next(): Observable<readonly T[]> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber;
      if (this.isDone || this.batch.length >= this.size) this.give();
      else {
        if (this.batch.length > 0) this.giveSoon();
        this.read();
      }
    });
  }

  leave(): void {
    if (this.isDone) return;
    this.isDone = true;
    // A source that cannot be left tells nothing to anything that still listens.
    Promise.resolve(this.iterator.return?.()).catch(() => undefined);
  }

  private read(): void {
    if (this.isReading) return;
    this.isReading = true;
    this.iterator.next().then(
      (result) => {
        this.isReading = false;
        this.take(result);
      },
      (error: unknown) => {
        if (this.isDone) return;
        this.lateError = { error };
        this.isDone = true;
        this.give();
      },
    );
  }

  private take(result: IteratorResult<T, unknown>): void {
    if (this.isDone) return;
    if (result.done === true) {
      this.isDone = true;
      this.give();
      return;
    }
    this.batch.push(result.value);
    if (this.subscriber === undefined) return; // the batch before has gone on its way meanwhile
    if (this.batch.length >= this.size) this.give();
    else {
      if (this.batch.length === 1) this.giveSoon();
      this.read();
    }
  }

  private giveSoon(): void {
    this.clock.afterInput(() => {
      if (this.batch.length > 0) this.give();
    });
  }

  private give(): void {
    const { subscriber, batch } = this;
    if (subscriber === undefined) return;
    this.subscriber = undefined;
    this.batch = [];
    if (batch.length > 0) subscriber.next(batch);
    subscriber.complete();
  }
}

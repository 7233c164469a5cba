import { Observable, Subscription, of, type Subscriber } from 'rxjs';
import { OverflowError } from '../errors';
import { pull, type Demand, type ValueSource, type Work } from './pulling';
import type { Dropped, Waiting } from './waiting';

/**
 * What work makes of values that come by themselves, and wait until there is room for them. When they end, with complete, an error or an
 * overflow, what waits is worked on first.
 */
export function workOnArrivals<T, R>(
  source: Observable<T>,
  waiting: () => Waiting<T>,
  work: Work<T | Dropped, R>,
  demand: Demand | undefined,
): Observable<R> {
  return new Observable((subscriber) => {
    const arrivals = new Arrivals(waiting());
    subscriber.add(pull(() => arrivals, work, demand).subscribe(subscriber as Subscriber<unknown>));
    subscriber.add(arrivals.from(source));
  });
}

/** Values that come by themselves, as a source: each waits until it is asked for. */
//  source ──▶ waiting, unless one is asked for ──▶ asked
class Arrivals<T> implements ValueSource<T | Dropped> {
  lateError: { readonly error: unknown } | undefined;
  private hasEnded = false;
  /** What waits for the next value. */
  private asked: Subscriber<T | Dropped> | undefined;

  constructor(private readonly waiting: Waiting<T>) {}

  get isDone(): boolean {
    return this.hasEnded && this.waiting.length === 0;
  }

  next(): Observable<T | Dropped> {
    const value = this.waiting.shift();
    return value === undefined ? new Observable((subscriber) => void (this.asked = subscriber)) : of(value);
  }

  /** Takes what the source emits. */
  from(source: Observable<T>): Subscription {
    const upstream = new Subscription();
    const end = (lateError?: { readonly error: unknown }): void => {
      this.hasEnded = true;
      this.lateError = lateError;
      upstream.unsubscribe();
      this.asked?.complete();
    };
    upstream.add(
      source.subscribe({
        next: (value) => {
          const { asked } = this;
          if (asked !== undefined) {
            this.asked = undefined;
            asked.next(value);
            asked.complete();
          } else if (!this.waiting.push(value)) end({ error: new OverflowError(this.waiting.size) });
        },
        error: (error: unknown) => end({ error }),
        complete: () => end(),
      }),
    );
    return upstream;
  }
}

import { Observable, lastValueFrom, type Subscriber } from 'rxjs';

/**
 * An Observable that is a Promise as well: `await`, `Promise.all` and functions that take a Promise accept it.
 *
 * The first `await` subscribes, later ones get the same outcome. Each `subscribe` is a subscription of its own.
 *
 * @typeParam T what it emits
 * @typeParam A what awaiting it gives
 */
export abstract class Awaitable<T, A = T> extends Observable<T> implements Promise<A> {
  get [Symbol.toStringTag](): string {
    return 'Awaitable';
  }

  /** @internal What awaiting gives: the same Promise every time. */
  protected abstract outcome(): Promise<A>;

  // A Promise types errors as `any`, so that callers may name a type. `E` lets them as well, and is unknown where they name none.
  /** Subscribes unless it was awaited before, and hands the outcome on, as that of a Promise. */
  then<B = A, C = never, E = unknown>(
    onfulfilled?: ((value: A) => B | PromiseLike<B>) | null,
    onrejected?: ((reason: E) => C | PromiseLike<C>) | null,
  ): Promise<B | C> {
    return this.outcome().then(onfulfilled, onrejected);
  }

  /** As that of a Promise. */
  catch<C = never, E = unknown>(onrejected?: ((reason: E) => C | PromiseLike<C>) | null): Promise<A | C> {
    return this.outcome().catch(onrejected);
  }

  /** As that of a Promise. */
  finally(onfinally?: (() => void) | null): Promise<A> {
    return this.outcome().finally(onfinally);
  }
}

/** Awaiting gives the last value, undefined where there is none; subscribing gives all of them. */
export class LastValue<T> extends Awaitable<T, T | undefined> {
  private promise: Promise<T | undefined> | undefined;

  constructor(values: Observable<T>) {
    super((subscriber: Subscriber<T>) => values.subscribe(subscriber));
  }

  protected outcome(): Promise<T | undefined> {
    return (this.promise ??= lastValueFrom(this, { defaultValue: undefined }));
  }
}

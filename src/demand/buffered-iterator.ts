import { Subscription, type Observable } from 'rxjs';
import { Ring } from '../connection/ring';
import { OverflowError } from '../errors';
import type { WaitingValues } from './waiting';

/** A call of `next()` that waits for a value. */
interface Asked<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE = { done: true, value: undefined } as const;

/** Goes through the values of an Observable, which wait in a buffer until they are asked for. */
//  not begun ──next──▶ subscribed ──complete, error, overflow──▶ draining ──the buffer is empty──▶ done
//      └───────────────────┴────────────────return───────────────────┴──────────────────────────────▲
export class BufferedIterator<T> implements AsyncIterableIterator<T> {
  private readonly waiting = new Ring<Asked<T>>();
  private subscription: Subscription | undefined;
  /** What comes behind the values: the end, or first the error. */
  private end: { readonly error?: Error } | undefined;

  /**
   * @param values those that wait
   * @param onTaken told whenever one of them was taken
   */
  constructor(
    private readonly source: Observable<T>,
    private readonly values: WaitingValues<T>,
    private readonly onTaken?: () => void,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.subscription === undefined) this.begin();
    const { values } = this;
    if (values.length > 0) {
      const value = values.shift()!;
      this.onTaken?.();
      return Promise.resolve({ done: false, value });
    }
    if (this.end !== undefined) return this.finish(this.end);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** The loop is left. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.values.clear();
    this.stop({});
    return this.finish({});
  }

  throw(error: Error): Promise<IteratorResult<T, undefined>> {
    this.values.clear();
    this.stop({});
    return Promise.reject(error);
  }

  private begin(): void {
    this.subscription = new Subscription();
    this.subscription.add(
      this.source.subscribe({
        next: (value) => this.receive(value),
        error: (error: Error) => this.stop({ error }),
        complete: () => this.stop({}),
      }),
    );
  }

  private receive(value: T): void {
    const waiting = this.waiting.shift();
    if (waiting !== undefined) waiting.resolve({ done: false, value });
    else if (!this.values.push(value)) this.stop({ error: new OverflowError(this.values.size) });
  }

  /** No more values come: ends the calls of `next()` that wait. */
  private stop(end: { readonly error?: Error }): void {
    this.end ??= end;
    this.subscription ??= new Subscription();
    this.subscription.unsubscribe();
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      this.finish(this.end).then(next.resolve, next.reject);
    }
  }

  /** Gives an error once, and after it the end. */
  private finish(end: { readonly error?: Error }): Promise<IteratorResult<T, undefined>> {
    this.end = {};
    return 'error' in end ? Promise.reject(end.error) : Promise.resolve(DONE);
  }
}

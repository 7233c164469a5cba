import { Observable, Subject } from 'rxjs';
import { inContext } from '../connection/async-context';
import { BufferedIterator } from './buffered-iterator';
import type { Ending } from './ending';
import { pull, type Demand, type ValueSource, type Work } from './pulling';
import { abortedBy } from './stream-options';
import { waitingOrRefused } from './waiting';

/** What a stream is made of. */
export interface PullStreamParts<T, R> {
  /** begins it, once per subscription */
  readonly open: () => ValueSource<T>;
  readonly work: Work<T, R> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly ending: Ending;
}

/**
 * Values that are asked for as they are wanted: a cold Observable, and what `for await` takes. Each subscription, and each loop, begins anew.
 *
 * An Observer has taken a value when its `next` returns; then the next one is asked for. What takes longer goes into the option `project`, or
 * into a loop: both hold up what is asked for next. A loop is at most one value ahead of its reader, so that the server works while the
 * reader does; leaving it ends the stream.
 *
 * @example
 * for await (const keys of redis.scanStream({ MATCH: 'user:*' })) await handle(keys);
 */
export class PullStream<T> extends Observable<T> implements AsyncIterable<T> {
  readonly #values: (demand?: Demand) => Observable<T>;

  /** @internal */
  constructor(values: (demand?: Demand) => Observable<T>) {
    super((subscriber) => values().subscribe(subscriber));
    this.#values = values;
  }

  /** @internal The stream of a source, or of what work makes of its values. */
  static of<T, R>({ open, work, signal, ending }: PullStreamParts<T, R>): PullStream<T | R> {
    return new PullStream((demand) => pull(open, work, demand).pipe(ending.ends(), abortedBy(signal), inContext()));
  }

  /** Begins when the first value is asked for. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const taken$ = new Subject<void>();
    const waiting = waitingOrRefused<T>(Infinity);
    const values = this.#values({ isWanted: () => waiting.length === 0, wanted$: taken$ });
    return new BufferedIterator(values, waiting, () => taken$.next());
  }
}

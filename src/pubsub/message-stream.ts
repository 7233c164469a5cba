import { Observable, Subject, defer, of } from 'rxjs';
import { inContext } from '../connection/async-context';
import { workOnArrivals } from '../demand/arrivals';
import { BufferedIterator } from '../demand/buffered-iterator';
import type { Ending } from '../demand/ending';
import type { Demand, Work } from '../demand/pulling';
import { abortedBy } from '../demand/stream-options';
import { isDropped, waitingOrRefused, type Overflow, type WaitingValues } from '../demand/waiting';
import { isNotice, waitingFor } from './notices';

/** How a stream is taken: the options of its reader, absent ones filled in. */
export interface StreamOptions {
  readonly buffer: number;
  readonly overflow: Overflow;
  readonly signal?: AbortSignal | undefined;
  /** with each message */
  readonly work?: Work<never, unknown> | undefined;
  /** how the client ends: work is cut off when it is destroyed */
  readonly ending?: Ending | undefined;
  /** told of each message that is dropped */
  readonly onDrop?: (() => void) | undefined;
}

/**
 * The messages of channels: an Observable, and what `for await` takes.
 *
 * An Observer gets each message as it arrives. A loop takes its time: messages wait for it in a buffer, of 10 000 unless the option
 * `buffer` says otherwise. When that overflows, the loop gets what is in it and then throws an OverflowError, so nothing is lost
 * silently; the option `overflow` has messages dropped in place of that, and the loop told how many. Leaving the loop unsubscribes; it
 * ends when the client is closed and throws what the Observable would error with, behind what waits.
 *
 * @example
 * for await (const { channel, data } of redis.subscribe('news:*')) await handle(channel, data);
 */
export class MessageStream<T, D = never> extends Observable<T> implements AsyncIterable<T | D> {
  readonly #source: Observable<unknown>;
  readonly #options: StreamOptions;

  /** @internal */
  constructor(source: Observable<unknown>, options: StreamOptions) {
    const values = valuesOf(source, options) as Observable<T>;
    super((subscriber) => values.subscribe(subscriber));
    this.#source = source;
    this.#options = options;
  }

  /** Subscribes when the first value is asked for. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T | D> {
    const { buffer, overflow, work, onDrop } = this.#options;
    if (work === undefined)
      return new BufferedIterator(this, waitingFor<T>(buffer, overflow, onDrop) as WaitingValues<T | D>);
    // No work is begun while as many results wait as are worked on at once, so none is lost.
    const results = waitingOrRefused<T | D>(Infinity);
    const taken$ = new Subject<void>();
    const demand = { isWanted: () => results.length < work.concurrency, wanted$: taken$ };
    const values = valuesOf(this.#source, this.#options, demand) as Observable<T>;
    return new BufferedIterator(values, results, () => taken$.next());
  }
}

function valuesOf(source: Observable<unknown>, options: StreamOptions, demand?: Demand): Observable<unknown> {
  const { signal, work } = options;
  if (work === undefined && signal === undefined) return source;
  const values = work === undefined ? source : defer(() => worked(source, options, work, demand));
  return values.pipe(abortedBy(signal), inContext());
}

function worked(
  source: Observable<unknown>,
  { buffer, overflow, ending, onDrop }: StreamOptions,
  work: Work<never, unknown>,
  demand: Demand | undefined,
): Observable<unknown> {
  const results = workOnArrivals(source, () => waitingFor(buffer, overflow, onDrop), onMessages(work), demand);
  return ending === undefined ? results : results.pipe(ending.cutsOff());
}

/** Notices, and what was dropped, are values in their turn. */
function onMessages({ method, project, concurrency }: Work<never, unknown>): Work<unknown, unknown> {
  let index = 0;
  return {
    method,
    project: (item) => (isNotice(item) || isDropped(item) ? of(item) : project(item as never, index++)),
    concurrency,
  };
}

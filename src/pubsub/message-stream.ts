import { Observable } from 'rxjs';
import { inContext } from '../connection/async-context';
import { endedBy } from './ended-by';
import { MessageIterator } from './message-iterator';
import { Waiting, type Overflow } from './waiting';
import { working, type Pace, type Work } from './working';

/** How a stream is taken: the options of its reader, absent ones filled in. */
export interface StreamOptions {
  readonly buffer: number;
  readonly overflow: Overflow;
  readonly signal?: AbortSignal | undefined;
  /** with each message */
  readonly work?: Work<never, unknown> | undefined;
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
    const { buffer, overflow, work } = this.#options;
    if (work === undefined) return iterator(this, new Waiting<T>(buffer, overflow));
    // No work is begun while as many results wait as are worked on at once, so none is lost.
    const { concurrency = 1 } = work;
    const results = new Waiting<T>(Infinity, 'error');
    let begin = (): void => undefined;
    const pace: Pace = {
      isFull: () => results.length >= concurrency,
      whenRoom: (work) => (begin = work),
    };
    return iterator(valuesOf(this.#source, this.#options, pace) as Observable<T>, results, () => begin());
  }
}

/** Where nothing overflows into a `D`, the iterator brings none. */
function iterator<T, D>(source: Observable<T>, values: Waiting<T>, onTaken?: () => void): AsyncIterableIterator<T | D> {
  return new MessageIterator(source, values, onTaken) as AsyncIterableIterator<unknown> as AsyncIterableIterator<T | D>;
}

function valuesOf(source: Observable<unknown>, options: StreamOptions, pace?: Pace): Observable<unknown> {
  const { buffer, overflow, signal, work } = options;
  let values = source;
  const makeWaiting = () => new Waiting<never>(buffer, overflow);
  if (work !== undefined) values = working(values as Observable<never>, work, makeWaiting, pace);
  if (signal !== undefined) values = values.pipe(endedBy(signal));
  return values === source ? source : values.pipe(inContext());
}

import { Observable } from 'rxjs';
import { BufferedIterator } from '../demand/buffered-iterator';

/**
 * The messages of channels: an Observable, and what `for await` takes.
 *
 * An Observer gets each message as it arrives. A loop takes its time: messages wait for it in a buffer, of 10 000 unless the option
 * `buffer` says otherwise. When that overflows, the loop gets what is in it and then throws an OverflowError, so nothing is lost
 * silently. Leaving the loop unsubscribes; it ends when the client is closed and throws what the Observable would error with.
 *
 * @example
 * for await (const { channel, data } of redis.subscribe('news:*')) await handle(channel, data);
 */
export class MessageStream<T> extends Observable<T> implements AsyncIterable<T> {
  readonly #buffer: number;

  /**
   * @internal
   * @param buffer how many messages wait at most for a loop over them
   */
  constructor(source: Observable<T>, buffer: number) {
    super((subscriber) => source.subscribe(subscriber));
    this.#buffer = buffer;
  }

  /** Subscribes when the first value is asked for. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new BufferedIterator(this, this.#buffer);
  }
}

import { Observable, Subscription, defer, last, type ObservableInput } from 'rxjs';
import { captured } from '../connection/async-context';
import { resultsOf } from '../demand/pulling';
import type { Overflow } from '../demand/waiting';
import { OverflowError } from '../errors';
import { kindOf } from '../resp/kind-of';
import { MessageStream } from './message-stream';
import { isNotice, waitingFor, type Notice } from './notices';
import { bufferOptions, type BufferOptions, type DroppedWith } from './subscribe-options';

/** What was read once nothing could be missed any more. The messages behind it came since then; some may be in it already. */
export interface Snapshot<T> {
  readonly type: 'snapshot';
  readonly value: T;
}

/**
 * Keeps a copy of what messages change: reads all of it once the subscription stands, then gives the messages that came meanwhile and
 * those that follow, and does so again after every gap. It is an operator for a stream with `{ gaps: true }`. Where the stream has several
 * names, each that is confirmed later begins a snapshot of its own.
 *
 * Given a stream, as a function is, it returns what `for await` takes as well; `pipe` returns a plain Observable.
 *
 * What waits for a snapshot that a gap makes worthless is dropped with it: the next one has it.
 * @param snapshot reads; its last value is the snapshot. It is asked anew each time, and left when a newer gap comes
 * @param options `buffer` and `overflow`: how many messages wait for a snapshot, and for a loop, 10 000 unless told otherwise. A snapshot
 * is never dropped
 * @returns a `{ type: 'snapshot', value }`, then messages, and so on. It errors with what `snapshot` errors with, with an OverflowError when
 * more messages come than may wait, and with a TypeError where the stream has no gaps, which compilers refuse before
 * @throws TypeError when an argument is wrong
 * @example
 * redis
 *   .subscribe('stock', { gaps: true })
 *   .pipe(resync(() => redis.hgetall('stock')))
 *   .subscribe((item) => (item.type === 'snapshot' ? replace(item.value) : change(item.data)));
 *
 * const stock = resync(() => redis.hgetall('stock'));
 * for await (const item of stock(redis.subscribe('stock', { gaps: true }))) await apply(item);
 */
export function resync<S, V extends Overflow = 'error'>(
  snapshot: () => ObservableInput<S>,
  options: BufferOptions<V> = {},
): <T>(
  source: Observable<T> & NeedsNotices<T>,
) => MessageStream<Snapshot<S> | Exclude<T, Notice<string> | Notice<Buffer>> | DroppedWith<V>, DroppedWith<V>> {
  if (typeof snapshot !== 'function')
    throw new TypeError(`resync: a function that reads the snapshot was expected, got ${kindOf(snapshot)}`);
  const waits = bufferOptions(options);
  return (source) => new MessageStream(resynced(source, snapshot, waits), waits);
}

/** Nothing is such a stream where its type has no notices: the option `gaps` is missing, and no snapshot would ever begin. */
export type NeedsNotices<T> = unknown extends T
  ? unknown
  : [Extract<T, Notice<string> | Notice<Buffer>>] extends [never]
    ? never
    : unknown;

function resynced<T, S>(
  source: Observable<T>,
  snapshot: () => ObservableInput<S>,
  { buffer, overflow }: ReturnType<typeof bufferOptions>,
): Observable<unknown> {
  return new Observable<unknown>((subscriber) => {
    const inContext = captured();
    const waiting = waitingFor<T>(buffer, overflow);
    /** Since `subscribed`: the messages wait for the snapshot, or follow it. */
    let state: 'unsubscribed' | 'reading' | 'read' = 'unsubscribed';
    let reading = Subscription.EMPTY;
    let ended = false;
    const replay = (value: S, own: Subscription): void => {
      subscriber.next({ type: 'snapshot', value });
      // An Observer of these may bring the next gap about.
      while (!own.closed && waiting.length > 0) subscriber.next(waiting.shift());
      if (own.closed) return;
      state = 'read';
      if (ended) subscriber.complete();
    };
    const begin = (): void => {
      reading.unsubscribe();
      waiting.clear();
      state = 'reading';
      const own = (reading = new Subscription());
      subscriber.add(own);
      // Names that are confirmed together have one snapshot.
      void Promise.resolve().then(() => {
        if (own.closed) return;
        const value$ = defer(() => resultsOf('resync', 'the function', inContext(snapshot))).pipe(
          last(null, undefined as S),
        );
        own.add(
          value$.subscribe({
            next: (value) => replay(value, own),
            error: (error: unknown) => subscriber.error(error),
          }),
        );
      });
    };
    return source.subscribe({
      next: (item) => {
        if (isNotice(item)) {
          if (item.type === 'subscribed') begin();
        } else if (state === 'read') subscriber.next(item);
        else if (state === 'unsubscribed') subscriber.error(new TypeError('resync: the stream needs { gaps: true }'));
        else if (!waiting.push(item)) subscriber.error(new OverflowError(buffer));
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => {
        ended = true;
        if (state !== 'reading') subscriber.complete();
      },
    });
  });
}

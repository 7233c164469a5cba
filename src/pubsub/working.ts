import { Observable, Subscription, defer, type ObservableInput } from 'rxjs';
import { captured } from '../connection/async-context';
import { OverflowError } from '../errors';
import { isNotice, type Notice } from './notices';
import { isDropped, type Dropped, type Waiting } from './waiting';

/** Work that is done with each message. */
export interface Work<M, R> {
  /** what is done with a message; what it gives are the values of the stream */
  readonly project: (message: M) => ObservableInput<R>;
  /** how many messages are worked on at once, 1 unless told otherwise: the order of the messages */
  readonly concurrency?: number | undefined;
}

/** A reader that takes its time: no work is begun while it has enough to read. */
export interface Pace {
  isFull(): boolean;
  /** told what is to be called when it has room again */
  whenRoom(begin: () => void): void;
}

/**
 * Works on messages, at most so many at once, while others wait. Notices, and what was dropped, are values in their turn. When the messages
 * end, what waits is worked on first.
 */
//  source ──▶ waiting ──▶ at most `concurrency` running ──▶ subscriber
export function working<M, R>(
  source: Observable<M | Notice>,
  { project, concurrency = 1 }: Work<M, R>,
  makeWaiting: () => Waiting<M | Notice>,
  pace?: Pace,
): Observable<R | Notice | Dropped> {
  return new Observable((subscriber) => {
    const inContext = captured();
    const waiting = makeWaiting();
    let running = 0;
    let end: { readonly error?: unknown } | undefined;
    let beginning = false;
    const done = () => {
      running--;
      begin();
    };
    const start = (message: M): void => {
      running++;
      const work = defer(() => inContext(() => project(message)));
      subscriber.add(
        work.subscribe({
          next: (result) => subscriber.next(result),
          error: (error: unknown) => subscriber.error(error),
          complete: done,
        }),
      );
    };
    // A loop, because work that ends at once would begin the next inside itself.
    const begin = (): void => {
      if (beginning) return;
      beginning = true;
      while (!subscriber.closed && running < concurrency && waiting.length > 0 && pace?.isFull() !== true) {
        const item = waiting.shift()!;
        if (isNotice(item) || isDropped(item)) subscriber.next(item as Notice | Dropped);
        else start(item);
      }
      beginning = false;
      if (end === undefined || running > 0 || waiting.length > 0) return;
      if ('error' in end) subscriber.error(end.error);
      else subscriber.complete();
    };
    pace?.whenRoom(begin);
    const upstream = new Subscription();
    subscriber.add(upstream);
    const finish = (how: { readonly error?: unknown }): void => {
      end = how;
      upstream.unsubscribe();
      begin();
    };
    upstream.add(
      source.subscribe({
        next: (item) => {
          if (waiting.push(item)) begin();
          else finish({ error: new OverflowError(waiting.size) });
        },
        error: (error: unknown) => finish({ error }),
        complete: () => finish({}),
      }),
    );
  });
}

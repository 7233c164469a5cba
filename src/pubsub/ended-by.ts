import { Observable, type MonoTypeOperatorFunction } from 'rxjs';

/** Ends a stream when the signal is aborted: it errors with the reason of that. With a signal that was aborted before it does nothing else. */
export function endedBy<T>(signal: AbortSignal): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const abort = (): void => subscriber.error(signal.reason);
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort);
      subscriber.add(() => signal.removeEventListener('abort', abort));
      subscriber.add(source.subscribe(subscriber));
    });
}

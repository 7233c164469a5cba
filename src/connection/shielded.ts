import { Observable, takeWhile, type MonoTypeOperatorFunction } from 'rxjs';
import { guarded } from './guarded';

/** Stands between the client and user code: what one side throws when it is left, or told of the end, does not reach the other. */
export function shielded<T>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      // RxJS reports what an observer throws; a Subscriber that is handed on would throw at the source.
      const subscription = source.pipe(takeWhile(() => !subscriber.closed)).subscribe({
        next: (value) => subscriber.next(value),
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      return () => guarded(() => subscription.unsubscribe());
    });
}

import { AsyncSubject, Observable, type ObservableInput, from } from 'rxjs';
import { shielded } from './shielded';

/**
 * Something that has begun already and will be done: an Observable without values that can be awaited.
 *
 * It runs whether anybody observes it or not, and every Observer, early or late, sees the same end. A failure that nobody observes
 * does not trouble the process.
 */
export class Completion extends Observable<never> implements PromiseLike<void> {
  constructor(work: ObservableInput<unknown>) {
    const outcome = new AsyncSubject<never>();
    super((subscriber) => outcome.pipe(shielded()).subscribe(subscriber));
    from(work).subscribe({ error: (error) => outcome.error(error), complete: () => outcome.complete() });
  }

  then<A = void, B = never>(
    onfulfilled?: ((value: void) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const done = new Promise<void>((resolve, reject) => this.subscribe({ complete: resolve, error: reject }));
    return done.then(onfulfilled, onrejected);
  }
}

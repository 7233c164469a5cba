import { AsyncSubject, from, lastValueFrom, type ObservableInput } from 'rxjs';
import { Awaitable } from '../commands/awaitable';
import { inContext } from './async-context';
import { shielded } from './shielded';

/**
 * Work that has begun. It emits `undefined` once when it is done, and completes. It can be awaited.
 *
 * It is hot: it runs whether anything subscribes to it or not, and every Observer, early or late, sees the same end. A failure that
 * nothing observes does not end the process.
 */
export class Completion extends Awaitable<void> {
  private promise: Promise<void> | undefined;

  /** @internal */
  constructor(work: ObservableInput<unknown>) {
    const outcome = new AsyncSubject<void>();
    super((subscriber) => outcome.pipe(shielded(), inContext()).subscribe(subscriber));
    from(work).subscribe({
      error: (error) => outcome.error(error),
      complete: () => {
        outcome.next();
        outcome.complete();
      },
    });
  }

  /** @internal */
  protected outcome(): Promise<void> {
    return (this.promise ??= lastValueFrom(this));
  }
}

import { EMPTY, Observable, Subject, tap } from 'rxjs';
import { BufferedIterator } from '../demand/buffered-iterator';
import { waitingOrRefused } from '../demand/waiting';
import type { Job } from './queue-job';

/** Jobs as they are taken: a cold Observable, and what `for await` takes. Each subscription, and each loop, is a worker of its own. */
export class JobStream<S extends string | Buffer = string> extends Observable<Job<S>> implements AsyncIterable<Job<S>> {
  readonly #taken: (wanted: () => number, asked$: Observable<unknown>) => Observable<Job<S>>;

  /** @internal */
  constructor(taken: (wanted: () => number, asked$: Observable<unknown>) => Observable<Job<S>>) {
    super((subscriber) => taken(() => Infinity, EMPTY).subscribe(subscriber));
    this.#taken = taken;
  }

  /** Takes a job when one is asked for. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Job<S>> {
    const asked$ = new Subject<void>();
    let asked = 0;
    const jobs$ = this.#taken(() => asked, asked$).pipe(tap(() => asked--));
    const jobs = new BufferedIterator(jobs$, waitingOrRefused<Job<S>>(Infinity));
    const iterator: AsyncIterableIterator<Job<S>> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        asked++;
        const next = jobs.next();
        asked$.next();
        return next;
      },
      return: () => jobs.return(),
      throw: (error: Error) => jobs.throw(error),
    };
    return iterator;
  }
}

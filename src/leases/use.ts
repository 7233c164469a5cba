import { Observable, from, tap, throwError, type ObservableInput, type Subscriber } from 'rxjs';
import type { RedisError } from '../errors';
import type { Lease } from './lease';
import type { Caller } from './lease-lists';
import type { LeasePool } from './lease-pool';

type Work<T> = (lease: Lease) => ObservableInput<T>;

/**
 * Does work on a connection that is its own until it ends, in whatever way. The connection is back before the end is told.
 * @param pool where connections come from; may throw
 */
export function use<T>(pool: () => LeasePool, work: Work<T>): Observable<T> {
  return new Observable((subscriber) => pool().ask(new Use(work, subscriber)));
}

// Hot: once per lease, so there are few operators.
/** A caller that does its work as soon as it has a connection. */
class Use<T> implements Caller {
  readonly isSpared = false;

  constructor(
    private readonly work: Work<T>,
    private readonly subscriber: Subscriber<T>,
  ) {}

  lent(lease: Lease): void {
    const { subscriber } = this;
    const giveBack = () => lease.giveBack();
    this.resultOf(lease)
      .pipe(tap({ error: giveBack, complete: giveBack }))
      .subscribe(subscriber);
    // When it unsubscribes, the work is left first.
    subscriber.add(giveBack);
  }

  private resultOf(lease: Lease): Observable<T> {
    try {
      return from(this.work(lease));
    } catch (error) {
      return throwError(() => error);
    }
  }

  failed(error: RedisError): void {
    this.subscriber.error(error);
  }

  returned(): void {
    // Its end is that of the work.
  }
}

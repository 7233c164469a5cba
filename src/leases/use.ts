import { Observable, from, throwError, type ObservableInput, type Observer, type Subscriber, Subscription } from 'rxjs';
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
/** Passes on what the work gives, and gives the connection back before its end is told; where the Observer leaves, once the work is left. */
class Giving<T> extends Subscription implements Observer<T> {
  constructor(
    private readonly lease: Lease,
    private readonly subscriber: Subscriber<T>,
  ) {
    super();
  }

  next(value: T): void {
    this.subscriber.next(value);
  }

  error(error: unknown): void {
    this.lease.giveBack();
    this.subscriber.error(error);
  }

  complete(): void {
    this.lease.giveBack();
    this.subscriber.complete();
  }

  override unsubscribe(): void {
    super.unsubscribe();
    this.lease.giveBack();
  }
}

/** A caller that does its work as soon as it has a connection. */
class Use<T> implements Caller {
  readonly isSpared = false;

  constructor(
    private readonly work: Work<T>,
    private readonly subscriber: Subscriber<T>,
  ) {}

  lent(lease: Lease): void {
    const { subscriber } = this;
    const giving = new Giving(lease, subscriber);
    subscriber.add(giving);
    this.resultOf(lease).subscribe(giving);
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

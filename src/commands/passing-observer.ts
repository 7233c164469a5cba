import type { Unsubscribable } from 'rxjs';
import type { RedisError } from '../errors';
import type { Happening } from './happening';
import type { ReplyObserver } from './request';

/** Passes everything on to another observer: what extends it changes some of that. */
export class PassingObserver<T = unknown> implements ReplyObserver<T> {
  constructor(protected readonly observer: ReplyObserver<T>) {}

  get closed(): boolean {
    return this.observer.closed;
  }

  next(value: T): void {
    this.observer.next(value);
  }

  error(error: RedisError): void {
    this.observer.error(error);
  }

  complete(): void {
    this.observer.complete();
  }

  add(departure: Unsubscribable): void {
    this.observer.add(departure);
  }

  happened(what: Happening): void {
    this.observer.happened?.(what);
  }
}

import type { Unsubscribable } from 'rxjs';
import type { RedisError } from '../errors';

/** Where a reply goes. A Subscriber of RxJS is one. */
export interface ReplyObserver<T> {
  /** Nothing is wanted any more: an unsent command is not worth sending, a reply is swallowed. */
  readonly closed: boolean;
  next(value: T): void;
  error(error: RedisError): void;
  complete(): void;
  /** Is told when the observer is closed; only what can be left has it. */
  add?(departure: Unsubscribable): void;
}

/**
 * The observer of a reply that is awaited; it is closed once the outcome is known.
 *
 * It keeps `resolve` alone: a Promise's `reject` is 64 bytes that nearly no command needs, and `resolve` can do its work.
 */
export class AwaitedReply<T> implements ReplyObserver<T> {
  constructor(private resolve: (value: T | Promise<never>) => void) {}

  get closed(): boolean {
    return this.resolve === settled;
  }

  // Hot: once per awaited reply.
  next(value: T): void {
    this.resolve(value);
    this.resolve = settled;
  }

  error(error: RedisError): void {
    this.resolve(Promise.reject(error));
    this.resolve = settled;
  }

  /** Without a value when the user asked the server not to answer. */
  complete(): void {
    this.resolve(undefined as T);
  }
}

function settled(): void {
  // a later outcome changes nothing
}

import { AsyncResource } from 'node:async_hooks';
import { Observable, type MonoTypeOperatorFunction, type Unsubscribable } from 'rxjs';
import type { Happening } from '../commands/happening';
import { AwaitedReply } from '../commands/reply';
import type { ReplyObserver } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { RedisError } from '../errors';

// An AsyncResource captures the context of AsyncLocalStorage in which it is made. What runs in its scope finds that context.

/** Made when the module is loaded, so it captures no request's context. */
const client = made();
// It runs work all the same. Test runners take what is not destroyed for a handle that was left open.
client.emitDestroy();

/** Runs work that lasts, such as opening a socket, outside any context of user code: it keeps none alive, and calls back in none. */
export function outside<T>(work: () => T): T {
  return client.runInAsyncScope(work);
}

/** Keeps the context of its caller: what it returns runs work in that. */
export function captured(): <T>(work: () => T) => T {
  const context = made();
  return (work) => context.runInAsyncScope(work);
}

/** Calls each Observer in the context in which it subscribed. */
export function inContext<T>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const context = made();
      return source.subscribe({
        next: (value) => context.runInAsyncScope(next, undefined, subscriber, value),
        error: (cause: unknown) => context.runInAsyncScope(error, undefined, subscriber, cause),
        complete: () => context.runInAsyncScope(complete, undefined, subscriber),
      });
    });
}

/** Calls the Observers of replies in the context in which they subscribed. `await` restores its context by itself. */
export function inCallersContext(executor: Executor): Executor {
  return {
    submit: (request) => {
      request.observeBy((observer) => (observer instanceof AwaitedReply ? observer : new InContext(observer)));
      executor.submit(request);
    },
  };
}

/** The same, where it is wanted when they subscribe. */
export function inCallersContextIf(isWanted: () => boolean, executor: Executor): Executor {
  const wrapped = inCallersContext(executor);
  return { submit: (request) => (isWanted() ? wrapped : executor).submit(request) };
}

/** An Observer of a reply that is called in the context in which it was made. */
class InContext<T> implements ReplyObserver<T> {
  private readonly context = made();

  constructor(private readonly observer: ReplyObserver<T>) {}

  get closed(): boolean {
    return this.observer.closed;
  }

  next(value: T): void {
    this.context.runInAsyncScope(next, undefined, this.observer, value);
  }

  error(cause: RedisError): void {
    this.context.runInAsyncScope(error, undefined, this.observer, cause);
  }

  add(departure: Unsubscribable): void {
    this.observer.add(departure);
  }

  complete(): void {
    this.context.runInAsyncScope(complete, undefined, this.observer);
  }

  happened(what: Happening): void {
    this.observer.happened?.(what);
  }
}

function made(): AsyncResource {
  return new AsyncResource('rxjs-redis', { requireManualDestroy: true });
}

// Hot: once per message. Without a closure.
function next(this: void, observer: Pick<ReplyObserver<unknown>, 'next'>, value: unknown): void {
  observer.next(value);
}

function error(this: void, observer: { error(cause: unknown): void }, cause: unknown): void {
  observer.error(cause);
}

function complete(this: void, observer: Pick<ReplyObserver<unknown>, 'complete'>): void {
  observer.complete();
}

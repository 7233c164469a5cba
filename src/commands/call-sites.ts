import type { Unsubscribable } from 'rxjs';
import type { RedisError } from '../errors';
import type { ReplySource } from './reply';
import type { ReplyObserver, Request } from './request';

/** How many frames stand between the user's code and what makes replies: the surface's `send` and the method. */
const OWN_FRAMES = 2;
/** A frame more, in methods that may have their answer without the server. */
const ONE_MORE = /\bsendUnlessAnswered\b/;

/** The frames of the user's code in a stack that was taken where a surface makes a reply. */
export function callersFrames(stack: string): string[] {
  const frames = stack.split('\n').slice(1);
  return frames.slice(OWN_FRAMES + (frames.slice(0, OWN_FRAMES).some((frame) => ONE_MORE.test(frame)) ? 1 : 0));
}

/** Errors that have got the frames of one call; another call that is told the same error gets a copy. */
const placed = new WeakSet<RedisError>();

/**
 * The surface of a single reply whose errors have the stack of the call, in place of the frames of the event loop.
 * @param maker the function that the surface called to make the reply
 */
export function withCallSite(source: ReplySource, maker: (...args: never[]) => unknown): ReplySource {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, maker);
  const submit = (request: Request): void => {
    request.observeBy((observer) => new PlacedObserver(observer, site));
    source.executor.submit(request);
  };
  return { ...source, executor: { submit } };
}

class PlacedObserver<T> implements ReplyObserver<T> {
  constructor(
    private readonly observer: ReplyObserver<T>,
    private readonly site: { readonly stack?: string },
  ) {}

  get closed(): boolean {
    return this.observer.closed;
  }

  next(value: T): void {
    this.observer.next(value);
  }

  error(error: RedisError): void {
    this.observer.error(placedAt(error, this.site));
  }

  complete(): void {
    this.observer.complete();
  }

  add(departure: Unsubscribable): void {
    this.observer.add(departure);
  }
}

function placedAt(error: RedisError, { stack = '' }: { readonly stack?: string }): RedisError {
  const frames = callersFrames(stack);
  const own = placed.has(error) ? copyOf(error) : error;
  const text = [`${error.name}: ${error.message}`, ...frames].join('\n');
  Object.defineProperty(own, 'stack', { value: text, writable: true, configurable: true });
  placed.add(own);
  return own;
}

function copyOf(error: RedisError): RedisError {
  return Object.create(Object.getPrototypeOf(error) as object, Object.getOwnPropertyDescriptors(error)) as RedisError;
}

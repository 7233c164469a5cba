import { Observable, type Subscriber } from 'rxjs';
import type { Command } from './command';
import { OwnKeys } from './own-keys';
import { applyPrefix } from './prefix';
import { plainContext, PromiseRequest, SubscriberRequest, type Executor, type RequestContext } from './request';

/** Where a reply's command goes and how it is read: the surface that it was called on. */
export interface ReplySource extends RequestContext {
  readonly executor: Executor;
}

/**
 * The reply to a command: a cold Observable of one value that sends the command when it is subscribed to, once per subscription.
 *
 * It can be awaited: the first `await` sends, later ones get the same outcome. A reply that nobody subscribes to or awaits sends
 * nothing. Errors with a RedisError.
 *
 * @example
 * const name = await redis.get('name');
 * redis.get('visits').pipe(map(Number)).subscribe(console.log);
 */
export class Reply<T> extends Observable<T> implements PromiseLike<T> {
  private promise: Promise<T> | undefined;

  constructor(
    /** @internal */ readonly surface: ReplySource,
    readonly command: Command<T>,
  ) {
    super(send);
    this.promise = undefined;
  }

  /** @internal The reply to a command, with the prefix of the surface that it is called on. */
  static from<T>(source: ReplySource, command: Command<T>): Reply<T> {
    return source.prefix === '' ? new Reply(source, command) : Reply.withPrefix(source, command);
  }

  /** @internal The reply to a command that brings it along: nothing is sent. */
  static answered<T>(command: Command<T>): Reply<T> {
    return new Reply(answeredHere, command);
  }

  private static withPrefix<T>(source: ReplySource, command: Command<T>): Reply<T> {
    const surface = command.spec.anyKey === true ? { ...source, executor: new OwnKeys(source.executor) } : source;
    return new Reply(surface, applyPrefix(command, source.prefix));
  }

  /** What a log shows of it: no argument, for some are secrets. */
  toJSON(): { command: string } {
    return { command: this.command.spec.name };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Reply <${this.command.spec.name}>`;
  }

  then<A = T, B = never>(
    onfulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return (this.promise ??= sendOnce(this)).then(onfulfilled, onrejected);
  }
}

const answeredHere: ReplySource = { ...plainContext, executor: { submit: (request) => request.settle(null) } };

function sendOnce<T>({ surface, command }: Reply<T>): Promise<T> {
  return new Promise((resolve) => surface.executor.submit(new PromiseRequest(command, surface, resolve)));
}

/** Shared by all replies: what `subscribe` does costs no closure per command. */
function send<T>(this: Observable<T>, subscriber: Subscriber<T>): void {
  const { surface, command } = this as Reply<T>;
  surface.executor.submit(new SubscriberRequest(command, surface, subscriber));
}

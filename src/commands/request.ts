import type { Subscriber } from 'rxjs';
import { AuthenticationError, ProtocolError, ReplyError, type RedisError } from '../errors';
import { ErrorFrame, type Frame } from '../resp/frames';
import type { Command, ReplyContext } from './command';

/** Whatever carries requests to a server: one connection, a pool, a cluster. */
export interface Executor {
  submit(request: Request): void;
}

/** A command and who waits for its reply: the unit that is queued, written, matched and settled, once. */
export abstract class Request<T = unknown> {
  constructor(
    readonly command: Command<T>,
    readonly context: ReplyContext,
  ) {}

  /** Nobody waits any more: not worth sending, its reply is to be swallowed. */
  abstract get abandoned(): boolean;
  abstract fail(error: RedisError): void;
  protected abstract deliver(value: T): void;

  // Hot: once per reply.
  settle(frame: Frame): void {
    if (this.abandoned) return;
    if (frame instanceof ErrorFrame) {
      this.fail(toReplyError(frame, this.command.spec.name));
      return;
    }
    let value: T;
    try {
      value = this.command.read(frame, this.context);
    } catch (cause) {
      this.fail(unreadable(cause, this.command.spec.name));
      return;
    }
    this.deliver(value);
  }
}

/** A request whose reply goes to a Subscriber. */
export class SubscriberRequest<T> extends Request<T> {
  constructor(
    command: Command<T>,
    context: ReplyContext,
    private readonly subscriber: Subscriber<T>,
  ) {
    super(command, context);
  }

  get abandoned(): boolean {
    return this.subscriber.closed;
  }

  fail(error: RedisError): void {
    this.subscriber.error(error);
  }

  protected deliver(value: T): void {
    this.subscriber.next(value);
    this.subscriber.complete();
  }
}

/**
 * A request whose reply is awaited; it cannot be abandoned.
 *
 * It keeps `resolve` alone: a Promise's `reject` is 64 bytes that nearly no command needs, and `resolve` can do its work.
 */
export class PromiseRequest<T> extends Request<T> {
  constructor(
    command: Command<T>,
    context: ReplyContext,
    protected readonly deliver: (value: T | Promise<never>) => void,
  ) {
    super(command, context);
  }

  get abandoned(): boolean {
    return false;
  }

  fail(error: RedisError): void {
    this.deliver(Promise.reject(error));
  }
}

const REFUSED_CREDENTIALS = new Set(['WRONGPASS', 'NOAUTH']);

/** The error that a subscriber sees for an error reply. */
export function toReplyError(frame: ErrorFrame, command: string): ReplyError {
  const { kind, text } = frame;
  const ErrorClass =
    REFUSED_CREDENTIALS.has(kind) || text.startsWith('ERR invalid password') ? AuthenticationError : ReplyError;
  return new ErrorClass(text, kind, { command });
}

function unreadable(cause: unknown, command: string): RedisError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ProtocolError(`The reply to ${command} cannot be read: ${why}`, { delivery: 'answered', command, cause });
}

import { AuthenticationError, ProtocolError, ReplyError, type RedisError } from '../errors';
import { ErrorFrame, type Frame } from '../resp/frames';
import type { Command, ReplyContext } from './command';

/** Who waits for a reply: a Subscriber, or a Promise in the making. `closed` when nobody waits any more. */
export interface ReplySink<T> {
  readonly closed: boolean;
  next(value: T): void;
  error(error: unknown): void;
  complete(): void;
}

/** Whatever carries requests to a server: one connection, a pool, a cluster. */
export interface Executor {
  submit(request: Request): void;
}

/** A command and who waits for its reply: the unit that is queued, written, matched and settled, once. */
export class Request<T = unknown> {
  constructor(
    readonly command: Command<T>,
    readonly sink: ReplySink<T>,
    readonly context: ReplyContext,
  ) {}

  /** Nobody waits any more: not worth sending, its reply is to be swallowed. */
  get abandoned(): boolean {
    return this.sink.closed;
  }

  // Hot: once per reply.
  settle(frame: Frame): void {
    const { sink } = this;
    if (sink.closed) return;
    if (frame instanceof ErrorFrame) {
      sink.error(toReplyError(frame, this.command.spec.name));
      return;
    }
    let value: T;
    try {
      value = this.command.read(frame, this.context);
    } catch (cause) {
      sink.error(unreadable(cause, this.command.spec.name));
      return;
    }
    sink.next(value);
    sink.complete();
  }

  fail(error: RedisError): void {
    if (!this.sink.closed) this.sink.error(error);
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

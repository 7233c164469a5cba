import type { Subscriber } from 'rxjs';
import type { RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import type { Command, ReplyContext } from './command';
import { toUnreadable } from './reply-error';

export { hasNotRun, toReplyError } from './reply-error';

/** Whatever carries requests to a server: one connection, a pool, a cluster. */
export interface Executor {
  submit(request: Request): void;
}

/**
 * Decides whether a command that failed is sent again: the delay in milliseconds, or false. `attempt` counts from 1.
 *
 * It is asked about every lost connection and every error reply while there is time left, so it has to look at `error.delivery`, or
 * better at `error.repeatable`. A refusal is a ReplyError; its `delivery` is `'unknown'` where the command was lost before. What has
 * run out of its own time is not asked about.
 */
export type RetryPolicy = (attempt: number, error: RedisError, command: Command) => number | false;

/** Limits of a link that a command may want otherwise than the connection, ms. */
export interface LinkLimits {
  readonly readTimeout?: number | undefined;
  readonly writeTimeout?: number | undefined;
}

/** What holds for all commands of a surface. */
export interface RequestContext extends ReplyContext {
  /** how long a command may take from its subscription to its reply, ms; Infinity for ever */
  readonly commandTimeout: number;
  /** it holds for blocking commands too, whose own wait counts otherwise */
  readonly limitsBlocking: boolean;
  /** what a blocking command may take beyond its own wait, ms; undefined where the connection's word holds */
  readonly blockingGrace: number | undefined;
  /** how long the server may be silent while this is what it owes, and take nothing while this is to be sent; undefined where the connection's word holds */
  readonly linkLimits: LinkLimits | undefined;
  /** the user vouches that repeating does no harm */
  readonly idempotent: boolean;
  readonly retry: RetryPolicy;
}

/** For what the client sends for itself: strings, no limit but the link's, never repeated, for who sent it knows better. */
export const plainContext: RequestContext = {
  bytes: false,
  prefix: '',
  commandTimeout: Infinity,
  limitsBlocking: false,
  blockingGrace: undefined,
  linkLimits: undefined,
  idempotent: false,
  retry: () => false,
};

let failures = 0;

/** What has become so far of a request that is tried again. */
export interface Past {
  /** its place among all that ever failed, which is that of the calls */
  readonly order: number;
  attempts: number;
  /** a link was lost with it */
  mayHaveRun: boolean;
  /** a connection was made anew for its sake */
  resent: boolean;
  /** how it failed the last time */
  failure: RedisError;
  /** how many commands that change what others mean, as SELECT does, were called before it or are it */
  era: number;
}

/** A command and who waits for its reply: the unit that is queued, written, matched and settled, once. */
export abstract class Request<T = unknown> {
  /** Undefined until it has failed and is to be tried again, as hardly any ever is. */
  past: Past | undefined = undefined;
  /** When its time is up, on the clock of its connection, ms; 0 until it is queued, and for ever where there is no limit. */
  deadline = 0;

  constructor(
    readonly command: Command<T>,
    readonly context: RequestContext,
  ) {}

  /** Nobody waits any more: not worth sending, its reply is to be swallowed. */
  abstract get abandoned(): boolean;
  abstract fail(error: RedisError): void;
  /** It was sent, and the user has asked the server not to answer: there is no value. */
  abstract settleUnanswered(): void;
  protected abstract deliver(value: T): void;

  /** How often it has been tried before. */
  get attempt(): number {
    return this.past?.attempts ?? 0;
  }

  /** Notes that it was tried in vain, and is to be tried again. */
  tried(failure: RedisError, era: number): Past {
    const past = (this.past ??= { order: ++failures, attempts: 0, mayHaveRun: false, resent: false, failure, era });
    past.attempts++;
    past.failure = failure;
    return past;
  }

  /** Whether it may be sent a second time although it may have run. */
  get repeatable(): boolean {
    const { replay } = this.command.spec;
    return this.context.idempotent || replay === 'read' || replay === 'same';
  }

  // Hot: once per reply.
  /** @param frame the reply; an error reply is not for here but for `fail` */
  settle(frame: Frame): void {
    if (this.abandoned) return;
    let value: T;
    try {
      value = this.command.read(frame, this.context);
    } catch (cause) {
      this.fail(toUnreadable(cause, this.command, this.past?.mayHaveRun ? 'unknown' : 'answered'));
      return;
    }
    this.deliver(value);
  }
}

/** A request whose reply goes to a Subscriber. */
export class SubscriberRequest<T> extends Request<T> {
  constructor(
    command: Command<T>,
    context: RequestContext,
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

  settleUnanswered(): void {
    this.subscriber.complete();
  }

  protected deliver(value: T): void {
    this.subscriber.next(value);
    this.subscriber.complete();
  }
}

/**
 * A request whose reply is awaited; it is abandoned only once it has failed.
 *
 * It keeps `resolve` alone: a Promise's `reject` is 64 bytes that nearly no command needs, and `resolve` can do its work.
 */
export class PromiseRequest<T> extends Request<T> {
  constructor(
    command: Command<T>,
    context: RequestContext,
    private resolve: (value: T | Promise<never>) => void,
  ) {
    super(command, context);
  }

  get abandoned(): boolean {
    return this.resolve === settled;
  }

  fail(error: RedisError): void {
    this.resolve(Promise.reject(error));
    this.resolve = settled;
  }

  settleUnanswered(): void {
    this.resolve(undefined as T);
  }

  protected deliver(value: T): void {
    this.resolve(value);
  }
}

function settled(): void {
  // what comes too late
}

import type { Unsubscribable } from 'rxjs';
import type { RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import type { Command } from './command';
import type { Happening } from './happening';
import { UnexpectedReply } from './unexpected-reply';
import type { RequestContext } from './request-context';
import { toUnreadable } from './reply-error';

/** Where a reply goes. A Subscriber of RxJS is one. */
export interface ReplyObserver<T> {
  /** Nothing is wanted any more: an unsent command is not worth sending, a reply is swallowed. */
  readonly closed: boolean;
  next(value: T): void;
  error(error: RedisError): void;
  complete(): void;
  /** Calls `departure.unsubscribe()` when the observer is closed, at once if it is already. An awaited reply never leaves, and does nothing. */
  add(departure: Unsubscribable): void;
  /** Told what happens to the request until then. Only observers have it that follow requests, for telemetry, and those that hand it on. */
  happened?(what: Happening): void;
}

/** In place of an observer that was taken away. */
const GONE: ReplyObserver<unknown> = {
  closed: true,
  next: () => undefined,
  error: () => undefined,
  complete: () => undefined,
  add: (departure) => departure.unsubscribe(),
};

/** What has happened so far to a request that is repeated. */
export interface Past {
  attempts: number;
  /** a link was lost with it */
  mayHaveRun: boolean;
  /** it was answered by the wrong server, and was repeated on a new link */
  hasMoved: boolean;
  /** how it failed the last time */
  failure: RedisError;
  /** it was in flight when a link was lost, so its reply may be what breaks links; not when it was refused since */
  onTrial: boolean;
  /** the same, and it was the oldest in flight, or was lost twice */
  suspected: boolean;
  /** how often a node of a cluster has named another for it */
  hops: number;
  /** the node that it is sent to does not own its slot yet, and takes it behind ASKING alone */
  asking: boolean;
  /** later calls may have entered the line of its node while another was asked: those to its keys that are on their way there are answered first */
  isLate: boolean;
}

/**
 * A command and the observer of its reply: the unit that is queued, written, matched and settled, once.
 *
 * There is one class for all of them: a call site that sees several classes is slower by 8 to 100 ns a request.
 */
export class Request<T = unknown> {
  /** Undefined until it has failed and is to be repeated, which hardly ever happens. */
  past: Past | undefined = undefined;
  /** When its time is up, on the clock of its connection, ms; 0 until it enters a line, and for ever where there is no limit. */
  deadline = 0;
  /** Its number in the order of the calls; 0 until it enters a line. */
  place = 0;

  constructor(
    /** what is sent; it changes when a blocking command waits the rest of its time at another server, behind ASKING, and where a cache reads */
    public command: Command<T>,
    readonly context: RequestContext,
    private observer: ReplyObserver<T>,
  ) {}

  /** The observer has left: not worth sending, the reply is to be swallowed. */
  get abandoned(): boolean {
    return this.observer.closed;
  }

  /** How often it has failed and was repeated. */
  get attempt(): number {
    return this.past?.attempts ?? 0;
  }

  /** Whether it may be sent a second time although it may have run. */
  get repeatable(): boolean {
    const { replay } = this.command;
    return this.context.idempotent || replay === 'read' || replay === 'same';
  }

  /** Whether it may be sent a second time although the first copy may run after others: it changes nothing, or its own link alone, or its user says so. */
  get bearsLateCopy(): boolean {
    const { isRead, spec } = this.command;
    return this.context.idempotent || isRead || spec.effect !== undefined;
  }

  /** Tells the observer, if it wants to know. */
  happened(what: Happening): void {
    this.observer.happened?.(what);
  }

  /** Notes that it has failed and is to be repeated. */
  tried(failure: RedisError, type: 'retry' | 'redirect' = 'retry'): Past {
    const past = (this.past ??= {
      attempts: 0,
      mayHaveRun: false,
      hasMoved: false,
      failure,
      onTrial: false,
      suspected: false,
      hops: 0,
      asking: false,
      isLate: false,
    });
    past.attempts++;
    past.failure = failure;
    past.onTrial = false;
    past.suspected = false;
    this.happened({ type, error: failure, attempt: past.attempts });
    return past;
  }

  /** Calls `departure.unsubscribe()` when the observer leaves or gets the outcome. An awaited reply never leaves. */
  onLeave(departure: Unsubscribable): void {
    this.observer.add(departure);
  }

  /** Wraps the observer. Called before the request enters a line. */
  observeBy(observer: (observer: ReplyObserver<T>) => ReplyObserver<T>): void {
    this.observer = observer(this.observer);
  }

  /** The same for what comes and goes. Returns the observer that was there. */
  replaceObserver(by: ReplyObserver<T>): ReplyObserver<T> {
    const { observer } = this;
    this.observer = by;
    return observer;
  }

  /** Takes the observer away, which is told later what has become of the request: from now on that is abandoned. */
  takeObserver(): ReplyObserver<T> {
    return this.replaceObserver(GONE);
  }

  /** The request leaves its line for another of the same clock that counts the same calls: its time goes on, and it keeps its place. */
  moveOn(): void {
    const { deadline, place } = this;
    this.leaveLine();
    this.deadline = deadline;
    this.place = place;
  }

  /** The request leaves its line, to fail or to enter another. It keeps nothing that the line numbered or timed. */
  leaveLine(): void {
    this.deadline = 0;
    this.place = 0;
    if (this.past !== undefined) {
      this.past.onTrial = false;
      this.past.suspected = false;
    }
  }

  // Hot: once per reply.
  /**
   * @param frame the reply; an error reply goes to `fail`
   * @throws UnexpectedReply before the observer is told anything: the reply is perhaps another's
   */
  settle(frame: Frame): void {
    const { observer } = this;
    if (observer.closed) return;
    let value: T;
    try {
      value = this.command.read(frame, this.context);
    } catch (cause) {
      if (cause instanceof UnexpectedReply) throw cause;
      this.fail(toUnreadable(cause, this.command, this.past?.mayHaveRun ? 'unknown' : 'answered'));
      return;
    }
    observer.next(value);
    observer.complete();
  }

  /** It was sent, and the user has asked the server not to answer: there is no value. */
  settleUnanswered(): void {
    this.observer.complete();
  }

  fail(error: RedisError): void {
    this.observer.error(error);
  }
}

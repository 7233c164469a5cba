import type { SchedulerLike } from 'rxjs';
import { hasNotRun, toReplyError, type Past, type Request } from '../commands/request';
import type { RedisError, ReplyError } from '../errors';
import type { ReconnectOnError } from '../options';
import type { ErrorFrame } from '../resp/frames';
import type { Backlog } from './backlog';
import { beginsEra, type Eras } from './eras';
import { connectionLost } from './failures';
import { reportUnhandled } from './report-unhandled';
import { delayOfNextTry } from './retry';

/** What a server answers to every command while it cannot work. */
const REFUSES_ALL = new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN']);

/** How long all wait at most for one that was refused for the moment, ms. */
const LONGEST_HOLD = 1_000;

/** What becomes of requests that were refused, or lost with their link: the caller is told, or they are tried again. */
//  refused ─┐                  ┌─▶ parked: tried again after a delay, others pass it
//           ├─ may be repeated ┼─▶ brought back: first in line when the hold is over, or on the next link
//     lost ─┘                  └─▶ no: fails, after a loss once everything is in its place
export class Retrier {
  private wrongServer: RedisError | undefined;
  /** What a request meets now that the client has ended; undefined until then. */
  private ended: ((request: Request) => RedisError) | undefined;

  constructor(
    private readonly options: { readonly clock: SchedulerLike; readonly reconnectOnError: ReconnectOnError },
    private readonly backlog: Backlog,
    private readonly eras: Eras,
  ) {}

  /** Why the link leads to the wrong server: nothing of the queue is sent on it any more, and it is left once the owed replies have come. */
  get retiring(): RedisError | undefined {
    return this.wrongServer;
  }

  /** From now on nothing is tried again. */
  end(toError: (request: Request) => RedisError): void {
    this.ended = toError;
  }

  /**
   * The server has answered the oldest request, of which the eras have been told, with an error: the command did not run.
   * @param ready whether the link had come through its handshake
   */
  refused(request: Request, frame: ErrorFrame, ready: boolean): void {
    const { command } = request;
    const error = toReplyError(frame, command, request.past?.mayHaveRun, request.repeatable);
    const reaction = ready && this.reactionTo(error);
    if (reaction !== false) this.wrongServer ??= error; // first, for who is told of the failure may send more
    if (request.abandoned) return;
    if (reaction === 'resend' && request.past?.resent !== true && hasNotRun(frame, command)) {
      this.tried(request, error).resent = true;
      this.backlog.bringBack(request);
    } else {
      this.failOrRepeat(request, error);
    }
  }

  /**
   * The link is gone before the oldest request, of which the eras have been told, was answered: it may have run, and is repeated
   * only where that does no harm.
   * @returns what it fails with; undefined when it is tried again, or nobody waits for it
   */
  lost(request: Request, cause: RedisError): RedisError | undefined {
    if (request.abandoned) return undefined;
    const failure = connectionLost(cause, request, 'unknown');
    if (this.ended !== undefined) {
      this.tried(request, failure).mayHaveRun = true;
      return this.ended(request);
    }
    const delay = this.delayOf(request, failure);
    if (delay === false) return failure;
    this.tried(request, failure).mayHaveRun = true;
    if (delay > 0) this.backlog.park(request, delay);
    else this.backlog.bringBack(request);
    return undefined;
  }

  /** All that was in flight on a lost link has been dealt with: what was brought back may go out on the next. */
  linkLeft(): void {
    this.wrongServer = undefined;
    this.backlog.release();
  }

  private failOrRepeat(request: Request, error: ReplyError): void {
    const delay = this.delayOf(request, error);
    if (delay === false) {
      request.fail(error);
      return;
    }
    this.tried(request, error);
    // Who wants to wait for long gives up the place in line: nobody else is to wait for that.
    const isWaitedFor = refusesAll(error) || beginsEra(request.command);
    if (!isWaitedFor || delay > LONGEST_HOLD) {
      this.backlog.park(request, delay);
      return;
    }
    this.backlog.hold(delay);
    this.backlog.bringBack(request);
  }

  private tried(request: Request, failure: RedisError): Past {
    return request.tried(failure, this.eras.ofOldest);
  }

  private delayOf(request: Request, error: RedisError): number | false {
    const delay = delayOfNextTry(request, error, this.options.clock.now());
    return this.ended === undefined && delay; // the policy itself may have ended the client
  }

  private reactionTo(error: ReplyError): ReturnType<ReconnectOnError> {
    try {
      const reaction: unknown = this.options.reconnectOnError(error);
      return this.ended === undefined && (reaction === true || reaction === 'resend') ? reaction : false;
    } catch (thrown) {
      reportUnhandled(thrown);
      return false;
    }
  }
}

/** A slot that is not served concerns its keys alone. */
function refusesAll({ kind, message }: ReplyError): boolean {
  return REFUSES_ALL.has(kind) && !message.startsWith('CLUSTERDOWN Hash slot');
}

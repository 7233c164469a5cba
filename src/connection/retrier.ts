import { blockingWait, withWait } from '../commands/blocking-wait';
import type { GroupProgress } from '../commands/group';
import { asksOfItsConnection, hasNotRun, mayGoOn, reasonOf, toReplyError, toUnreadable } from '../commands/reply-error';
import type { Request } from '../commands/request';
import type { RedisError, ReplyError } from '../errors';
import type { ReconnectOnError } from '../options';
import { Unreadable, type ErrorFrame } from '../resp/frames';
import type { Backlog } from './backlog';
import type { Clock } from './clock';
import type { Detour } from './detour';
import { connectionLost, leftBehind, lostAgain } from './failures';
import { guarded, reportUnhandled } from './guarded';
import { changesMeaning, isAhead, type Places } from './places';
import { delayOfNextTry } from './retry';
import { timeToWait } from './time-for';

/** What a server answers to every command while it cannot work. */
const REFUSES_ALL = new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN']);

/** How long the queue pauses at most for one request that was refused for the moment, ms. */
const LONGEST_PAUSE = 1_000;

export interface RetrierOptions {
  readonly clock: Clock;
  readonly reconnectOnError: ReconnectOnError;
  readonly detour?: Detour | undefined;
  /** what a blocking command may take beyond its own wait, ms */
  readonly blockingGrace: number;
}

/** How a request was lost with its link. */
export interface LossOfRequest {
  /** how far the members of a group had come */
  readonly progress: GroupProgress | undefined;
  /** `'unsent'` for a command that a transaction only queued: it never ran */
  readonly delivery: 'unknown' | 'unsent';
  /** the request was the oldest in flight */
  readonly isOldest: boolean;
  /** … and nothing else was */
  readonly isAlone: boolean;
  /** the client has left the link, or a command asked for its end: no reply has broken it */
  readonly isMeant: boolean;
}

/** What becomes of requests that were refused, or lost with their link: the observer is told, or they are repeated. */
//  refused ─┐                  ┌─▶ parked: repeated after a delay, others pass it
//           ├─ may be repeated ┼─▶ brought back: first in line after the pause, or on the next link
//     lost ─┘                  └─▶ no: fails, after a loss once everything is in its place
export class Retrier {
  /** The error of every request once the client has ended; undefined until then. */
  private ended: ((request: Request) => RedisError) | undefined;

  constructor(
    private readonly options: RetrierOptions,
    private readonly backlog: Backlog,
  ) {}

  /** From now on nothing is repeated. */
  end(toError: (request: Request) => RedisError): void {
    this.ended = toError;
  }

  get hasEnded(): boolean {
    return this.ended !== undefined;
  }

  /**
   * The server has answered the oldest request with an error, so the command did not run; or with a reply that cannot be read, so it did.
   * @param retire leaves the link, which leads to the wrong server; undefined during the handshake
   */
  refused(request: Request, frame: ErrorFrame, retire: ((reason: RedisError) => void) | undefined): void {
    const { command } = request;
    if (frame instanceof Unreadable) {
      const delivery = request.past?.mayHaveRun === true ? 'unknown' : 'answered';
      if (!request.abandoned) request.fail(toUnreadable(frame.text, command, delivery));
      return;
    }
    const error = toReplyError(frame, command, request.past?.mayHaveRun, request.repeatable);
    // The link is left first, because the observer may send more when it is told of the failure.
    const reaction = retire !== undefined && this.react(error, retire);
    if (request.abandoned) return;
    if (this.options.detour !== undefined && !isAhead(request) && this.ended === undefined) {
      if (this.options.detour.redirects(request, frame, error)) return;
    }
    if (reaction === 'resend' && mayGoOn(error, command)) {
      this.waitOn(request);
      request.tried(error, 'redirect');
      this.backlog.bringBack(request);
    } else if (reaction === 'resend' && this.followsLink(request, error, frame)) {
      request.tried(error, 'redirect').hasMoved = true;
      this.backlog.bringBack(request);
    } else {
      this.failOrRepeat(request, error);
    }
  }

  /** The server lacks the script that a request calls: it is sent once more, with the whole of it, unless a later write overtakes it. */
  lacksScript(request: Request, frame: ErrorFrame): void {
    if (request.abandoned) return;
    request.tried(toReplyError(frame, request.command, request.past?.mayHaveRun, request.repeatable));
    this.backlog.bringBack(request);
  }

  /** Whether a request is repeated on the next link because of what it was answered: once at the most. */
  private followsLink(request: Request, error: ReplyError, frame: ErrorFrame): boolean {
    const { command } = request;
    // What was sent ahead belongs to its link, and a command that CLIENT UNBLOCK has ended is over.
    if (isAhead(request) || asksOfItsConnection(command) || error.kind === 'UNBLOCKED') return false;
    return request.past?.hasMoved !== true && hasNotRun(frame, command);
  }

  /** The command has waited at the server for a part of its time, and waits at the next one for the rest. */
  private waitOn(request: Request): void {
    const { deadline, command, context } = request;
    const time = timeToWait(request, this.options.blockingGrace);
    if (deadline === 0 || context.limitsBlocking || time === undefined) return;
    const waited = this.options.clock.now() - (deadline - time);
    request.command = withWait(command, blockingWait(command)! - waited);
  }

  /** Leaves the link where the options say that an error means the wrong server. */
  react(error: ReplyError, retire: (reason: RedisError) => void): ReturnType<ReconnectOnError> {
    const reaction = this.reactionTo(error);
    if (reaction !== false) retire(error);
    return reaction;
  }

  /**
   * The link is gone before the oldest request was answered: it may have run, and is repeated only where that does no harm.
   * @returns what it fails with; undefined when it is repeated, or its observer has left
   */
  lost(request: Request, cause: RedisError, loss: LossOfRequest): RedisError | undefined {
    if (request.abandoned) return undefined;
    const failure = connectionLost(cause, request, loss.delivery, loss.progress);
    if (this.ended !== undefined) {
      this.noteLoss(request, failure, loss);
      return this.ended(request);
    }
    if (isSuspect(request, loss)) return lostAgain(failure, request);
    const delay = this.delayOf(request, failure);
    if (delay === false) return failure;
    this.noteLoss(request, failure, loss);
    if (delay > 0) this.backlog.park(request, delay);
    else this.backlog.bringBack(request);
    return undefined;
  }

  /** The server has accepted another database or user: fails the requests that must not be repeated there. */
  failLeftBehind(places: Places): void {
    this.failRepeated(this.backlog.takeRepeated(places.changedAt));
  }

  /** Fails requests that would be another command, or undo one, if they were repeated now. */
  failRepeated(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    // They may still stand in the backlog, which an observer that is told may have written.
    const observers = requests.map((request) => request.takeObserver());
    observers.forEach((observer, index) => {
      if (!observer.closed) guarded(() => observer.error(leftBehind(requests[index]!)));
    });
  }

  private noteLoss(request: Request, failure: RedisError, { isOldest, isMeant }: LossOfRequest): void {
    const { onTrial = false, suspected = false } = request.past ?? {};
    const past = request.tried(failure);
    if (failure.delivery === 'unknown') past.mayHaveRun = true;
    // What it was suspected of before, it still is: its reply has not come.
    past.onTrial = onTrial || !isMeant;
    past.suspected = isMeant ? suspected : isOldest || onTrial;
  }

  private failOrRepeat(request: Request, error: ReplyError): void {
    const delay = this.delayOf(request, error);
    if (delay === false) {
      request.fail(error);
      return;
    }
    request.tried(error);
    // A request with a long delay leaves the line, so that it does not hold up the others.
    const isWaitedFor = refusesAll(error) || changesMeaning(request.command.spec.effect);
    if (!isWaitedFor || delay > LONGEST_PAUSE) {
      this.backlog.park(request, delay);
      return;
    }
    this.backlog.pause(delay);
    this.backlog.bringBack(request);
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

/** Whether a request was lost before, and only its reply can have broken the link this time. */
function isSuspect({ past }: Request, { isOldest, isAlone, isMeant }: LossOfRequest): boolean {
  return !isMeant && isOldest && past?.onTrial === true && (isAlone || past.suspected);
}

/** A slot that is not served concerns its keys alone. */
function refusesAll(error: ReplyError): boolean {
  return REFUSES_ALL.has(reasonOf(error)) && !error.message.includes('CLUSTERDOWN Hash slot');
}

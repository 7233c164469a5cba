import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import { errorsIn, toReplyError } from '../commands/reply-error';
import { runsScripts } from '../commands/runs-scripts';
import type { Request } from '../commands/request';
import { unexpected, type UnexpectedReply } from '../commands/unexpected-reply';
import { mayHaveWritten } from '../commands/writes-to';
import type { ReplyError } from '../errors';
import { ErrorFrame, Unreadable, type Frame } from '../resp/frames';
import type { Backlog } from './backlog';
import { failSafely } from './failures';
import type { Flusher } from './flusher';
import type { Link } from './link';
import type { Multicast } from './multicast';
import { changesMeaning, isAhead, type Places } from './places';
import type { Retrier } from './retrier';
import type { WriteOrder } from './write-order';

/** What a reply does beside giving its observer a value: to the link, and to other requests of the line. */
//  refused ──▶ Retrier, the link is retired if it leads to the wrong server
//  not plain ──▶ the link's mode and scripts, Places ──observer has its reply──▶ told: the session, requests that are left behind
//  written ──▶ earlier writes to the same keys, which it has overtaken, fail
export class ReplyEffects {
  constructor(
    private readonly backlog: Backlog,
    private readonly places: Places,
    private readonly order: WriteOrder,
    private readonly retrier: Retrier,
    private readonly flusher: Flusher,
    private readonly sessionCommands$: Multicast<Command>,
  ) {}

  /** The oldest request was answered with an error. */
  refused(link: Link, request: Request, frame: ErrorFrame): void {
    const isScript = request.command.spec.script !== undefined && !(frame instanceof Unreadable);
    const lacks = isScript && link.scripts.refused(request, link.owed.passed - 1, frame);
    if (lacks === true && !isAhead(request)) {
      this.retrier.lacksScript(request, frame);
      this.flusher.schedule();
      return;
    }
    const answer = lacks instanceof ErrorFrame ? lacks : frame;
    this.retrier.refused(request, answer, link.inHandshake ? undefined : link.retire);
  }

  /** A member of a group was refused. */
  memberRefused(link: Link, error: ReplyError): void {
    if (link.isOpen) this.retrier.react(error, link.retire);
  }

  /** The reply may be another request's, and so may all later ones. The link is lost first, because the observer may send more. */
  unexpected(link: Link, request: Request, reply: UnexpectedReply): void {
    const error = unexpected(reply, request.command);
    link.lose(error);
    failSafely(request, error);
  }

  /**
   * Notes what the reply to a command that is not plain changes.
   * @returns the requests whose effects the link has from now on
   */
  note(link: Link, request: Request, frame: Frame): readonly Request[] {
    this.places.ended(request);
    const number = link.owed.passed - 1;
    const { command } = request;
    const done = link.mode.answered(request, frame, number);
    link.scripts.answered(request);
    if (command.spec.script !== undefined && !(frame instanceof ErrorFrame)) link.scripts.ran(request, number, frame);
    if (command instanceof Group) link.scripts.groupAnswered(request, number, frame);
    for (const one of done) this.places.accepted(one);
    if (link.outgoing.answered(request)) this.flusher.schedule();
    if (runsScripts(command.spec)) this.lookInside(link, command, frame);
    return done;
  }

  /** A script may have caught an error of the server and returned it inside its reply. */
  private lookInside(link: Link, command: Command, frame: Frame): void {
    if (frame instanceof ErrorFrame) return;
    for (const error of errorsIn(frame)) this.memberRefused(link, toReplyError(error, command));
  }

  /** Tells of effects, after the observer has its reply. */
  tell(done: readonly Request[]): void {
    for (const { command } of done) this.sessionCommands$.next(command);
    if (done.some(({ command }) => changesMeaning(command.spec.effect))) this.retrier.failLeftBehind(this.places);
  }

  /** Fails earlier writes to the same keys that wait to be repeated: this request has overtaken them. */
  keepOrder(link: Link, request: Request, frame: Frame): void {
    this.order.answered(link.owed.passed - 1);
    if (mayHaveWritten(frame, request.command)) this.retrier.failRepeated(this.order.overtakenBy(request));
    // A repeated request may have waited for this reply.
    if (this.backlog.waiting > 0) this.flusher.schedule();
  }
}

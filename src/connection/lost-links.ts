import { endsConnection } from '../commands/closing';
import { Group, type GroupProgress } from '../commands/group';
import type { Request } from '../commands/request';
import { withoutStacks } from '../commands/without-stacks';
import { ConnectionError, ProtocolError, type RedisError } from '../errors';
import type { Backlog } from './backlog';
import type { Clock } from './clock';
import type { Deadlines } from './deadlines';
import { SLICE, type Failer } from './failer';
import { connectionLost, unreadable } from './failures';
import { guarded } from './guarded';
import type { Link } from './link';
import { isAhead, type Places } from './places';
import { Renewal } from './renewal';
import type { Retrier } from './retrier';
import { Trial } from './trial';

/** So many members of groups are looked at in one turn of the event loop. */
const MEMBERS = 5_000;

/** A lost link whose owed requests are being failed or repeated, a slice a turn. */
interface LostLink {
  readonly link: Link;
  readonly error: RedisError;
  readonly oldest: Request | undefined;
  /** nothing else was in flight */
  readonly isAlone: boolean;
  /** the number, among all that were ever owed, of the first that the socket has refused to write */
  readonly refusedFrom: number;
  /** a command asked the server to end the connection, so the end is its reply */
  readonly isEnding: boolean;
}

/** The requests that fail because of a loss, and their errors. */
interface Casualties {
  readonly requests: Request[];
  readonly errors: RedisError[];
  /** what the end of the connection answers */
  readonly answered: Request[];
}

/**
 * Decides about the requests that lost links owed: those that can be repeated without harm go back to the queue, the others fail. Many
 * take several turns of the event loop; until it is decided about all, nothing of the queue is written.
 */
//                ┌─ was not written ─────────────▶ back to the queue
//  link lost ────┼─ was to close the connection ─▶ answered by that
//                ├─ breaks links, perhaps ───────▶ fails
//                └─ all else ────────────────────▶ Retrier
export class LostLinks {
  private undecided: LostLink[] = [];
  /** How requests that were lost with earlier links are tried on the current one. */
  private trial = new Trial();

  /** @param onDecided told when nothing is undecided any more */
  constructor(
    private readonly clock: Clock,
    private readonly backlog: Backlog,
    private readonly places: Places,
    private readonly retrier: Retrier,
    private readonly failer: Failer,
    private readonly deadlines: Deadlines,
    private readonly onDecided: () => void,
  ) {}

  get areDecided(): boolean {
    return this.undecided.length === 0;
  }

  /** How many requests it has not decided about yet. */
  get pending(): number {
    let pending = 0;
    for (const { link } of this.undecided) pending += link.owed.length;
    return pending;
  }

  /** A request that is repeated is about to be written. @returns whether nothing else is to be written until it is answered */
  isTriedLast(request: Request): boolean {
    const isLast = this.backlog.peek()?.past?.onTrial !== true;
    return request.past!.onTrial && this.trial.closesWith(request, isLast);
  }

  /** A link is lost. @returns tells the observers of what fails at once; called when everything is in its place */
  add(link: Link, error: RedisError): () => void {
    const { ahead, queued, refusedFrom, lastEnding } = link.outgoing.end();
    for (const request of queued) this.backlog.bringBack(request);
    const isAsked = lastEnding >= link.owed.passed && lastEnding < refusedFrom;
    const isEnding = isAsked && !this.retrier.hasEnded && isEndByPeer(error);
    const oldest = link.owed.passed < refusedFrom ? link.owed.peek() : undefined;
    const lost = { link, error, oldest, isAlone: link.owed.length === 1, refusedFrom, isEnding };
    this.trial = new Trial();
    this.undecided.push(lost);
    const first = this.decide(lost);
    this.decideLater(lost);
    return () => {
      this.failer.fail(ahead, (request) => connectionLost(error, request, 'unsent'));
      this.tell(first);
    };
  }

  /** Decides about the requests that a lost link has owed for longest: those that fail are returned, the others are repeated. */
  private decide({ link, error, oldest, isAlone, refusedFrom, isEnding }: LostLink): Casualties {
    const { owed } = link;
    const failing: Casualties = { requests: [], errors: [], answered: [] };
    let members = MEMBERS;
    for (let left = SLICE; left > 0 && owed.length > 0; left--) {
      const { command } = owed.peek()!;
      // What a repetition of a large group does is worked out over several turns.
      if (command instanceof Group) {
        if (members <= 0 || !command.isReplayKnown(members)) break;
        members -= command.members.length;
      }
      const request = owed.shift()!;
      if (!request.command.spec.plain) this.places.ended(request);
      if (this.deadlines.hasExpired(request)) continue;
      const isOldest = request === oldest;
      const isRefused = owed.passed > refusedFrom;
      if (isRefused && !isAhead(request)) {
        this.backlog.bringBack(request);
        continue;
      }
      if (isEnding && !isRefused && endsConnection(request.command)) {
        failing.answered.push(request);
        continue;
      }
      const failure = withoutStacks(() => {
        // The commands that restore a link are sent anew on the next one.
        if (isRefused) return connectionLost(error, request, 'unsent');
        const progress = link.groups.progressOf(request, oldest);
        const delivery = link.mode.onlyQueues || !mayHaveRun(request, progress) ? 'unsent' : 'unknown';
        // A command whose reply is not RESP is not repeated: it would break the next link as well.
        if (isOldest && isNoResp(error)) return unreadable(error, request, delivery, progress);
        const isMeant = isEnding || error instanceof Renewal;
        return this.retrier.lost(request, error, { progress, delivery, isOldest, isAlone, isMeant });
      });
      if (failure === undefined) continue;
      failing.requests.push(request);
      failing.errors.push(failure);
    }
    return failing;
  }

  /** Goes on with the other owed requests once the event loop has done other work. */
  private decideLater(lost: LostLink): void {
    if (lost.link.owed.length > 0) {
      this.clock.afterInput(() => {
        const next = this.decide(lost);
        this.decideLater(lost);
        this.tell(next);
      });
      return;
    }
    this.undecided = this.undecided.filter((other) => other !== lost);
    this.deadlines.forget(lost.link.owed);
    if (this.areDecided) this.onDecided();
  }

  private tell({ requests, errors, answered }: Casualties): void {
    for (const request of answered) guarded(() => request.settleUnanswered());
    this.failer.fail(requests, (_request, index) => errors[index]!);
  }
}

/** A transaction whose EXEC was not written has not run, unless it did when it was sent before. */
function mayHaveRun({ command, past }: Request, progress: GroupProgress | undefined): boolean {
  return progress === undefined || past?.mayHaveRun === true || (command as Group).mayHaveRun(progress.written);
}

/** The bytes of the oldest reply are no RESP. Where an error names a command, the reply to that one has been taken already. */
function isNoResp(error: RedisError): error is ProtocolError {
  return error instanceof ProtocolError && error.command === undefined;
}

/** The peer has closed the connection, or reset it. */
function isEndByPeer(error: RedisError): boolean {
  if (!(error instanceof ConnectionError)) return false;
  const { cause } = error;
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  return cause === undefined || code === 'ECONNRESET' || code === 'EPIPE';
}

import { Subject, defer, of, type Observable } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import { endsConnection } from '../commands/closing';
import type { Command } from '../commands/command';
import type { Group, GroupProgress } from '../commands/group';
import type { Request } from '../commands/request';
import { UnexpectedReply, unexpected } from '../commands/unexpected-reply';
import { mayHaveWritten } from '../commands/writes-to';
import { ConnectionError, ProtocolError, type RedisError, type ReplyError } from '../errors';
import type { ReconnectOnError } from '../options';
import { ErrorFrame, type Frame, type Push } from '../resp/frames';
import { Backlog, byPlace } from './backlog';
import { Deadlines } from './deadlines';
import { Failer, SLICE } from './failer';
import { connectionLost, failSafely, leftBehind, unreadable, withoutStacks } from './failures';
import { guarded, reportUnhandled } from './guarded';
import { Link, type LinkOptions, type LinkOwner } from './link';
import { Multicast } from './multicast';
import { isGreeting } from './outgoing';
import { Places, changesMeaning } from './places';
import { Residents } from './resident';
import { Retrier } from './retrier';
import type { ByteSocket } from './socket';
import { timeFor } from './time-for';
import { WriteOrder } from './write-order';

/** Durations are milliseconds. */
export interface LineOptions extends LinkOptions {
  /** send what one tick brings in one write; otherwise every request in a write of its own */
  readonly autoPipeline: boolean;
  readonly reconnectOnError: ReconnectOnError;
  /** why there is no link, if there is none: the cause of what cannot be sent in its time */
  readonly lastError: () => RedisError | undefined;
  /** it carries messages, which come as arrays in RESP2 */
  readonly carriesMessages: boolean;
}

/** A tick that user code kept for so long has cost its requests time by no fault of the server; ms. */
const SHORTEST_HOLD = 1;

/** A lost link, of which it is being decided what becomes of all that it owed. */
interface Loss {
  readonly link: Link;
  readonly error: RedisError;
  readonly oldest: Request | undefined;
  /** the oldest in flight was that at the last loss as well: perhaps its answer is what breaks the link */
  readonly isSuspect: boolean;
  /** the number, among all that were ever owed, of the first that the socket has refused to write */
  readonly refusedFrom: number;
}

/** Requests that fail for a loss, and what each is told. */
interface Casualties {
  readonly requests: Request[];
  readonly errors: RedisError[];
}

/**
 * What outlives links: the queue, its deadlines, the order of the calls, repeating, closing. A new link after a loss carries on with
 * what was never written, preceded by what may be repeated.
 */
//                             ┌───────────── repeated ◀──────────────────┐
//                             ▼                                          │
//  requests$ ─────────────▶ backlog ──flush──▶ a link ──refused──▶ Retrier ──▶ failed
//                                               │  │                 ▲
//                                               │  └───link lost─────┘
//                                               └──reply──▶ settled
export class Line implements LinkOwner {
  readonly requests$ = new Multicast<Request>();
  /** Commands that the server has accepted and that changed what the connection is to it. */
  readonly sessionCommands$ = new Multicast<Command>();
  /** Emits whenever the last owed reply has come and nothing waits to be sent. */
  readonly idle$ = new Subject<void>();
  readonly residents = new Residents();
  /** Messages are decoded as bytes: an Observer of bytes is there. */
  pushesAsBytes = false;
  /** The socket of the moment, if there is one. */
  link: Link | undefined;

  private readonly backlog: Backlog;
  private readonly places = new Places();
  private readonly order = new WriteOrder();
  private readonly retrier: Retrier;
  private readonly deadlines: Deadlines;
  private readonly failer: Failer;
  /** It takes several turns of the event loop to decide about all that links owed that were lost; until then the queue waits. */
  private undecided: Loss[] = [];
  /** The link whose handshake came through meanwhile. */
  private opensLater: Link | undefined;
  private flushScheduled = false;
  /** The connection is to be closed when every reply that can still come has come. */
  private draining = false;
  /** The time, read once per tick. */
  private tickTime = 0;
  /** The place of the first request of the tick. */
  private tickPlace = 0;
  /** How many links were lost, and the number of the next. */
  private losses = 1;

  constructor(private readonly options: LineOptions) {
    const { clock } = options;
    this.backlog = new Backlog(
      clock,
      this.order,
      (request) => this.comeBack(request),
      () => this.resume(),
    );
    this.retrier = new Retrier(options, this.backlog);
    this.failer = new Failer(clock);
    this.deadlines = new Deadlines(
      clock,
      options.blockingGrace,
      this.backlog,
      this.failer,
      options.lastError,
      () => this.tellIdle(),
      () => this.link?.bytesRead ?? 0,
    );
    this.requests$.subscribe((request) => this.enter(request));
  }

  /** Requests that wait to be written. */
  get queued(): number {
    return this.backlog.queued;
  }

  /** The same while there is no link, and from now on without those whose observers have left. */
  countQueued(): number {
    this.backlog.countDepartures();
    return this.backlog.queued;
  }

  /** A request is about to enter the line while there is no link. */
  willQueue(request: Request): void {
    this.backlog.watch(request);
  }

  /** Requests that are not answered yet, written or not. */
  get pending(): number {
    let pending = this.backlog.length + (this.link?.pending ?? 0);
    for (const { link } of this.undecided) pending += link.owed.length;
    return pending;
  }

  get listening(): boolean {
    return this.residents.listening;
  }

  /** Makes the link of a new socket; `serve` it, and `openGate` when its handshake is through. */
  connect(socket: ByteSocket): Link {
    const { autoPipeline, pipelineDepth, carriesMessages } = this.options;
    const options = { ...this.options, pipelineDepth: autoPipeline ? pipelineDepth : 1 };
    const link = new Link(socket, this, options, carriesMessages);
    this.link = link;
    this.deadlines.watch(link.owed, (request) => link.progressSoFar(request));
    this.order.linkChanged(link.owed);
    return link;
  }

  /** Lets the queue flow over the link, whose handshake is through. */
  open(): void {
    if (this.undecided.length > 0) {
      this.opensLater = this.link;
      return;
    }
    this.backlog.countNoDepartures();
    this.link?.open();
    this.flush();
  }

  /** Sends ahead of the queue, whether the queue flows or not; fails where there is no link. */
  greet<T>(command: Command<T>): Observable<T> {
    return defer(() => {
      const { link } = this;
      if (link === undefined) throw new ConnectionError('There is no connection', { command: command.spec.name });
      return link.greet(command);
    });
  }

  /** Emits when every reply that can still come has come. A blocking command at the head, and what is queued behind it, is not waited for. */
  drained(): Observable<void> {
    return defer(() => {
      this.draining = true;
      return this.isDrained() ? of(undefined) : this.idle$;
    });
  }

  /** For good: the link is left, what waits and what is in flight fails, and nothing is repeated. */
  end(toError: (request: Request) => RedisError, leave: () => void): void {
    this.retrier.end(toError);
    // Before its socket is closed in order: what is owed is not to run any more.
    const tell = this.link?.leave();
    leave();
    tell?.();
    this.failQueued(toError);
  }

  /** Fails what waits to be written beyond the first so many. */
  failQueued(toError: (request: Request) => RedisError, kept = 0): void {
    this.failer.fail(this.take(kept), toError);
    if (this.pending === 0) this.deadlines.stop();
  }

  /**
   * Takes what waits to be written, beyond the first so many, out of the line, in the order of the calls. The requests may be submitted
   * to another line once they have left this one: see `Request.leaveLine`.
   */
  take(kept = 0): Request[] {
    const last = kept === 0 ? 0 : this.backlog.placeOf(kept);
    // Those whose observers have left are dropped on the way.
    const taken = this.backlog.take(({ abandoned, place }) => abandoned || place > last);
    return taken.filter(({ abandoned }) => !abandoned).sort(byPlace);
  }

  // Hot: everything up to `answered` runs for every command.
  private enter(request: Request): void {
    const { autoPipeline, clock } = this.options;
    if (autoPipeline) this.scheduleFlush();
    else this.tickTime = clock.now();
    this.places.give(request);
    if (request.deadline === 0) this.deadlines.start(request, this.tickTime);
    else this.deadlines.enterAgain(request);
    this.backlog.push(request);
    if (!autoPipeline) this.flush();
  }

  /** A request enters the line, and is written once it is released, or after so many ms; others pass it meanwhile. */
  hold(request: Request, longest: number): void {
    this.places.give(request);
    this.deadlines.start(request, this.options.clock.now());
    this.backlog.hold(request, longest);
  }

  /** Requests that were held are written now, but for those that have left or were written already. */
  release(requests: readonly Request[]): void {
    for (const request of requests) this.backlog.release(request);
  }

  /** A request takes its turn after a delay. */
  private comeBack(request: Request): void {
    if (request.past === undefined) {
      this.deadlines.enterAgain(request);
      this.backlog.push(request);
    } else {
      this.backlog.bringBack(request);
    }
    this.writeLater();
  }

  /** Has the queue written at the end of the tick, empty or not. */
  scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    this.tickTime = this.options.clock.now();
    this.tickPlace = this.places.next;
    this.options.clock.nextTick(this.endTick);
  }

  writeLater(): void {
    if (this.options.autoPipeline) this.scheduleFlush();
    else this.flush();
  }

  private readonly endTick = (): void => {
    const late = this.options.clock.now() - this.tickTime;
    if (late >= SHORTEST_HOLD) this.extendTick(late);
    this.flush();
  };

  private readonly flush = (): void => {
    this.residents.beforeWrite();
    this.flushScheduled = false;
    const { link } = this;
    if (link?.isOpen === true) this.backlog.readmit();
    link?.write();
  };

  /** What was called in this tick was written late because user code held up the event loop. */
  private extendTick(late: number): void {
    const { queue } = this.backlog;
    for (let number = queue.passed + queue.length - 1; number >= queue.passed; number--) {
      const request = queue.at(number);
      if (request.place < this.tickPlace) break;
      this.deadlines.extend(request, late);
    }
  }

  next(): Request | undefined {
    return this.link!.isOpen ? this.backlog.shift() : undefined;
  }

  broken(error: RedisError): void {
    this.link?.lose(error);
  }

  isLeftBehind(request: Request): boolean {
    if (this.places.hasLeft(request)) return true;
    // Perhaps it is its answer that broke the link: then that is to be seen, and cost no other request.
    if (request.past!.oldestAtLoss === this.losses) this.backlog.pauseUntilAnswered();
    return false;
  }

  wrote(request: Request): void {
    const { effect, blocking } = request.command.spec;
    if (changesMeaning(effect)) this.places.wrote(request);
    if (blocking !== undefined) this.grantWait(request);
  }

  /** The server counts from when it has the command, so the wait for the connection is not taken from that. */
  private grantWait(request: Request): void {
    if (request.deadline === 0 || request.context.limitsBlocking || blockingWait(request.command) === undefined) return;
    const { clock, blockingGrace } = this.options;
    this.deadlines.extend(request, clock.now() + timeFor(request, blockingGrace) - request.deadline);
  }

  answered(link: Link, request: Request, frame: Frame): void {
    const isError = frame instanceof ErrorFrame;
    if (!request.command.spec.plain) {
      this.noteEnd(request, !isError);
      if (link.outgoing.answered(request)) this.scheduleFlush();
    }
    if (this.order.isActive) this.keepOrder(request, frame);
    try {
      if (isError) this.retrier.refused(request, frame, link.isGreeting ? undefined : link.retire);
      else this.deliver(link, request, frame);
    } catch (error) {
      if (error instanceof UnexpectedReply) this.unexpected(link, request, error);
      else reportUnhandled(error);
    }
    if (link.owed.length === 0 || this.draining) this.rest();
    // What is at hand is read first.
    else if (link.retiring !== undefined || this.backlog.pauseElapsed) this.scheduleFlush();
  }

  /** What has run has overtaken the writes to the same keys that were called before it and wait to be repeated. */
  private keepOrder(request: Request, frame: Frame): void {
    if (mayHaveWritten(frame, request.command)) {
      for (const overtaken of this.order.overtakenBy(request)) failSafely(overtaken, leftBehind(overtaken));
    }
    // One that is repeated may have waited for this reply.
    if (this.backlog.queue.length > 0) this.scheduleFlush();
  }

  /** The reply is perhaps another's, and so are those behind it. The link first, for the observer that is told may send more. */
  private unexpected(link: Link, request: Request, reply: UnexpectedReply): void {
    const error = unexpected(reply, request.command);
    link.lose(error);
    failSafely(request, error);
  }

  private noteEnd(request: Request, done: boolean): void {
    if (changesMeaning(request.command.spec.effect)) this.places.ended(request, done);
  }

  private deliver(link: Link, request: Request, frame: Frame): void {
    request.settle(frame);
    const { command } = request;
    if (command.spec.effect === undefined) return;
    link.mode.accepted(command);
    this.sessionCommands$.next(command);
    if (changesMeaning(command.spec.effect)) this.failLeft();
  }

  memberRefused(link: Link, error: ReplyError): void {
    if (link.isOpen) this.retrier.react(error, link.retire);
  }

  pushed(push: Push): void {
    this.residents.receive(push);
  }

  /** What is not to be repeated in another database, or as another user. */
  private failLeft(): void {
    const left = (request: Request): boolean => this.places.hasSurelyLeft(request);
    for (const request of this.backlog.takeRepeated(left)) failSafely(request, leftBehind(request));
  }

  /** A reply is owed, and the server is not waiting for anything before it gives it. */
  private owesSoon(): boolean {
    const oldest = this.link?.owed.peek();
    return oldest !== undefined && blockingWait(oldest.command) === undefined;
  }

  rest(): void {
    const { link } = this;
    if (this.owesSoon()) {
      if (this.draining) this.tellIdle();
      return;
    }
    if (link?.outgoing.holds && link.owed.length === 0) this.scheduleFlush();
    if (link?.retiring !== undefined) {
      link.lose(new ConnectionError('The connection is made anew', { cause: link.retiring }));
      return;
    }
    if (this.backlog.pauseElapsed) this.resume();
    this.tellIdle();
  }

  private isDrained(): boolean {
    // The backlog may be long, so it is looked through only when all that was sent is answered, not at every reply.
    const owed = this.link?.owed;
    if (this.draining && (owed === undefined || owed.length === 0)) this.backlog.prune();
    const next = owed?.peek() ?? this.backlog.peek();
    return this.pending === 0 || (this.draining && next !== undefined && blockingWait(next.command) !== undefined);
  }

  private tellIdle(): void {
    if (this.isDrained()) this.idle$.next();
  }

  /** The pause is over once those in flight have been refused as well; a blocking command is not waited for. */
  private resume(): void {
    if (this.owesSoon() || this.link?.retiring !== undefined) return;
    this.backlog.resume();
    this.flush();
  }

  lost(link: Link, error: RedisError): () => void {
    this.link = undefined;
    this.order.linkChanged(undefined);
    const { greetings, queued, refusedFrom } = link.outgoing.end();
    for (const request of queued) this.backlog.bringBack(request);
    const ending = link.owed.passed < refusedFrom ? this.endedByRequest(link, error) : undefined;
    const oldest = link.owed.passed < refusedFrom ? link.owed.peek() : undefined;
    const loss = { link, error, oldest, isSuspect: this.suspects(oldest), refusedFrom };
    this.undecided.push(loss);
    const first = this.decide(loss);
    if (oldest?.past !== undefined) oldest.past.oldestAtLoss = this.losses;
    this.decideLater(loss);
    return () => {
      if (ending !== undefined) guarded(() => ending.settleUnanswered());
      this.failer.fail(greetings, (request) => connectionLost(error, request, 'unsent'));
      this.tell(first);
    };
  }

  /** The oldest request, where the server has closed the connection because it was asked to: the end is the reply. */
  private endedByRequest({ owed }: Link, error: RedisError): Request | undefined {
    const oldest = owed.peek();
    if (oldest === undefined || this.retrier.hasEnded || !isEndByPeer(error) || !endsConnection(oldest.command))
      return undefined;
    return owed.shift();
  }

  /** Decides about the requests that a lost link has owed for longest: those that fail are returned, the others are repeated. */
  private decide({ link, error, oldest, isSuspect, refusedFrom }: Loss): Casualties {
    const { owed } = link;
    const failing: Casualties = { requests: [], errors: [] };
    for (let left = SLICE; left > 0 && owed.length > 0; left--) {
      const request = owed.shift()!;
      if (!request.command.spec.plain) this.noteEnd(request, false);
      const isOldest = request === oldest;
      const isRefused = owed.passed > refusedFrom;
      if (isRefused && !isGreeting(request)) {
        this.backlog.bringBack(request);
        continue;
      }
      const failure = withoutStacks(() => {
        // What restores a link is sent anew with the next one.
        if (isRefused) return connectionLost(error, request, 'unsent');
        const progress = link.progressOf(request, oldest);
        // What the server answers in no RESP is not asked for again: it would break the next link as well.
        if (isOldest && isNoResp(error)) return unreadable(error, request, progress);
        const delivery = link.mode.onlyQueues || !mayHaveRun(request, progress) ? 'unsent' : 'unknown';
        return this.retrier.lost(request, error, { progress, delivery, isSuspect: isSuspect && isOldest });
      });
      if (failure === undefined) continue;
      failing.requests.push(request);
      failing.errors.push(failure);
    }
    return failing;
  }

  /** Goes on to what else the link owed once the event loop has done other work; then sending may resume. */
  private decideLater(loss: Loss): void {
    if (loss.link.owed.length > 0) {
      this.options.clock.afterInput(() => {
        const next = this.decide(loss);
        this.decideLater(loss);
        this.tell(next);
      });
      return;
    }
    this.undecided = this.undecided.filter((other) => other !== loss);
    this.deadlines.forget(loss.link.owed);
    if (this.undecided.length > 0) return;
    this.backlog.resume();
    if (this.pending === 0) this.deadlines.stop();
    const { opensLater } = this;
    this.opensLater = undefined;
    if (opensLater !== undefined && opensLater === this.link) this.open();
  }

  private tell({ requests, errors }: Casualties): void {
    this.failer.fail(requests, (_request, index) => errors[index]!);
  }

  /** A request that was the oldest in flight at the last loss as well: perhaps its answer is what breaks the link. */
  private suspects(oldest: Request | undefined): boolean {
    return oldest?.past?.oldestAtLoss === this.losses++;
  }
}

/** A transaction whose EXEC was not written has not run. */
function mayHaveRun({ command }: Request, progress: GroupProgress | undefined): boolean {
  return progress === undefined || (command as Group).mayHaveRun(progress.written);
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

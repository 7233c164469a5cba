import { defer, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import type { Request } from '../commands/request';
import { UnexpectedReply } from '../commands/unexpected-reply';
import { ConnectionError, type RedisError, type ReplyError } from '../errors';
import type { ReconnectOnError } from '../options';
import { ErrorFrame, type Frame, type Push } from '../resp/frames';
import { Backlog } from './backlog';
import { Deadlines } from './deadlines';
import { CallCounter, type Detour } from './detour';
import { Drain } from './drain';
import { Failer } from './failer';
import { Flusher } from './flusher';
import { reportUnhandled } from './guarded';
import { oldestOf } from './inspected';
import { Link, type LinkOptions, type LinkOwner } from './link';
import { LostLinks } from './lost-links';
import { Multicast } from './multicast';
import { Places } from './places';
import { Renewal } from './renewal';
import { ReplyEffects } from './reply-effects';
import { Residents } from './resident';
import { Retrier } from './retrier';
import type { ByteSocket } from './socket';
import { WriteOrder } from './write-order';

const NOTHING: readonly Request[] = [];

/** Durations are milliseconds. */
export interface LineOptions extends LinkOptions {
  /** send what one tick brings in one write; otherwise every request in a write of its own */
  readonly autoPipeline: boolean;
  readonly reconnectOnError: ReconnectOnError;
  /** why there is no link, if there is none: the cause of what cannot be sent in its time */
  readonly lastError: () => RedisError | undefined;
  /** what is being done to make a link, and for how long, for people; undefined where nothing is */
  readonly doing?: () => string | undefined;
  /** takes requests elsewhere that are refused here, or find no link */
  readonly detour?: Detour | undefined;
  /** it carries messages, which come as arrays in RESP2 */
  readonly carriesMessages: boolean;
}

/**
 * What outlives links: the queue, its deadlines, the order of the calls, repeating, closing. A new link after a loss carries on with
 * what was never written, preceded by what may be repeated.
 */
//               ┌──────────────── repeated ◀───────────────┐
//               ▼                                           │
//  requests$ ▶ Backlog ──Flusher──▶ a link ──refused──────▶ Retrier ──▶ failed
//                                  │  │                     ▲
//                                  │  └──lost──▶ LostLinks ─┘
//                                  └──reply──▶ settled
export class Line implements LinkOwner {
  /** What is emitted here enters the line behind all others. */
  readonly requests$ = new Multicast<Request>();
  /** Commands that the server has accepted and that changed the connection: SELECT, AUTH and their like. */
  readonly sessionCommands$ = new Multicast<Command>();
  readonly residents = new Residents();
  readonly drain: Drain;
  /** Messages are decoded as bytes: an Observer of bytes is there. */
  pushesAsBytes = false;
  /** The current link, if there is one. */
  link: Link | undefined;

  private readonly flusher: Flusher;
  private readonly backlog: Backlog;
  private readonly places = new Places();
  private readonly order = new WriteOrder(() => this.flusher.schedule());
  private readonly retrier: Retrier;
  private readonly effects: ReplyEffects;
  private readonly deadlines: Deadlines;
  private readonly failer: Failer;
  private readonly lostLinks: LostLinks;
  /** The link whose handshake was done before LostLinks had decided about everything. */
  private opensLater: Link | undefined;
  private readonly calls: CallCounter;
  /** How many requests that were held, or come from another line, have entered the queue since it was written. */
  private released = 0;

  constructor(private readonly options: LineOptions) {
    const { clock } = options;
    const calls = (this.calls = options.detour?.calls ?? new CallCounter());
    this.flusher = new Flusher(
      clock,
      () => calls.last + 1,
      (from, late) => this.deadlines.extendFrom(from, late, this.released),
      () => this.flush(),
    );
    this.backlog = new Backlog(
      clock,
      this.order,
      (request) => this.comeBack(request),
      () => this.resume(),
    );
    const { backlog, places, order, flusher } = this;
    const retrier = (this.retrier = new Retrier(options, backlog));
    this.effects = new ReplyEffects(backlog, places, order, retrier, flusher, this.sessionCommands$);
    this.failer = new Failer(clock);
    this.deadlines = new Deadlines(
      clock,
      options.blockingGrace,
      this.backlog,
      this.failer,
      options,
      () => this.drain.tell(),
      () => this.link?.bytesRead ?? 0,
      () => this.link?.outgoing.solitude,
    );
    this.lostLinks = new LostLinks(clock, this.backlog, this.places, this.retrier, this.failer, this.deadlines, () =>
      this.decided(),
    );
    this.drain = new Drain(this, this.backlog);
    this.requests$.subscribe((request) => this.enter(request));
  }

  /** Requests that wait to be written. */
  get queued(): number {
    return this.backlog.queued;
  }

  /** Whether a request may wait, where at most so many do and there is no link. If so, the caller submits it next. */
  hasRoomFor(request: Request, most: number): boolean {
    return this.backlog.hasRoomFor(request, most);
  }

  /** Requests that are not answered yet, written or not. */
  get pending(): number {
    return this.backlog.length + (this.link?.pending ?? 0) + this.lostLinks.pending;
  }

  /** What has waited for longest; undefined where nothing waits. */
  oldest(): ReturnType<typeof oldestOf> {
    return oldestOf(this.link?.owed ?? NOTHING, this.backlog);
  }

  get listening(): boolean {
    return this.residents.listening;
  }

  /** Makes the link of a new socket; `serve` it, and `open` the line when its handshake is through. */
  connect(socket: ByteSocket): Link {
    const { autoPipeline, pipelineDepth, carriesMessages } = this.options;
    const options = { ...this.options, pipelineDepth: autoPipeline ? pipelineDepth : 1 };
    const link = new Link(socket, this, options, carriesMessages);
    this.link = link;
    this.deadlines.watch(link.owed, (request) => link.groups.progressSoFar(request));
    this.order.linkChanged(link.owed);
    return link;
  }

  /** Lets the queue flow over the link: the handshake is done. */
  open(): void {
    if (!this.lostLinks.areDecided) {
      this.opensLater = this.link;
      return;
    }
    this.backlog.countNoDepartures();
    this.link?.open();
    this.flush();
  }

  /** Sends ahead of the queue, whether the queue flows or not; fails where there is no link. */
  sendAhead<T>(command: Command<T>): Observable<T> {
    return defer(() => {
      const { link } = this;
      if (link === undefined) throw new ConnectionError('There is no connection', { command: command.spec.name });
      return link.sendAhead(command);
    });
  }

  /** Emits when every reply that can still come has come. A blocking command at the head, and what is queued behind it, is not waited for. */
  drained(): Observable<void> {
    return this.drain.drained();
  }

  /** Nothing is asked of it for now: it does not keep the process alive, unless something is pending. */
  sleep(): void {
    if (this.pending > 0) return;
    this.deadlines.sleep();
    this.link?.sleep();
  }

  /** It is used again. */
  wake(): void {
    this.deadlines.wake();
    this.link?.wake();
  }

  /** Ends the line for good: leaves the link, fails all requests, and repeats nothing. */
  end(toError: (request: Request) => RedisError, leave: () => void): void {
    this.retrier.end(toError);
    // First, so that the socket is reset: owed requests must not run after this.
    const tell = this.link?.leave();
    leave();
    tell?.();
    this.failQueued(toError);
    if (this.pending === 0) this.deadlines.stop();
  }

  /** Fails the requests that wait to be written, all but the first so many. */
  failQueued(toError: (request: Request) => RedisError, kept = 0): void {
    if (this.backlog.length === 0) return;
    this.failer.fail(this.take(kept), toError);
    if (this.pending === 0) this.deadlines.stop();
  }

  /** Fails the requests that were never written, all but the first so many. */
  failBeyond(most: number, toError: (request: Request) => RedisError): void {
    this.failer.fail(this.backlog.takeUnsentBehind(most), toError);
    if (this.pending === 0) this.deadlines.stop();
  }

  /**
   * Takes the requests that wait to be written out of the line, all but the first so many, in the order of the calls. They may be
   * submitted to another line, where their time and their place begin anew.
   */
  take(kept = 0): Request[] {
    const taken = this.backlog.takeBehind(kept);
    for (const request of taken) request.leaveLine();
    return taken;
  }

  /** A refused request goes elsewhere. Where a later write to its keys was on its way, and runs, it fails. */
  departs(request: Request): void {
    this.order.departs(request, this.backlog.waiting);
  }

  /**
   * A refused request would go elsewhere, and an earlier write to its keys is about to be repeated here: it is repeated as well, behind that.
   * @returns whether it is
   */
  staysBehind(request: Request): boolean {
    const earlier = this.order.isActive ? this.order.earlierThan(request) : undefined;
    if (earlier === undefined || this.backlog.isParked(earlier)) return false;
    this.backlog.bringBack(request);
    this.writeLater();
    return true;
  }

  /** A request has gone elsewhere, where it runs: earlier writes to its keys that wait here to be repeated fail. */
  overtakes(request: Request): void {
    if (this.order.isActive) this.retrier.failRepeated(this.order.overtakenBy(request));
  }

  /** Takes out writes that wait to be repeated and belong elsewhere from now on. Where a later one is on its way here, and runs, they fail. */
  takeRepeats(isWanted: (request: Request) => boolean): Request[] {
    const { detour } = this.options;
    if (detour === undefined || !this.order.isActive) return [];
    const taken = this.backlog.takeRepeats((request) => detour.wants(request) && isWanted(request));
    for (const request of taken) this.order.departs(request, this.backlog.waiting);
    return taken;
  }

  /** A request that was refused for the moment, perhaps elsewhere, is repeated after a delay, ms. Others pass it meanwhile. */
  park(request: Request, delay: number): void {
    this.deadlines.enterAgain(request);
    this.backlog.park(request, delay);
  }

  /** Whether no other request has entered behind one that is not answered. */
  isLatest(request: Request): boolean {
    return (this.backlog.queue.last ?? this.link?.owed.last) === request;
  }

  /** There is no link, or none that serves: what waits goes elsewhere, if anything takes it. What links owed is decided about first. */
  handOver(): void {
    const { detour } = this.options;
    if (detour === undefined || (this.link !== undefined && !detour.isAway()) || !this.lostLinks.areDecided) return;
    const taken = this.backlog.takeWanted((request) => detour.wants(request));
    if (taken.length > 0) detour.take(taken);
  }

  // Hot: `enter`, `next` and `answered` run for every command.
  private enter(request: Request): void {
    if (request.place !== 0) {
      this.moveIn(request);
      return;
    }
    const { flusher } = this;
    const { autoPipeline, clock } = this.options;
    if (!autoPipeline) flusher.time = clock.now();
    else if (!flusher.isScheduled) flusher.schedule();
    request.place = ++this.calls.last;
    if (request.deadline === 0) this.deadlines.start(request, flusher.time);
    else this.deadlines.enterAgain(request);
    this.backlog.push(request);
    if (!autoPipeline) this.flush();
  }

  /** A request enters the line, and is written once it is released, or after so many ms; others pass it meanwhile. */
  hold(request: Request, longest: number): void {
    request.place = ++this.calls.last;
    this.deadlines.start(request, this.options.clock.now());
    this.backlog.hold(request, longest);
  }

  /** Lets held requests be written now. Those that are abandoned or were written already are passed over. */
  release(requests: readonly Request[]): void {
    for (const request of requests) this.backlog.release(request);
  }

  /** A request comes from another line with its place. */
  private moveIn(request: Request): void {
    const { past } = request;
    this.deadlines.enterAgain(request);
    if (past?.isLate === true && !past.asking) {
      past.isLate = false;
      this.backlog.bringBack(request);
    } else {
      this.backlog.push(request);
      this.released++;
    }
    this.writeLater();
  }

  /** The delay of a request has elapsed, or it is released: it takes its turn. */
  private comeBack(request: Request): void {
    if (request.past === undefined) {
      this.deadlines.enterAgain(request);
      this.backlog.push(request);
      this.released++;
    } else {
      this.backlog.bringBack(request);
    }
    this.writeLater();
  }

  /** Writes nothing more of the queue for so many ms at the most, while the link lasts; 0 ends that. */
  pause(longest: number): void {
    if (longest > 0) this.backlog.pause(longest);
    else this.backlog.endPause();
  }

  /** Has the queue written at the end of the tick, empty or not. */
  scheduleFlush(): void {
    this.flusher.schedule();
  }

  writeLater(): void {
    if (this.options.autoPipeline) this.flusher.schedule();
    else this.flush();
  }

  private flush(): void {
    this.residents.beforeWrite();
    this.flusher.isScheduled = false;
    this.released = 0;
    const { link } = this;
    if (link?.isOpen === true) this.backlog.readmit();
    link?.write();
    if (this.backlog.waiting > 0) this.backlog.dropAbandoned();
  }

  next(): Request | undefined {
    return this.link!.isOpen ? this.backlog.shift() : undefined;
  }

  broken(error: RedisError): void {
    this.link?.lose(error);
  }

  isLeftBehind(request: Request): boolean {
    if (this.places.hasLeft(request)) return true;
    this.deadlines.enterAgain(request); // later requests may have been written before it
    // Its reply may be what broke the last link, so nothing else is sent until it is answered.
    if (this.lostLinks.isTriedLast(request)) this.backlog.pauseUntilAnswered();
    return false;
  }

  wrote(request: Request): void {
    this.places.wrote(request);
    this.deadlines.wrote(request);
  }

  answered(link: Link, request: Request, frame: Frame): void {
    const done = request.command.spec.plain ? NOTHING : this.effects.note(link, request, frame);
    if (this.order.isActive) this.effects.keepOrder(link, request, frame);
    try {
      if (frame instanceof ErrorFrame) this.effects.refused(link, request, frame);
      else request.settle(frame);
      if (done.length > 0) this.effects.tell(done);
    } catch (error) {
      if (error instanceof UnexpectedReply) this.effects.unexpected(link, request, error);
      else reportUnhandled(error);
    }
    if (link.owed.length === 0 || this.drain.isAwaited) this.rest();
    // Replies that have arrived already are read first.
    else if (link.retiring !== undefined || this.backlog.pauseElapsed) this.flusher.schedule();
  }

  memberRefused(link: Link, error: ReplyError): void {
    this.effects.memberRefused(link, error);
  }

  pushed(push: Push): void {
    this.residents.receive(push);
  }

  rest(): void {
    const { link } = this;
    if (this.drain.owesSoon) {
      if (this.drain.isAwaited) this.drain.tell();
      return;
    }
    if (link?.outgoing.postpones && link.owed.length === 0) this.flusher.schedule();
    if (link?.retiring !== undefined) {
      link.lose(link.retiring instanceof Renewal ? link.retiring : new Renewal(link.retiring));
      return;
    }
    if (this.backlog.pauseElapsed) this.resume();
    this.drain.tell();
  }

  /** Ends the pause once the requests in flight are answered. A blocking command is not waited for. */
  private resume(): void {
    if (this.drain.owesSoon || this.link?.retiring !== undefined) return;
    this.backlog.resume();
    this.flush();
  }

  lost(link: Link, error: RedisError): () => void {
    this.link = undefined;
    this.residents.lost(error, link.servedUntil);
    this.order.linkChanged(undefined);
    return this.lostLinks.add(link, error);
  }

  /** LostLinks has decided about everything: sending may resume. */
  private decided(): void {
    this.backlog.resume();
    this.handOver();
    if (this.pending === 0) this.deadlines.stop();
    const { opensLater } = this;
    this.opensLater = undefined;
    if (opensLater !== undefined && opensLater === this.link) this.open();
  }
}

import { Observable, Subject, defer, of, tap, type SchedulerLike } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import { call } from '../commands/call';
import type { Command } from '../commands/command';
import { Reply } from '../commands/reply';
import { plainContext, type Executor, type Request } from '../commands/request';
import { ConnectionError, ProtocolError, type RedisError } from '../errors';
import type { ReconnectOnError } from '../options';
import { decodeResp } from '../resp/decode-resp';
import type { DecoderLimits } from '../resp/decoder';
import { Encoder } from '../resp/encoder';
import { ErrorFrame, type Frame } from '../resp/frames';
import { Backlog } from './backlog';
import { Demultiplexer } from './demultiplexer';
import { Eras, beginsEra } from './eras';
import { connectionLost, deliveryOf, failSafely, leftBehind, notEncodable, timedOut, unreadable } from './failures';
import { Liveness, type LivenessLimits } from './liveness';
import { Multicast } from './multicast';
import { ReplyMode } from './reply-mode';
import { reportUnhandled, safely } from './report-unhandled';
import { Retrier } from './retrier';
import { Ring } from './ring';
import type { ByteSocket } from './socket';
import { Sweep } from './sweep';
import { timeFor } from './time-for';

/** Durations are milliseconds. */
export interface MultiplexerOptions extends LivenessLimits {
  /** send what one tick brings in one write; otherwise every request in a write of its own */
  readonly autoPipeline: boolean;
  /** the most requests in one write */
  readonly pipelineDepth: number;
  /** bytes gathered for one write */
  readonly writeBufferSize: number;
  /** what a blocking command may take beyond its own wait */
  readonly blockingGrace: number;
  readonly reconnectOnError: ReconnectOnError;
  readonly clock: SchedulerLike;
  readonly limits?: Partial<DecoderLimits>;
  /** why there is no link, if there is none: the cause of what cannot be sent in its time */
  readonly trouble?: () => RedisError | undefined;
  /** in RESP2 a subscribed connection sends its messages as arrays */
  readonly arraysArePushes?: boolean;
}

/** What a server says to a client that it does not want, whatever that has asked, before it closes the connection. */
const FAREWELL = /^(ERR max number of clients|DENIED )/;

/** Whether a transaction is open behind a command that changes its connection. */
function staysInTransaction(name: string, before: boolean): boolean {
  return name === 'MULTI' || (before && name !== 'EXEC' && name !== 'DISCARD' && name !== 'RESET');
}

/** Deadlines closer together than this are dealt with at once; ms. */
const SWEEP_GRAIN = 5;
/** With so many that wait, a millisecond more. */
const PENDING_PER_GRAIN = 2_000;

/**
 * Puts the requests of many callers on one socket and pairs the replies with them, in order.
 *
 * It outlives sockets: `serve` a new one after a loss and the requests that were never written go out on it, preceded by those
 * that may be repeated.
 */
//                              ┌───────────── tried again ◀───────────────┐
//                              ▼                                          │
//  requests$ ──────────────▶ backlog ──flush──▶ in flight ──refused──▶ Retrier ──▶ failed
//                              ▲ waits at the gate   │ │                  ▲
//  greetings$ ── pass it ──────┘                     │ └──socket lost─────┘
//                                                    └──reply──▶ settled
export class Multiplexer {
  readonly requests$ = new Multicast<Request>();
  /** The handshake and what restores a connection's state: written before the queue, gate or no gate. */
  readonly greetings$ = new Multicast<Request>();
  /** Commands that the server has accepted and that changed what the connection is to it. */
  readonly sessionCommands$ = new Multicast<Command>();
  /** Emits whenever the last owed reply has come and nothing waits to be sent. */
  readonly idle$ = new Subject<void>();

  private readonly backlog: Backlog;
  private readonly greetings = new Ring<Request>();
  private readonly inFlight = new Ring<Request>();
  private readonly eras = new Eras(this.inFlight);
  private readonly retrier: Retrier;
  private readonly encoder: Encoder;
  private readonly deadlines: Sweep;
  private readonly liveness: Liveness;
  private socket: ByteSocket | undefined;
  private gateOpen = false;
  private full = false;
  private flushScheduled = false;
  private readonly replyMode = new ReplyMode();
  /** Where frames arrive, and pushes come out. */
  readonly incoming: Demultiplexer;
  /** Encoded, and no reply will come. */
  private readonly unanswered: Request[] = [];
  /** Taken from their lines, and not to be sent at all. */
  private readonly unsendable: { readonly request: Request; readonly error: RedisError }[] = [];
  /** A frame is being dealt with, and others may be at hand. */
  private reading = false;
  /** The connection is to be closed when nothing more can be expected. */
  private draining = false;
  /** A transaction is open on the wire, and takes what comes next for its own. */
  private inTransaction = false;
  /** The time, read once per tick. */
  private tickTime = 0;
  private breakLink: (error: RedisError) => void = () => undefined;

  /** A last chance to send a greeting that belongs before what the queue holds. */
  beforeFlush: () => void = () => undefined;
  /** Whether somebody waits for messages, so that a silent link is asked whether it lives. */
  listening: () => boolean = () => false;

  private readonly greeter: Executor = { submit: (request) => this.greetings$.next(request) };

  constructor(private readonly options: MultiplexerOptions) {
    this.encoder = new Encoder(options.writeBufferSize);
    this.backlog = new Backlog(
      options.clock,
      (request) => this.requests$.next(request),
      () => this.release(),
    );
    this.retrier = new Retrier(options, this.backlog, this.eras);
    this.incoming = new Demultiplexer(
      () => this.inFlight.peek(),
      this.replyMode,
      (reply) => this.settle(reply),
      options.arraysArePushes,
    );
    this.deadlines = new Sweep(options.clock, (now) => this.expire(now));
    this.liveness = new Liveness(options.clock, options, {
      owed: this.inFlight,
      listening: () => this.listening(),
      probe: () => this.greet(call('PING')).subscribe({ error: () => undefined }),
      dead: (error) => this.breakLink(error),
    });
    this.requests$.subscribe((request) => this.enqueue(this.backlog, request));
    this.greetings$.subscribe((request) => this.enqueue(this.greetings, request));
  }

  /** Requests that wait to be written. */
  get queued(): number {
    return this.backlog.queued;
  }

  /** Requests that nobody has answered yet, written or not. */
  get pending(): number {
    return this.backlog.length + this.inFlight.length + this.greetings.length;
  }

  /** Emits, once the rest is answered, when nothing is pending but what waits at the server and what stands behind it. */
  drained(): Observable<void> {
    return defer(() => {
      this.draining = true;
      return this.isDrained() ? of(undefined) : this.idle$;
    });
  }

  private isDrained(): boolean {
    // The backlog may be long, so it is looked through only when all that was sent is answered, not at every reply.
    if (this.draining && this.inFlight.length === 0) this.backlog.prune();
    const next = this.inFlight.peek() ?? this.backlog.peek();
    return this.pending === 0 || (this.draining && next !== undefined && blockingWait(next.command) !== undefined);
  }

  /** Drops what waits and whose subscribers have left. */
  prune(): void {
    this.backlog.prune();
  }

  /** Sends ahead of the queue, gate or no gate. */
  greet<T>(command: Command<T>): Reply<T> {
    return Reply.from({ ...plainContext, executor: this.greeter }, command);
  }

  /** Lets the queue flow. */
  openGate(): void {
    this.gateOpen = true;
    this.flush();
  }

  /** Speaks over the socket until it is lost or the protocol is broken, which is the error; never emits, never completes. */
  serve(socket: ByteSocket): Observable<never> {
    return new Observable((subscriber) => {
      this.socket = socket;
      this.breakLink = (error) => {
        const tellFailures = this.detach(error);
        subscriber.error(error);
        tellFailures();
      };
      subscriber.add(() => this.detach(new ConnectionError('The connection was given up'))());
      subscriber.add(
        socket.drain$.subscribe(() => {
          this.full = false;
          this.liveness.drained();
          this.flush();
        }),
      );
      const frames$ = socket.bytes$.pipe(
        tap(() => this.liveness.heard()),
        decodeResp(this.options.limits, this.incoming.bytesWanted),
      );
      subscriber.add(
        frames$.subscribe({
          next: (frame) => {
            this.reading = true;
            this.incoming.receive(frame);
            this.reading = false;
          },
          error: (error: RedisError) => this.breakLink(error),
        }),
      );
    });
  }

  /** For good: the link is left, what waits and what is in flight fails, and nothing is tried again. */
  end(toError: (request: Request) => RedisError, leave: () => void): void {
    this.retrier.end(toError);
    leave();
    this.failQueued(toError);
  }

  /** Fails what waits to be written beyond the first so many. */
  failQueued(toError: (request: Request) => RedisError, kept = 0): void {
    this.backlog.prune();
    let place = 0;
    for (const request of this.backlog.take(() => ++place > kept)) failSafely(request, toError(request));
    if (this.pending === 0) this.deadlines.stop();
  }

  // Hot: everything up to `deliver` runs for every command.
  private enqueue(line: Backlog | Ring<Request>, request: Request): void {
    if (this.options.autoPipeline) this.scheduleFlush();
    else this.tickTime = this.options.clock.now();
    if (request.deadline === 0) this.startClock(request);
    line.push(request);
    if (!this.options.autoPipeline) this.flush();
  }

  /** Has the queue written at the end of the tick, empty or not. */
  scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    this.tickTime = this.options.clock.now();
    process.nextTick(this.flush);
  }

  private startClock(request: Request): void {
    const limit = timeFor(request, this.options.blockingGrace);
    if (limit === Infinity) return;
    request.deadline = Math.ceil(this.tickTime + limit);
    this.deadlines.watch(request.deadline);
  }

  /** The server counts from when it has the command, so the wait for the connection is not taken from that. */
  private grantWait(request: Request): void {
    if (request.deadline === 0 || request.context.limitsBlocking || blockingWait(request.command) === undefined) return;
    request.deadline = Math.ceil(this.options.clock.now() + timeFor(request, this.options.blockingGrace));
  }

  private readonly flush = (): void => {
    this.beforeFlush();
    this.flushScheduled = false;
    while (this.socket !== undefined && !this.full) {
      const from = this.inFlight.passed + this.inFlight.length;
      if (!this.encodeBatch()) {
        this.tellWritten();
        if (!this.reading && !this.owesSoon()) this.rest();
        return;
      }
      this.full = !this.socket.write(this.encoder.take());
      this.encoder.release(this.socket.drained);
      this.liveness.wrote(from, !this.full);
      this.tellWritten();
    }
  };

  /** Only now, for user code may do anything: destroy the client, or send more. */
  private tellWritten(): void {
    if (this.unanswered.length > 0)
      for (const request of this.unanswered.splice(0)) safely(() => request.settleUnanswered());
    if (this.unsendable.length > 0)
      for (const { request, error } of this.unsendable.splice(0)) failSafely(request, error);
  }

  /** Encodes as many requests as one write may hold; false when none is left. */
  private encodeBatch(): boolean {
    const { encoder, inFlight, options } = this;
    const depth = options.autoPipeline ? options.pipelineDepth : 1;
    const flows = this.gateOpen && this.retrier.retiring === undefined;
    let count = 0;
    while (count < depth && encoder.pending < options.writeBufferSize) {
      const request =
        (this.inTransaction ? undefined : this.greetings.shift()) ?? (flows ? this.backlog.shift() : undefined);
      if (request === undefined) break;
      if (request.abandoned) continue;
      const { spec, args } = request.command;
      if (this.eras.hasLeft(request)) {
        this.unsendable.push({ request, error: leftBehind(request) });
        continue;
      }
      try {
        encoder.add(spec.words, spec.head, args);
      } catch (cause) {
        this.unsendable.push({ request, error: notEncodable(cause, request) });
        continue;
      }
      count++;
      if (spec.blocking !== undefined) this.grantWait(request);
      if (spec.connection) this.noteWritten(request);
      if (request.context.linkLimits !== undefined) this.liveness.granted(request.context.linkLimits);
      if (this.replyMode.isAnswered(request)) inFlight.push(request);
      else this.unanswered.push(request);
    }
    return count > 0;
  }

  private noteWritten(request: Request): void {
    this.inTransaction = staysInTransaction(request.command.spec.name, this.inTransaction);
    this.eras.wrote(request);
  }

  private settle(frame: Frame): void {
    if (!this.gateOpen && frame instanceof ErrorFrame && FAREWELL.test(frame.text)) {
      this.breakLink(new ConnectionError(`The server turns the client away: ${frame.text}`));
      return;
    }
    if (this.replyMode.isDoubtful(frame, this.inFlight.peek())) {
      const why = frame instanceof ErrorFrame ? frame.kind : 'QUEUED';
      this.breakLink(
        new ConnectionError(`CLIENT REPLY may have been refused (${why}), and nobody knows whose the replies are`),
      );
      return;
    }
    const request = this.inFlight.shift();
    if (request === undefined) {
      this.breakLink(new ProtocolError('A reply came that no command waits for'));
      return;
    }
    if (request.command.spec.connection) this.eras.ended(request, !(frame instanceof ErrorFrame));
    try {
      if (frame instanceof ErrorFrame) this.retrier.refused(request, frame, this.gateOpen);
      else this.deliver(request, frame);
    } catch (error) {
      reportUnhandled(error);
    }
    if (this.inFlight.length === 0 || this.draining) this.rest();
    // What is at hand is read first.
    else if (this.retrier.retiring !== undefined || this.backlog.releaseDue) this.scheduleFlush();
  }

  private deliver(request: Request, frame: Frame): void {
    request.settle(frame);
    if (!request.command.spec.connection) return;
    this.replyMode.note(request.command);
    this.sessionCommands$.next(request.command);
    if (beginsEra(request.command)) this.failLeft();
  }

  /** What is not to be tried again in another database, or as somebody else. */
  private failLeft(): void {
    for (const request of this.backlog.take((request) => this.eras.hasSurelyLeft(request))) {
      failSafely(request, leftBehind(request));
    }
  }

  /** A reply is owed, and the server is not waiting for anything before it gives it. */
  private owesSoon(): boolean {
    const oldest = this.inFlight.peek();
    return oldest !== undefined && blockingWait(oldest.command) === undefined;
  }

  /** No reply is owed, or none that would come soon. */
  private rest(): void {
    const { retiring } = this.retrier;
    if (retiring !== undefined && !this.owesSoon()) {
      this.breakLink(new ConnectionError('The connection is made anew', { cause: retiring }));
      return;
    }
    if (this.backlog.releaseDue) this.release();
    if (this.isDrained()) this.idle$.next();
  }

  /** Once those in flight have been refused as well; nobody waits for one that blocks. */
  private release(): void {
    if (this.owesSoon() || this.retrier.retiring !== undefined) return;
    this.backlog.release();
    this.flush();
  }

  /**
   * Leaves a lost socket.
   * @returns tells those who wait of the failures; for the end, when user code finds everything in its place
   */
  private detach(error: RedisError): () => void {
    const { socket } = this;
    if (socket === undefined) return () => undefined;
    this.socket = undefined;
    this.gateOpen = false;
    this.full = false;
    this.inTransaction = false;
    this.replyMode.reset();
    this.incoming.reset();
    this.breakLink = () => undefined;
    this.liveness.stop();
    this.encoder.release(false);
    socket.destroy();

    const unsent = this.greetings.drain();
    const failing = unsent.map((request) => ({ request, error: connectionLost(error, request, 'unsent') }));
    // What the server answers in no RESP is not asked for again: it would break the next link as well.
    if (error instanceof ProtocolError) {
      const poisonous = this.inFlight.shift();
      if (poisonous !== undefined) {
        this.eras.ended(poisonous, false);
        failing.push({ request: poisonous, error: unreadable(error, poisonous) });
      }
    }
    for (const request of this.inFlight.drain()) {
      this.eras.ended(request, false);
      const failure = this.retrier.lost(request, error);
      if (failure !== undefined) failing.push({ request, error: failure });
    }
    this.retrier.linkLeft();
    return () => {
      for (const { request, error } of failing) failSafely(request, error);
    };
  }

  /** Fails what has had its time, and returns the earliest deadline that is left. */
  private expire(now: number): number {
    const isDue = ({ deadline }: Request) => deadline !== 0 && deadline <= now;
    const unsent = this.backlog.take(isDue);
    const unanswered = [...this.inFlight].filter((request) => isDue(request) && !request.abandoned);
    // Those in flight keep their places in line, so that the replies that follow find their commands.
    for (const request of unanswered) failSafely(request, timedOut(request, 'unknown'));
    const trouble = unsent.length > 0 ? this.options.trouble?.() : undefined;
    for (const request of unsent) {
      failSafely(request, timedOut(request, deliveryOf(request), request.past?.failure ?? trouble));
    }
    if (this.isDrained()) this.idle$.next();

    let earliest = Infinity;
    for (const line of [this.backlog, this.inFlight]) {
      for (const { deadline } of line) if (deadline > now && deadline < earliest) earliest = deadline;
    }
    return Math.max(earliest, now + SWEEP_GRAIN + this.pending / PENDING_PER_GRAIN);
  }
}

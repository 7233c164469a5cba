import { Observable, Subject, defer, of, tap, type SchedulerLike, type Subscription } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import { call } from '../commands/call';
import type { Command } from '../commands/command';
import { Reply } from '../commands/reply';
import { plainContext, toReplyError, type Executor, type Request } from '../commands/request';
import { ConnectionError, ProtocolError, ReplyError, type RedisError } from '../errors';
import type { ReconnectOnError } from '../options';
import { decodeResp } from '../resp/decode-resp';
import type { BytesWanted, DecoderLimits } from '../resp/decoder';
import { Encoder } from '../resp/encoder';
import { Attribute, ErrorFrame, Push, type Frame } from '../resp/frames';
import { isMessage } from './array-pushes';
import { deliveryOf, failSafely, lost, notEncodable, timedOut, unreadable } from './failures';
import { Liveness, type LivenessLimits } from './liveness';
import { Multicast } from './multicast';
import { ReplyMode } from './reply-mode';
import { reportUnhandled } from './report-unhandled';
import { Ring } from './ring';
import type { ByteSocket } from './socket';
import { Sweep } from './sweep';

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

/** What a server answers to every command while it cannot work. */
const REFUSES_ALL = new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN']);

/** Deadlines closer together than this are dealt with at once; ms. */
const SWEEP_GRAIN = 5;

/**
 * Puts the requests of many callers on one socket and pairs the replies with them, in order.
 *
 * It outlives sockets: `serve` a new one after a loss and the requests that were never written go out on it, preceded by those
 * that may be repeated.
 */
//                              ┌──────────── refused for the moment, after a delay ◀── parked ◀─┐
//                              ▼                                                                │
//  requests$ ──────────────▶ queue ──flush──▶ in flight ──frame──▶ settled, or by an error ─────┤
//                              ▲ waits at the gate   │ the socket is lost                       ▼
//  greetings$ ── pass it ──────┘                     ├─ may be repeated: back to the head     failed
//                                                    └─ may not: fails with delivery 'unknown'
export class Multiplexer {
  readonly requests$ = new Multicast<Request>();
  /** The handshake and what restores a connection's state: written before the queue, gate or no gate. */
  readonly greetings$ = new Multicast<Request>();
  readonly pushes$ = new Multicast<Push>();
  /** Commands that the server has accepted and that changed what the connection is to it. */
  readonly sessionCommands$ = new Multicast<Command>();
  /** Emits whenever the last owed reply has come and nothing waits to be sent. */
  readonly idle$ = new Subject<void>();

  private readonly queue = new Ring<Request>();
  private readonly greetings = new Ring<Request>();
  private readonly inFlight = new Ring<Request>();
  /** Refused for the moment; each comes back to the queue when its delay is over. */
  private readonly parked = new Map<Request, Subscription>();
  /** To be sent first, on the next link or when the server takes commands again. */
  private returning: Request[] = [];
  /** Until when the queue is held back, for the server refuses everything. */
  private holding: Subscription | undefined;
  private releaseDue = false;

  private readonly encoder: Encoder;
  private readonly deadlines: Sweep;
  private readonly liveness: Liveness;
  private socket: ByteSocket | undefined;
  private gateOpen = false;
  private full = false;
  private flushScheduled = false;
  private readonly replyMode = new ReplyMode();
  /** Encoded, and no reply will come. */
  private readonly unanswered: Request[] = [];
  /** The connection is to be closed when nothing more can be expected. */
  private draining = false;
  /** The time, read once per tick. */
  private tickTime = 0;
  /** How many confirmations of the subscribing request at the head have come. */
  private confirmations = 0;
  /** The link leads to the wrong server and is left once the owed replies have come. */
  private retiring: RedisError | undefined;
  private breakLink: (error: RedisError) => void = () => undefined;

  /** Messages are decoded as bytes: somebody subscribed for bytes. */
  pushesAsBytes = false;
  /** A last chance to send a greeting that belongs before what the queue holds. */
  beforeFlush: () => void = () => undefined;
  /** Whether somebody waits for messages, so that a silent link is asked whether it lives. */
  listening: () => boolean = () => false;

  private readonly greeter: Executor = { submit: (request) => this.greetings$.next(request) };
  private readonly bytesWanted: BytesWanted = {
    reply: () => this.wantsBytes(this.inFlight.peek()),
    push: () => this.pushesAsBytes,
  };

  constructor(private readonly options: MultiplexerOptions) {
    this.encoder = new Encoder(options.writeBufferSize);
    this.deadlines = new Sweep(options.clock, (now) => this.expire(now));
    this.liveness = new Liveness(options.clock, options, {
      owed: this.inFlight,
      listening: () => this.listening(),
      probe: () => this.greet(call('PING')).subscribe({ error: () => undefined }),
      dead: (error) => this.breakLink(error),
    });
    this.requests$.subscribe((request) => this.enqueue(this.queue, request));
    this.greetings$.subscribe((request) => this.enqueue(this.greetings, request));
  }

  /** Requests that wait to be written. */
  get queued(): number {
    return this.queue.length;
  }

  /** Requests that nobody has answered yet, written or not. */
  get pending(): number {
    const { queue, inFlight, greetings, parked, returning } = this;
    return queue.length + inFlight.length + greetings.length + parked.size + returning.length;
  }

  /** Emits, once the rest is answered, when nothing is pending but what waits at the server and what stands behind it. */
  drained(): Observable<void> {
    return defer(() => {
      this.draining = true;
      this.prune();
      return this.isDrained() ? of(undefined) : this.idle$;
    });
  }

  private isDrained(): boolean {
    const next = this.inFlight.peek() ?? this.queue.peek();
    return this.pending === 0 || (this.draining && next !== undefined && blockingWait(next.command) !== undefined);
  }

  /** Drops what waits and whose subscribers have left. */
  prune(): void {
    for (const request of this.queue.drain()) if (!request.abandoned) this.queue.push(request);
    for (const request of [...this.parked.keys()]) if (request.abandoned) this.unpark(request);
  }

  /** Sends ahead of the queue, gate or no gate. */
  greet<T>(command: Command<T>): Reply<T> {
    return new Reply({ ...plainContext, executor: this.greeter }, command);
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
        decodeResp(this.options.limits, this.bytesWanted),
      );
      subscriber.add(
        frames$.subscribe({
          next: (frame) => this.receive(frame),
          error: (error: RedisError) => this.breakLink(error),
        }),
      );
    });
  }

  /** Fails what waits to be written beyond the first so many. */
  failQueued(toError: (request: Request) => RedisError, kept = 0): void {
    const waiting = [...this.queue.drain(), ...this.parked.keys()].filter((request) => !request.abandoned);
    for (const request of [...this.parked.keys()]) this.unpark(request);
    for (const request of waiting.splice(0, kept)) this.queue.push(request);
    for (const request of waiting) failSafely(request, toError(request));
    if (this.pending === 0) this.deadlines.stop();
  }

  // Hot: everything up to `receive` runs for every command.
  private enqueue(line: Ring<Request>, request: Request): void {
    if (!this.flushScheduled) {
      this.tickTime = this.options.clock.now();
      if (this.options.autoPipeline) this.scheduleFlush();
    }
    if (request.deadline === 0) this.startClock(request);
    line.push(request);
    if (!this.options.autoPipeline) this.flush();
  }

  /** Has the queue written at the end of the tick, empty or not. */
  scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    process.nextTick(this.flush);
  }

  private startClock(request: Request): void {
    const { command, context } = request;
    const wait = command.spec.blocking === undefined ? undefined : blockingWait(command);
    const own = wait === undefined || context.limitsBlocking;
    const limit = own ? context.commandTimeout : wait + this.graceOf(request);
    if (limit === Infinity) return;
    request.deadline = Math.ceil(this.tickTime + limit);
    this.deadlines.watch(request.deadline);
  }

  /** The server counts from when it has the command, so the wait for the connection is not taken from that. */
  private grantWait(request: Request): void {
    if (request.deadline === 0 || request.context.limitsBlocking) return;
    const wait = blockingWait(request.command);
    if (wait !== undefined) request.deadline = Math.ceil(this.options.clock.now() + wait + this.graceOf(request));
  }

  private graceOf({ context }: Request): number {
    return context.blockingGrace ?? this.options.blockingGrace;
  }

  private readonly flush = (): void => {
    this.beforeFlush();
    this.flushScheduled = false;
    while (this.socket !== undefined && !this.full) {
      const first = this.inFlight.length === 0;
      if (!this.encodeBatch()) {
        if (this.inFlight.length === 0) this.rest();
        return;
      }
      this.full = !this.socket.write(this.encoder.take());
      this.encoder.release(this.socket.drained);
      this.liveness.wrote(first, !this.full);
      if (this.unanswered.length > 0) for (const request of this.unanswered.splice(0)) request.settleUnanswered();
    }
  };

  /** Encodes as many requests as one write may hold; false when none is left. */
  private encodeBatch(): boolean {
    const { encoder, inFlight, options } = this;
    const depth = options.autoPipeline ? options.pipelineDepth : 1;
    let count = 0;
    while (count < depth && encoder.pending < options.writeBufferSize) {
      const flows = this.gateOpen && this.holding === undefined;
      const request = this.greetings.shift() ?? (flows ? this.queue.shift() : undefined);
      if (request === undefined) break;
      if (request.abandoned) continue;
      const { spec, args } = request.command;
      try {
        encoder.add(spec.words, spec.head, args);
      } catch (cause) {
        failSafely(request, notEncodable(cause, request));
        continue;
      }
      count++;
      if (spec.blocking !== undefined) this.grantWait(request);
      if (request.context.readTimeout !== undefined) this.liveness.granted(request.context.readTimeout);
      if (this.replyMode.isAnswered(request.command)) inFlight.push(request);
      else this.unanswered.push(request);
    }
    return count > 0;
  }

  private wantsBytes(request: Request | undefined): boolean {
    if (this.options.arraysArePushes) return this.pushesAsBytes;
    return request !== undefined && (request.context.bytes || request.command.spec.binary === true);
  }

  private receive(frame: Frame): void {
    if (typeof frame === 'object' && frame !== null) {
      if (frame instanceof Push) {
        this.receivePush(frame);
        return;
      }
      if (this.options.arraysArePushes && Array.isArray(frame) && isMessage(frame)) {
        this.receivePush(new Push(frame));
        return;
      }
      if (frame instanceof Attribute) return;
    }
    if (typeof frame === 'string' && this.replyMode.isMonitored(frame)) {
      this.pushes$.next(new Push(['monitor', frame]));
      return;
    }
    this.settle(frame);
  }

  private settle(frame: Frame): void {
    if (!this.gateOpen && frame instanceof ErrorFrame && FAREWELL.test(frame.text)) {
      this.breakLink(new ConnectionError(`The server turns the client away: ${frame.text}`));
      return;
    }
    const request = this.inFlight.shift();
    if (request === undefined) {
      this.breakLink(new ProtocolError('A reply came that no command waits for'));
      return;
    }
    this.confirmations = 0;
    try {
      if (frame instanceof ErrorFrame) this.refuse(request, frame);
      else this.deliver(request, frame);
    } catch (error) {
      reportUnhandled(error);
    }
    if (this.inFlight.length === 0 || this.draining) this.rest();
  }

  private deliver(request: Request, frame: Frame): void {
    request.settle(frame);
    if (!request.command.spec.connection) return;
    this.replyMode.note(request.command);
    this.sessionCommands$.next(request.command);
  }

  /** A message, or the confirmation that the subscribing request at the head waits for, once per channel. */
  private receivePush(push: Push): void {
    const head = this.inFlight.peek();
    if (head !== undefined && head.command.spec.confirmation === push.kind) {
      if (++this.confirmations === head.command.args.length) this.settle(null);
    }
    this.pushes$.next(push);
  }

  /** No reply is owed, or none that would come soon. */
  private rest(): void {
    if (this.retiring !== undefined && this.inFlight.length === 0) {
      this.breakLink(new ConnectionError('The connection is made anew', { cause: this.retiring }));
    } else if (this.releaseDue) {
      this.release();
    } else if (this.isDrained()) {
      this.idle$.next();
    }
  }

  /** The server has answered with an error, so the command did not run. */
  private refuse(request: Request, frame: ErrorFrame): void {
    if (request.abandoned) return;
    const error = toReplyError(frame, request.command.spec.name);
    const reaction = this.gateOpen || this.retiring ? this.reactionTo(error) : false;
    if (reaction !== false) {
      this.gateOpen = false;
      this.retiring ??= error;
    }
    if (reaction === 'resend' && request.attempt === 0) {
      request.attempt++;
      this.returning.push(request);
    } else {
      this.failOrRepeat(request, error);
    }
  }

  private reactionTo(error: ReplyError): ReturnType<ReconnectOnError> {
    try {
      return this.options.reconnectOnError(error);
    } catch (thrown) {
      reportUnhandled(thrown);
      return false;
    }
  }

  private failOrRepeat(request: Request, error: RedisError): void {
    const delay = this.repeatAfter(request, error);
    if (delay === false) request.fail(error);
    else if (error instanceof ReplyError && REFUSES_ALL.has(error.kind)) this.hold(request, delay);
    else this.park(request, delay);
  }

  /** The server takes nothing for the moment: what comes next waits behind, so that the order of the calls stays. */
  private hold(request: Request, delay: number): void {
    request.attempt++;
    this.returning.push(request);
    this.holding ??= this.options.clock.schedule(() => this.release(), delay);
  }

  /** Once those in flight have been refused as well; nobody waits for one that blocks. */
  private release(): void {
    const oldest = this.inFlight.peek();
    this.releaseDue = oldest !== undefined && blockingWait(oldest.command) === undefined;
    if (this.releaseDue || this.retiring !== undefined) return;
    this.holding = undefined;
    this.queue.unshift(this.returning.splice(0));
    this.flush();
  }

  private park(request: Request, delay: number): void {
    request.attempt++;
    const comeBack = () => {
      this.parked.delete(request);
      this.requests$.next(request);
    };
    this.parked.set(request, this.options.clock.schedule(comeBack, delay));
  }

  private unpark(request: Request): void {
    this.parked.get(request)?.unsubscribe();
    this.parked.delete(request);
  }

  /** The delay that the request's policy asks for, ms; false when it does not want another try or its time would be up. */
  private repeatAfter(request: Request, error: RedisError): number | false {
    const { attempt, command, context, deadline } = request;
    let delay: number | false = false;
    try {
      const wanted: unknown = context.retry(attempt + 1, error, command);
      // A function in JavaScript may answer with nothing at all; that is no time to wait.
      if (typeof wanted === 'number' && wanted >= 0 && wanted < Infinity) delay = wanted;
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    const tooLate = delay !== false && deadline !== 0 && this.options.clock.now() + delay >= deadline;
    return tooLate ? false : delay;
  }

  /**
   * Leaves a lost socket: what was written and not answered may have run, and is repeated only where that does no harm.
   * @returns tells those who wait of the failures; for the end, when user code finds everything in its place
   */
  private detach(error: RedisError): () => void {
    const { socket } = this;
    if (socket === undefined) return () => undefined;
    this.socket = undefined;
    this.gateOpen = false;
    this.full = false;
    this.retiring = undefined;
    this.holding?.unsubscribe();
    this.holding = undefined;
    this.releaseDue = false;
    this.replyMode.reset();
    this.confirmations = 0;
    this.breakLink = () => undefined;
    this.liveness.stop();
    this.encoder.release(false);
    socket.destroy();

    const failing = this.greetings.drain().map((request) => ({ request, error: lost(error, request, 'unsent') }));
    const returning = this.returning.splice(0);
    // What the server answers in no RESP is not asked for again: it would break the next link as well.
    if (error instanceof ProtocolError) {
      const poisonous = this.inFlight.shift();
      if (poisonous !== undefined) failing.push({ request: poisonous, error: unreadable(error, poisonous) });
    }
    for (const request of this.inFlight.drain()) {
      if (request.abandoned) continue;
      const failure = lost(error, request, 'unknown');
      const delay = this.repeatAfter(request, failure);
      if (delay === false) {
        failing.push({ request, error: failure });
      } else if (delay > 0) {
        this.park(request, delay);
      } else {
        request.attempt++;
        returning.push(request);
      }
    }
    this.queue.unshift(returning);
    return () => {
      for (const { request, error } of failing) failSafely(request, error);
    };
  }

  /** Fails what has had its time, and returns the earliest deadline that is left. */
  private expire(now: number): number {
    const isDue = ({ deadline }: Request) => deadline !== 0 && deadline <= now;
    const unsent = [...this.queue, ...this.returning, ...this.parked.keys()].filter(isDue);
    const unanswered = [...this.inFlight].filter((request) => isDue(request) && !request.abandoned);
    if (unsent.length > 0) {
      for (const request of this.queue.drain()) if (!isDue(request)) this.queue.push(request);
      this.returning = this.returning.filter((request) => !isDue(request));
      for (const request of unsent) this.unpark(request);
    }
    // Those in flight keep their places in line, so that the replies that follow find their commands.
    for (const request of unanswered) failSafely(request, timedOut(request, 'unknown'));
    const trouble = unsent.length > 0 ? this.options.trouble?.() : undefined;
    for (const request of unsent) failSafely(request, timedOut(request, deliveryOf(request), trouble));
    if (this.isDrained()) this.idle$.next();

    let earliest = Infinity;
    for (const line of [this.queue, this.inFlight, this.returning, this.parked.keys()]) {
      for (const { deadline } of line) if (deadline > now && deadline < earliest) earliest = deadline;
    }
    return Math.max(earliest, now + SWEEP_GRAIN);
  }
}

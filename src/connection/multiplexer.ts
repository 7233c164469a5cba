import { Observable, Subject, config } from 'rxjs';
import type { Request } from '../commands/request';
import { ConnectionError, ProtocolError, RedisError } from '../errors';
import { decodeResp } from '../resp/decode-resp';
import type { BytesWanted, DecoderLimits } from '../resp/decoder';
import { Encoder } from '../resp/encoder';
import { Attribute, Push, type Frame } from '../resp/frames';
import { Multicast } from './multicast';
import { Ring } from './ring';
import type { ByteSocket } from './socket';

export interface MultiplexerOptions {
  /** send what one tick brings in one write; otherwise every request in a write of its own */
  readonly autoPipeline: boolean;
  /** the most requests in one write */
  readonly pipelineDepth: number;
  /** bytes gathered for one write */
  readonly writeBufferSize: number;
  readonly limits?: Partial<DecoderLimits>;
  /** in RESP2 a subscribed connection sends its messages as arrays */
  readonly arraysArePushes?: boolean;
}

/**
 * Puts the requests of many callers on one socket and pairs the replies with them, in order.
 *
 * It outlives sockets: `serve` a new one after a loss and the requests that were never written go out on it.
 */
//  requests$ ──▶ queue ──flush──▶ in flight ──frame──▶ settled
//                  ▲ waits at the gate     │ the socket is lost: fails with delivery 'unknown'
//  greetings ──────┘ pass it               ▼
export class Multiplexer {
  readonly requests$ = new Multicast<Request>();
  /** The handshake and what restores a connection's state: written before the queue, gate or no gate. */
  readonly greetings$ = new Multicast<Request>();
  readonly pushes$ = new Multicast<Push>();
  /** Emits whenever the last owed reply has come and nothing waits to be sent. */
  readonly idle$ = new Subject<void>();

  private readonly queue = new Ring<Request>();
  private readonly greetings = new Ring<Request>();
  private readonly inFlight = new Ring<Request>();
  private readonly encoder: Encoder;
  private socket: ByteSocket | undefined;
  private gateOpen = false;
  private full = false;
  private flushScheduled = false;
  /** How many confirmations of the subscribing request at the head have come. */
  private confirmations = 0;
  private breakLink: (error: RedisError) => void = () => undefined;

  /** Messages are decoded as bytes: somebody subscribed for bytes. */
  pushesAsBytes = false;

  private readonly bytesWanted: BytesWanted = {
    reply: () => (this.options.arraysArePushes ? this.pushesAsBytes : (this.inFlight.peek()?.context.bytes ?? false)),
    push: () => this.pushesAsBytes,
  };

  constructor(private readonly options: MultiplexerOptions) {
    this.encoder = new Encoder(options.writeBufferSize);
    this.requests$.subscribe((request) => this.enqueue(this.queue, request));
    this.greetings$.subscribe((request) => this.enqueue(this.greetings, request));
  }

  /** Requests that wait to be written. */
  get queued(): number {
    return this.queue.length;
  }

  /** Requests that nobody has answered yet, written or not. */
  get pending(): number {
    return this.queue.length + this.inFlight.length + this.greetings.length;
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
        this.detach(error);
        subscriber.error(error);
      };
      subscriber.add(() => this.detach(new ConnectionError('The connection was given up')));
      subscriber.add(
        socket.drain$.subscribe(() => {
          this.full = false;
          this.flush();
        }),
      );
      subscriber.add(
        socket.bytes$.pipe(decodeResp(this.options.limits, this.bytesWanted)).subscribe({
          next: (frame) => this.receive(frame),
          error: (error: RedisError) => this.breakLink(error),
        }),
      );
    });
  }

  /** Fails all that waits to be written. */
  failQueued(toError: (request: Request) => RedisError): void {
    for (const request of this.queue.drain()) request.fail(toError(request));
  }

  private enqueue(line: Ring<Request>, request: Request): void {
    line.push(request);
    if (!this.options.autoPipeline) this.flush();
    else if (!this.flushScheduled) {
      this.flushScheduled = true;
      process.nextTick(this.flush);
    }
  }

  // Hot: everything up to `receive` runs for every command.
  private readonly flush = (): void => {
    this.flushScheduled = false;
    while (this.socket !== undefined && !this.full && this.encodeBatch()) {
      this.full = !this.socket.write(this.encoder.take());
      this.encoder.release(this.socket.drained);
    }
  };

  /** Encodes as many requests as one write may hold; false when none is left. */
  private encodeBatch(): boolean {
    const { encoder, inFlight, options } = this;
    const depth = options.autoPipeline ? options.pipelineDepth : 1;
    let count = 0;
    while (count < depth && encoder.pending < options.writeBufferSize) {
      const request = this.greetings.shift() ?? (this.gateOpen ? this.queue.shift() : undefined);
      if (request === undefined) break;
      if (request.abandoned) continue;
      const { spec, args } = request.command;
      encoder.add(spec.words, spec.head, args);
      inFlight.push(request);
      count++;
    }
    return count > 0;
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
    this.settle(frame);
  }

  private settle(frame: Frame): void {
    const request = this.inFlight.shift();
    if (request === undefined) {
      this.breakLink(new ProtocolError('A reply came that no command waits for'));
      return;
    }
    this.confirmations = 0;
    try {
      request.settle(frame);
    } catch (error) {
      reportLater(error);
    }
    if (this.inFlight.length === 0 && this.queue.length === 0) this.idle$.next();
  }

  /** A message, or the confirmation that the subscribing request at the head waits for, once per channel. */
  private receivePush(push: Push): void {
    const head = this.inFlight.peek();
    if (head?.command.spec.confirmation === push.kind) {
      if (++this.confirmations === head.command.args.length) this.settle(null);
    }
    this.pushes$.next(push);
  }

  /** Leaves a lost socket: what was written and not answered fails, for it may have run. */
  private detach(error: RedisError): void {
    const { socket } = this;
    if (socket === undefined) return;
    this.socket = undefined;
    this.gateOpen = false;
    this.full = false;
    this.confirmations = 0;
    this.breakLink = () => undefined;
    this.encoder.release(false);
    socket.destroy();
    for (const request of this.greetings.drain()) request.fail(failed(error, request, 'unsent'));
    for (const request of this.inFlight.drain()) request.fail(failed(error, request, 'unknown'));
  }
}

function failed(cause: RedisError, request: Request, delivery: 'unsent' | 'unknown'): RedisError {
  const { name } = request.command.spec;
  const fate = delivery === 'unknown' ? 'it may have run' : 'it was not sent';
  return new ConnectionError(`The connection was lost before ${name} was answered, ${fate}: ${cause.message}`, {
    delivery,
    command: name,
    cause,
  });
}

const messageKinds = new Set<Frame>(
  ['message', 'smessage', 'pmessage'].concat(
    ['', 'p', 's'].flatMap((prefix) => [`${prefix}subscribe`, `${prefix}unsubscribe`]),
  ),
);

function isMessage(frame: readonly Frame[]): boolean {
  const kind = frame[0]!;
  return messageKinds.has(kind instanceof Uint8Array ? String(kind) : kind);
}

/** An error that user code lets out is the process's, reported as RxJS reports it, never the connection's. */
function reportLater(error: unknown): void {
  setTimeout(() => {
    const { onUnhandledError } = config;
    if (onUnhandledError === null) throw error;
    onUnhandledError(error);
  });
}

import { Observable, type Subscriber } from 'rxjs';
import { call } from '../commands/call';
import { Reply } from '../commands/reply';
import type { Command } from '../commands/command';
import type { Request } from '../commands/request';
import { plainContext } from '../commands/request-context';
import { unexpected, type UnexpectedReply } from '../commands/unexpected-reply';
import { ConnectionError, ProtocolError, type RedisError, type ReplyError } from '../errors';
import { decodeResp } from '../resp/decode-resp';
import type { DecoderLimits } from '../resp/decoder';
import { ErrorFrame, type Frame, type Push } from '../resp/frames';
import type { Clock } from './clock';
import { connectionLost, failSafely } from './failures';
import { farewell, turnsAway } from './farewell';
import type { ServerInfo } from './hello';
import { Incoming, type FrameSink } from './incoming';
import { LinkGroups } from './link-groups';
import { LinkMode } from './link-mode';
import { Liveness, type LivenessLimits } from './liveness';
import { LoadedScripts, type Forgettings } from './loaded-scripts';
import { Outgoing, type OutgoingOptions, type Supply } from './outgoing';
import { Ring } from './ring';
import type { ByteSocket } from './socket';

/** Durations are milliseconds. */
export interface LinkOptions extends LivenessLimits, OutgoingOptions {
  readonly clock: Clock;
  readonly limits?: Partial<DecoderLimits> | undefined;
  /** shared by the connections of a client */
  readonly forgettings?: Forgettings;
}

/** The line that a link belongs to, as the link sees it. */
export interface LinkOwner extends Supply {
  /** the oldest request has been answered */
  answered(link: Link, request: Request, frame: Frame): void;
  pushed(push: Push): void;
  /** a member of a group was refused */
  memberRefused(link: Link, error: ReplyError): void;
  /** more is to be written in another turn of the event loop */
  writeLater(): void;
  /** all frames that arrived together have been read */
  rest(): void;
  /** the link is lost; returns a function that fails requests, to be called last, when all state is consistent */
  lost(link: Link, error: RedisError): () => void;
  /** a request waits for pushes, so a silent link is probed */
  readonly listening: boolean;
  readonly pushesAsBytes: boolean;
}

/** A link lives as long as one socket. */
//  handshake ──done──▶ open ──wrong server──▶ retiring
//      └────────────────┴───────lost────────────┴──────▶ lost
export type LinkState =
  /** only what goes ahead of the queue is written */
  | { readonly kind: 'handshake' }
  | { readonly kind: 'open' }
  /** nothing of the queue is written any more; the link is left once it owes nothing */
  | { readonly kind: 'retiring'; readonly reason: RedisError }
  | { readonly kind: 'lost' };

/**
 * One socket and all that is known of it: what is owed, what commands have made of it, whether it lives. It is made with the socket
 * and thrown away with it; what outlives it is the line's.
 */
export class Link implements FrameSink {
  /** The requests whose replies are owed, oldest first. */
  readonly owed = new Ring<Request>();
  readonly mode = new LinkMode();
  readonly scripts: LoadedScripts;
  /** The version of RESP, once the server has answered the handshake. */
  protocol: 2 | 3 | undefined;
  readonly outgoing: Outgoing;
  /** How many bytes have come. */
  bytesRead = 0;
  private state: LinkState = { kind: 'handshake' };
  /** How far groups have come. */
  readonly groups: LinkGroups;
  private readonly incoming: Incoming;
  private readonly liveness: Liveness;
  /** More is written in the next turn of the event loop. */
  private writesLater = false;
  private subscriber: Subscriber<never> | undefined;

  constructor(
    private readonly socket: ByteSocket,
    private readonly owner: LinkOwner,
    private readonly options: LinkOptions,
    private readonly carriesMessages: boolean,
  ) {
    const { clock } = options;
    this.liveness = new Liveness(clock, options, {
      owed: this.owed,
      bytesRead: () => this.bytesRead,
      reached: () => this.reached,
      listening: () => owner.listening,
      probe: () => this.sendAhead(call('PING')).subscribe({ error: () => undefined }),
      dead: (error) => this.lose(error),
    });
    this.scripts = new LoadedScripts(this.owed, options.forgettings);
    const { owed, mode, scripts, liveness } = this;
    this.outgoing = new Outgoing(socket, owed, mode, scripts, liveness, owner, options, (cut) => this.groups.cut(cut));
    this.incoming = new Incoming(
      this.owed,
      this.mode,
      this,
      () => this.carriesMessages && this.protocol === 2,
      () => owner.pushesAsBytes,
    );
    this.groups = new LinkGroups(this, this.incoming);
  }

  get inHandshake(): boolean {
    return this.state.kind === 'handshake';
  }

  get isOpen(): boolean {
    return this.state.kind === 'open';
  }

  get isLost(): boolean {
    return this.state.kind === 'lost';
  }

  /** Why the link leads to the wrong server. */
  get retiring(): RedisError | undefined {
    return this.state.kind === 'retiring' ? this.state.reason : undefined;
  }

  /** A frame is being handled, and others may have arrived. */
  reading = false;

  /** When the server last gave a sign of life, on the clock; 0 before the first. */
  get heardAt(): number {
    return this.liveness.heardAt;
  }

  /** Until when the server surely served it, on the clock; 0 where it never gave a sign of life. */
  get servedUntil(): number {
    return this.liveness.servedUntil;
  }

  /** Requests on this link that are not answered, written or not. */
  get pending(): number {
    return this.owed.length + this.outgoing.pending;
  }

  /** The number of the first owed request among all that ever were owed; within a group its answered members are a fraction. */
  private get reached(): number {
    return this.owed.passed + this.incoming.share;
  }

  /** Serves until the socket is lost or the protocol is broken, which is the error; never emits, never completes. */
  serve(): Observable<never> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber;
      subscriber.add(() => this.leave()());
      subscriber.add(this.socket.drain$.subscribe(() => this.drained()));
      const frames$ = this.heard$().pipe(decodeResp(this.options.limits, this.incoming.decodedFor));
      subscriber.add(
        frames$.subscribe({
          next: (frame) => this.receive(frame),
          error: (error: RedisError) => this.lose(error),
        }),
      );
    });
  }

  // Hot: once per frame.
  private receive(frame: Frame): void {
    this.reading = true;
    try {
      this.incoming.receive(frame);
    } catch (error) {
      this.lose(error instanceof ProtocolError ? error : new ProtocolError(String(error), { cause: error }));
    } finally {
      this.reading = false;
    }
  }

  /** The server has said who it is. */
  greeted({ protocol, version }: ServerInfo): void {
    this.protocol = protocol;
    this.scripts.serves(version);
  }

  /** The handshake is through: the queue flows. */
  open(): void {
    if (this.state.kind === 'handshake') this.state = { kind: 'open' };
    this.outgoing.keepSolitude();
  }

  /** Nothing of the queue is written any more, and the link is left once it owes nothing. */
  readonly retire = (reason: RedisError): void => {
    if (this.state.kind === 'open') this.state = { kind: 'retiring', reason };
  };

  /** Sends ahead of the queue, whether the queue flows or not. */
  sendAhead<T>(command: Command<T>): Reply<T> {
    return Reply.from({ ...plainContext, executor: this.ahead }, command);
  }

  private readonly ahead = {
    submit: (request: Request): void => {
      if (this.isLost) {
        failSafely(request, connectionLost(new ConnectionError('The connection was given up'), request, 'unsent'));
        return;
      }
      this.outgoing.pushAhead(request);
      this.owner.writeLater();
    },
  };

  /** Writes what may be written. */
  write(): void {
    if (this.isLost || this.writesLater) return;
    if (this.outgoing.write()) {
      this.writesLater = true;
      this.options.clock.afterInput(() => {
        this.writesLater = false;
        this.write();
      });
    } else if (!this.reading && !this.isLost) this.owner.rest();
  }

  /**
   * Ends the link. The owner decides about the owed requests.
   * @param owes whether the server has yet to answer something of what was sent
   */
  lose(error: RedisError, owes = this.owed.length > 0): void {
    if (this.isLost) return;
    const tell = this.end(error, owes);
    this.subscriber?.error(error);
    tell();
  }

  // Hot: once per reply.
  replied(frame: Frame): void {
    if (this.state.kind === 'handshake' && turnsAway(frame)) {
      this.lose(farewell(frame));
      return;
    }
    if (!this.mode.isOrdinary && this.isWrong(frame, this.owed.peek())) return;
    const request = this.owed.shift();
    if (request === undefined) {
      this.lose(new ProtocolError('A reply came that no command waits for'));
      return;
    }
    this.owner.answered(this, request, frame);
  }

  /** Whether a reply shows that replies do not match their requests any more. If so, the link is lost. */
  private isWrong(frame: Frame, oldest: Request | undefined): boolean {
    if (this.mode.isDoubtful(frame, oldest)) {
      const why = frame instanceof ErrorFrame ? frame.kind : 'QUEUED';
      this.lose(
        new ConnectionError(`CLIENT REPLY may have been refused (${why}), so it is not known whose the replies are`),
      );
      return true;
    }
    const reply = oldest && this.mode.byHand.replied(frame, oldest);
    if (oldest === undefined || reply === undefined) return false;
    const error = unexpected(reply, oldest.command);
    this.owed.shift();
    this.lose(error);
    failSafely(oldest, error);
    return true;
  }

  pushed(push: Push): void {
    this.owner.pushed(push);
  }

  unexpected(reply: UnexpectedReply, member: Command): void {
    this.groups.unexpected(reply, member);
  }

  memberRefused(error: ReplyError): void {
    this.owner.memberRefused(this, error);
  }

  private drained(): void {
    this.outgoing.drained();
    this.write();
  }

  /** The bytes of the socket. */
  private heard$(): Observable<Uint8Array> {
    const { bytes$ } = this.socket;
    return new Observable((subscriber) =>
      bytes$.subscribe({
        next: (chunk) => {
          this.bytesRead += chunk.length;
          subscriber.next(chunk);
          this.liveness.heard(this.incoming.isInsideReply);
        },
        error: (error: unknown) => subscriber.error(error),
      }),
    );
  }

  /** Nothing is asked of it for now, and nothing is owed: it does not keep the process alive. */
  sleep(): void {
    this.liveness.sleep();
    this.socket.keepsAlive(false);
  }

  wake(): void {
    this.liveness.wake();
    this.socket.keepsAlive(true);
  }

  /** Leaves the link. @returns as `end` does */
  leave(): () => void {
    return this.end(new ConnectionError('The connection was given up'));
  }

  /** @returns a function that fails the requests; it is called last, when all state is consistent for user code */
  private end(error: RedisError, owes = this.owed.length > 0): () => void {
    if (this.isLost) return () => undefined;
    this.state = { kind: 'lost' };
    this.liveness.stop();
    // What was sent and is not answered must not arrive any more, because it may be sent again.
    this.socket.destroy(owes);
    return this.owner.lost(this, error);
  }
}

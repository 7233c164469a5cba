import { Subject } from 'rxjs';
import { ConnectionError } from '../../src/errors';
import type { DisconnectReason } from '../../src/connection/connection-state';
import type { ByteSocket } from '../../src/connection/socket';
import { ByteStream } from './byte-stream';
import { Downstream, noiseOf } from './downstream';
import type { Journal } from './journal';
import type { Referee } from './referee';
import type { LinkTraits } from './link-traits';
import type { Answer, Peer, PushedMessage } from './peer';
import { Pipe } from './pipe';
import type { StreamFault } from './plan';
import { FAREWELL } from './reception';
import { RequestParser } from './request-parser';
import * as resp from './resp';
import { SendBuffer, type BufferManners } from './send-buffer';
import type { Server } from './server';
import { Strikes } from './strikes';
import type { Timeline } from './timeline';
import type { WireRequest } from './wire';

/** What the server sends in one piece of its own: a reply, a part of one, or a message. */
export type Sending =
  | { readonly kind: 'reply'; readonly request: WireRequest; readonly answer: Answer | undefined }
  | { readonly kind: 'message'; readonly message: PushedMessage }
  /** the server takes a shard channel away by itself, in the words of the reply to SUNSUBSCRIBE */
  | { readonly kind: 'noise'; readonly takes?: string | undefined }
  /** what looks like a part of a reply until it is whole, and what nobody can read */
  | { readonly kind: 'stray' | 'garbage' };

/** What a link needs to know of the run that it is part of. */
export interface Surroundings {
  readonly journal: Journal;
  readonly timeline: Timeline;
  readonly server: Server;
  readonly referee: Referee;
}

/** One piece of memory is read into again and again, as a socket does. */
const readBuffer = Buffer.alloc(64 * 1024);

/**
 * One connection between the client and the server: the client's end is a ByteSocket, the server's end a Peer, and what is between
 * them carries bytes as well as the plan lets it.
 */
//  client ──write──▶ held by the system ──▶ up ──▶ whole requests ──▶ server
//         ◀──bytes$── read buffer ◀──────── down ◀───── replies, messages
export class Link implements ByteSocket {
  readonly bytes$ = new ByteStream();
  readonly drain$ = new Subject<void>();
  state: 'open' | 'lost' | 'destroyed' = 'open';
  readonly peer: Peer;
  readonly openedAt: number;
  readyAt = Infinity;
  /** The network or the server has ended it. */
  lost = false;
  /** What the client may say of why it ended. */
  endedFor: readonly DisconnectReason[] = [];
  /** It brought what is not RESP, or a reply to nothing. */
  poisoned = false;
  /** A reply was left out or sent twice: from now on the client takes each for that of another request. */
  shifted = false;
  /** The client has read a reply to HELLO that contradicts itself. */
  contradicted = false;
  /** It belongs to the connection for messages. */
  carriesMessages = false;
  /** It is lent: it carries none of the commands of the client's users. */
  get lent(): boolean {
    return this.peer.lent !== undefined;
  }

  lend(): void {
    this.peer.lent = { use: undefined, database: 0, clientName: undefined, watched: new Map(), transaction: undefined };
  }

  /** Whether whose it is has been closed. */
  givenUp: () => boolean = () => false;
  /** What the client has written, in order. */
  readonly requests: WireRequest[] = [];
  /** Whether anything has come that the client has not read yet. */
  get atHand(): boolean {
    return this.down.hasCome(this.down.delivered + 1);
  }

  /** How many of them have been answered as far as the client can know. */
  answers = 0;
  answeredAt = 0;

  private readonly up: Pipe;
  private readonly down: Pipe;
  private readonly parser = new RequestParser();
  private readonly downstream: Downstream;
  private arrived = 0;
  private repliesSent = 0;
  private readonly buffer: SendBuffer | undefined;

  constructor(
    readonly index: number,
    readonly traits: LinkTraits,
    private readonly around: Surroundings,
    /** tells whoever dialled it that it is lost, as some sockets do on top of all else */
    private readonly tellDialler: (error: Error) => void,
  ) {
    const { timeline } = around;
    const faults = (way: 'up' | 'down') => traits.faults.filter((fault) => fault.way === way);
    const strike = (fault: StreamFault) => strikes.strike(fault);
    this.up = new Pipe(timeline, timeline.after.bind(timeline), traits.up, faults('up'), () => this.arriveUp(), strike);
    this.down = new Pipe(
      timeline,
      timeline.afterInProcess.bind(timeline),
      traits.down,
      faults('down'),
      (bytes) => this.arriveDown(bytes),
      strike,
    );
    this.downstream = new Downstream(this.down);
    const { up, down, downstream } = this;
    const lose = (cause: Error) => this.lose(cause);
    const strikes = new Strikes(this, { up, down, downstream, lose, emit: (bytes) => this.emit(bytes) }, around);
    if (traits.buffer !== undefined) this.buffer = this.bufferOf(traits.buffer);
    this.peer = {
      index,
      refusesHello: traits.refusesHello,
      helloAnswer: traits.helloAnswer,
      refusesPassword: traits.refusesPassword,
      refusesGreeting: traits.refusesGreeting,
      refusals: [],
      refusesSubscriptions: false,
      protocol: 2,
      database: 0,
      password: undefined,
      clientName: undefined,
      isNameless: false,
      prepared: false,
      monitors: false,
      wasDeprived: false,
      replica: false,
      gone: false,
      blocked: undefined,
      transaction: undefined,
      lent: undefined,
      subscriptions: { channel: new Set(), pattern: new Set(), shard: new Set() },
      inbox: [],
      answer: (text, request, answer) => this.sendDown(text, { kind: 'reply', request, answer }),
      push: (text, message) => this.sendDown(text, { kind: 'message', message }),
      notify: (text) => this.sendDown(text, { kind: noiseOf(text) }),
      take: (text, channel) => this.sendDown(text, { kind: 'noise', takes: channel }),
      close: () => this.down.atEnd(() => this.lose()),
    };
    this.openedAt = timeline.now();
    if (traits.turnsAway) this.turnAway();
    else around.server.peers.add(this.peer);
  }

  /** The client takes it for ready: it has greeted and restored what it had. */
  get ready(): boolean {
    return this.up.readyAt !== undefined;
  }

  set ready(ready: boolean) {
    this.readyAt = this.around.timeline.now();
    for (const pipe of [this.up, this.down]) pipe.readyAt = ready ? pipe.ends.length : undefined;
  }

  get open(): boolean {
    return this.state === 'open';
  }

  get drained(): boolean {
    return this.buffer?.drained ?? true;
  }

  /** A part of a reply has come, and the rest of it is still to come; or a part of what may as well be one. */
  get isInsideReply(): boolean {
    return this.downstream.isInsideReply;
  }

  /** The request whose reply is owed first. */
  get oldest(): WireRequest | undefined {
    return this.requests[this.answers];
  }

  /** The requests whose replies are owed. */
  get owed(): readonly WireRequest[] {
    return this.requests.slice(this.answers);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const { referee } = this.around;
    if (!this.open) referee.fail(`link ${this.index}: written to although it is ${this.state}`);
    const copy = Buffer.concat(chunks);
    const first = this.oldest === undefined;
    const before = this.requests.length;
    try {
      for (const { words, end } of this.parser.push(copy)) {
        this.up.ends.push(end);
        this.requests.push(referee.written(this, words));
      }
    } catch (error) {
      referee.fail((error as Error).message);
    }
    referee.wrote(this, copy.length, first, this.requests.slice(before));
    if (this.buffer !== undefined && (this.ready || !this.traits.buffer?.greeted))
      return this.buffer.hold(chunks, copy);
    this.up.send(copy);
    return true;
  }

  keepsAlive(): void {
    // the run keeps the process alive, whatever its sockets do
  }

  destroy(reset = false): void {
    if (this.state === 'destroyed') return;
    this.around.referee.left(this, reset);
    this.state = 'destroyed';
    this.buffer?.clear();
    this.down.kill();
    // What is under way still arrives, unless nothing does.
    if (this.up.dead) this.around.server.forget(this.peer);
    else this.up.atEnd(() => this.around.server.forget(this.peer));
    // A socket says that it is closed also to who closed it, and some say so when there is another one already.
    this.around.timeline.afterInProcess(this.traits.closesTwice === undefined ? 0 : 30, () =>
      this.bytes$.error(new ConnectionError(`link ${this.index} is closed`)),
    );
  }

  /** Nothing befalls it any more; what was dead without a word is found dead by the system. */
  calm(): void {
    this.up.calm();
    this.down.calm();
    const halfOpen = this.up.dead || this.down.dead || this.up.stalledForEver || this.down.stalledForEver;
    if (halfOpen || this.traits.buffer?.delay === Infinity) this.lose(new Error('keep-alive timed out'));
  }

  /** The client has read that the server has no room for it. */
  get turnedAway(): boolean {
    return this.traits.turnsAway && !this.poisoned && this.downstream.completed > 0;
  }

  /** The server has no room for it: it says so, and hangs up. */
  private turnAway(): void {
    this.around.journal.count('maxclients');
    this.peer.gone = true;
    this.sendDown(resp.error(FAREWELL), { kind: 'stray' });
    this.peer.close();
  }

  /** The client is told that the connection is gone. */
  private lose(cause?: Error): void {
    if (this.open) {
      const { referee, server, timeline } = this.around;
      referee.lost(this);
      this.state = 'lost';
      this.lost = true;
      this.endedFor = [cause === undefined ? 'server_closed' : 'connection_lost'];
      this.up.kill();
      this.down.kill();
      server.forget(this.peer);
      timeline.touched = true;
      const why = cause === undefined ? ' closed the connection' : `: ${cause.message}`;
      const { closesTwice } = this.traits;
      if (closesTwice === 'dial') this.tellDialler(new ConnectionError(`link ${this.index}${why}`, { cause }));
      this.bytes$.error(new ConnectionError(`link ${this.index}${why}`, { cause }));
      if (closesTwice !== undefined) {
        this.loseAgain();
        timeline.afterInProcess(1, () => this.loseAgain());
      }
      if ((this.state as string) !== 'destroyed') referee.fail(`link ${this.index}: lost, and not destroyed`);
    }
  }

  /** Says once more, and in all ways, that it is closed. */
  private loseAgain(): void {
    const error = new ConnectionError(`link ${this.index} closed again`);
    this.around.journal.count('closed twice');
    this.around.timeline.touched = true;
    this.drain$.next();
    this.tellDialler(error);
    this.bytes$.error(error);
  }

  private bufferOf(manners: BufferManners): SendBuffer {
    const { referee, timeline } = this.around;
    return new SendBuffer(manners, {
      timeline,
      open: () => this.open,
      send: (bytes) => this.up.send(bytes),
      filled: () => referee.filled(this),
      emptied: () => {
        referee.emptied(this);
        timeline.touched = true;
        this.drain$.next();
      },
      reused: () => referee.fail(`link ${this.index}: memory was reused that the system still held`),
    });
  }

  private arriveUp(): void {
    const { up, peer } = this;
    for (let end = up.ends[this.arrived]; end !== undefined && end <= up.delivered; end = up.ends[this.arrived]) {
      this.around.server.receive(peer, this.requests[this.arrived++]!);
      if (peer.gone) return;
    }
    if (up.spot === 'inside') this.around.journal.count('split request');
  }

  private sendDown(text: string, sending: Sending): void {
    if (this.down.dead) return;
    if (sending.kind === 'reply') {
      const { request, answer } = sending;
      if (!request.answered) request.answer = answer;
      request.atHand = () => this.open && !request.answered && this.downstream.hasCome(sending);
      if (answer !== undefined && this.strikesShift()) {
        if (this.traits.shift!.manner === 'swallow') return;
        this.downstream.send(text, sending);
      }
    }
    this.downstream.send(text, sending);
  }

  /** Whether the reply that is about to be sent is the one that is left out or sent twice. */
  private strikesShift(): boolean {
    const { shift } = this.traits;
    if (shift === undefined || !this.ready || this.repliesSent++ !== shift.after) return false;
    this.shifted = true;
    this.around.journal.count(`reply ${shift.manner === 'swallow' ? 'left out' : 'sent twice'}`);
    return true;
  }

  private arriveDown(bytes: Buffer): void {
    if (!this.open) return;
    const { referee, journal } = this.around;
    const check = referee.arriving(this, bytes.length, this.downstream.complete());
    if (this.poisoned && this.oldest !== undefined) (this.oldest.group ?? this.oldest).poisoned = true;
    const { begun } = this.downstream;
    if (begun !== undefined) journal.count('split reply');
    if (begun?.kind === 'message') referee.begun(begun.message);
    this.emit(bytes);
    check();
  }

  private emit(bytes: Buffer): void {
    const memory =
      bytes.length <= readBuffer.length ? readBuffer.subarray(0, bytes.length) : Buffer.alloc(bytes.length);
    bytes.copy(memory);
    this.around.timeline.touched = true;
    this.bytes$.next(memory);
    memory.fill('!');
  }
}

import type { Group } from '../commands/group';
import type { Request } from '../commands/request';
import type { RedisError } from '../errors';
import { Encoder } from '../resp/encoder';
import { leftBehind, notEncodable } from './failures';
import { GroupWriter, type Cut } from './group-writer';
import type { LinkMode } from './link-mode';
import type { Liveness } from './liveness';
import type { LoadedScripts } from './loaded-scripts';
import { isAhead } from './places';
import { Ring } from './ring';
import type { ByteSocket, Peer } from './socket';
import { Solitude, type SolitudeOptions } from './solitude';
import { SpecialWriter } from './special-writer';
import { Untold } from './untold';

/** What comes from the line that a link writes for. */
export interface Supply {
  /** the next request of the queue; none while the link is not open or the queue pauses */
  next(): Request | undefined;
  /** a request that is repeated is about to be written; whether it would now mean something else */
  isLeftBehind(request: Request): boolean;
  /** a request that is not plain is written */
  wrote(request: Request): void;
  /** has what may be written now written at the end of the tick */
  scheduleFlush(): void;
  /** the link is of no more use */
  broken(error: RedisError): void;
}

export interface OutgoingOptions extends SolitudeOptions {
  /** the most commands in one write */
  readonly pipelineDepth: number;
  /** bytes gathered for one write */
  readonly writeBufferSize: number;
  /**
   * told of every write that the socket has taken: the requests whose replies are owed, and the number of the first among all that ever
   * were owed that is new, and what is at the other end; for telemetry
   */
  readonly onWrite?: ((owed: Ring<Request>, from: number, peer: Peer | undefined) => void) | undefined;
}

/** The requests that a link had taken and did not write. */
export interface Unwritten {
  readonly ahead: readonly Request[];
  /** those that came from the queue */
  readonly queued: readonly Request[];
  /** the number, among all that were ever owed, of the first that the socket has refused; Infinity for none */
  readonly refusedFrom: number;
  /** the number, among all that were ever owed, of the last that is to end the connection; -1 for none */
  readonly lastEnding: number;
}

/** So many commands are written in one turn of the event loop; then what has come is read first. */
const TURN = 5_000;

/** What is written on one link, and in which order. It ends with the link. */
//  rest of a group ──▶ what goes ahead, but for a transaction ──▶ the queue, while the link is open
export class Outgoing {
  /** The handshake and what restores a connection's state: written before the queue, open or not. */
  private readonly ahead = new Ring<Request>();
  private readonly encoder: Encoder;
  private readonly groups: GroupWriter;
  readonly solitude: Solitude;
  private readonly special: SpecialWriter;
  private readonly untold: Untold;
  private full = false;
  /** How many commands this turn of the event loop may still write. */
  private left = TURN;
  /** The number, among all that were ever owed, of the first request that the socket has refused to write. */
  private refusedFrom = Infinity;

  constructor(
    private readonly socket: ByteSocket,
    private readonly owed: Ring<Request>,
    private readonly mode: LinkMode,
    scripts: LoadedScripts,
    private readonly liveness: Liveness,
    private readonly supply: Supply,
    private readonly options: OutgoingOptions,
    onCut: (cut: Cut) => void,
  ) {
    const { writeBufferSize } = options;
    const encoder = (this.encoder = new Encoder(writeBufferSize));
    const groups = (this.groups = new GroupWriter(encoder, writeBufferSize, mode, scripts, onCut));
    const solitude = (this.solitude = new Solitude(owed, options, supply));
    const untold = (this.untold = new Untold(solitude));
    this.special = new SpecialWriter(
      { encoder, owed, mode, scripts, liveness, groups, solitude, untold },
      (request) => supply.wrote(request),
      (request) => this.isLeftBehind(request),
    );
  }

  /** Writes what may be written. Returns whether more is left for another turn of the event loop. */
  write(): boolean {
    const { owed, encoder, liveness, groups } = this;
    let written = 0;
    while (!this.full && this.left > 0) {
      const from = this.nextNumber;
      const behind = owed.passed + owed.length;
      groups.beginWrite();
      const count = this.encodeBatch(Math.min(this.options.pipelineDepth, this.left));
      if (count === 0) {
        this.tellWritten();
        return false;
      }
      written += count;
      const accepted = this.socket.write(encoder.take());
      this.full = accepted !== true;
      if (accepted === 'refused') {
        groups.refused();
        this.refuse(behind);
        return false;
      }
      encoder.release(this.socket.drained);
      liveness.wrote(from, !this.full);
      this.options.onWrite?.(owed, Math.ceil(from), this.socket.remote);
      if (this.full || written > count) this.charge(count);
      this.tellWritten();
    }
    return !this.full;
  }

  /** The number of the next written request among all that ever were owed; within a group its members are a fraction. */
  private get nextNumber(): number {
    const { owed, groups } = this;
    const behind = owed.passed + owed.length;
    return groups.isWriting ? behind - 1 + groups.share : behind;
  }

  /**
   * Takes commands off what this turn of the event loop may write. A socket whose buffer was full may say so and empty it many times in
   * one turn. The one write of a tick that brought little is not charged.
   */
  private charge(count: number): void {
    if (this.left === TURN) this.options.clock.afterInput(() => (this.left = TURN));
    this.left -= count;
  }

  /** The send buffer is full: nothing is written until it has emptied. */
  get isFull(): boolean {
    return this.full;
  }

  /** A solitary request waits until nothing is owed. */
  get postpones(): boolean {
    return this.solitude.postponed !== undefined;
  }

  /** Requests that have left the queue and are not written. */
  get pending(): number {
    return this.ahead.length + (this.solitude.postponed === undefined ? 0 : 1);
  }

  /** From now on a request that signs in is written when nothing is owed, and alone. In the handshake it comes first anyway. */
  keepSolitude(): void {
    this.solitude.require();
  }

  /** A request is to be written before the queue. */
  pushAhead(request: Request): void {
    this.ahead.push(request);
    // A transaction by hand is its user's, and what ends it comes from the user.
    if (request.command.spec.solitary && !this.mode.inTransaction) this.solitude.expect(request);
  }

  /** A request that is not plain has been answered. Returns whether others waited for that. */
  answered(request: Request): boolean {
    return this.solitude.answered(request);
  }

  /** The socket has ended, and will tell it soon. Nothing more is written. */
  private refuse(from: number): void {
    this.refusedFrom = from;
    this.untold.tellFailed();
    this.groups.tellCut();
  }

  /** The send buffer has emptied. */
  drained(): void {
    this.full = false;
    this.liveness.drained();
  }

  /** How many members of a group on this link have been written; all of them unless it is the one that is being written. */
  membersWritten(request: Request, group: Group): number {
    return this.groups.membersWritten(request, group);
  }

  /** The link is gone: what was written stays with the socket. Returns what was not written. */
  end(): Unwritten {
    this.full = true;
    this.encoder.release(false);
    this.solitude.stop();
    const postponed = this.solitude.take();
    const { refusedFrom } = this;
    const { lastEnding } = this.special;
    const others = this.untold.takeUnanswered();
    if (postponed !== undefined) others.push(postponed);
    const ahead = [...others.filter(isAhead), ...this.ahead.drain()];
    return { ahead, queued: others.filter((request) => !isAhead(request)), refusedFrom, lastEnding };
  }

  private tellWritten(): void {
    this.untold.tell();
    this.groups.tellCut();
  }

  /** Encodes as many commands as one write may hold, and returns how many they are. */
  private encodeBatch(depth: number): number {
    const { encoder, owed, mode, groups, solitude, special, untold } = this;
    const { writeBufferSize } = this.options;
    let count = groups.isWriting ? groups.write(depth) : 0;
    if (solitude.isKept) return count;
    // Hot: once per command.
    while (count < depth && encoder.pending < writeBufferSize) {
      const request = this.next();
      if (request === undefined) break;
      if (request.abandoned) continue;
      const { spec, written } = request.command;
      if (!spec.plain) {
        count += special.write(request, count, depth);
        if (solitude.holdsBack) break;
        continue;
      }
      if (request.past !== undefined && this.isLeftBehind(request)) continue;
      try {
        encoder.add(spec.words, spec.head, written);
      } catch (cause) {
        untold.fails(request, notEncodable(cause, request));
        continue;
      }
      count++;
      if (!mode.isOrdinary) {
        special.push(request);
        continue;
      }
      owed.push(request);
      if (request.context.linkLimits !== undefined) this.liveness.granted(request);
    }
    return count;
  }

  /** Whether a request that is repeated would now mean something else. If so, it fails. */
  private isLeftBehind(request: Request): boolean {
    if (!this.mode.inTransaction && !this.supply.isLeftBehind(request)) return false;
    this.untold.fails(request, leftBehind(request));
    return true;
  }

  private next(): Request | undefined {
    if (this.solitude.postponed !== undefined) return this.solitude.take();
    return (this.mode.inTransaction ? undefined : this.ahead.shift()) ?? this.supply.next();
  }
}

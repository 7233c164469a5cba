import type { Request } from '../commands/request';
import { TimeoutError } from '../errors';
import type { Clock } from './clock';
import { OwnLimits } from './own-limits';
import type { Ring } from './ring';
import { Sweep } from './sweep';
import { timeToWait } from './time-for';

/** How long a link may be silent, ms. */
export interface LivenessLimits {
  /** owing replies */
  readonly readTimeout: number;
  /** with a full send buffer */
  readonly writeTimeout: number;
  /** beyond the wait of a blocking command */
  readonly blockingGrace: number;
}

/** What Liveness reads of a link. */
export interface LinkView {
  /** the requests whose replies are owed, oldest first */
  readonly owed: Pick<Ring<Request>, 'passed' | 'length' | 'at' | 'peek'>;
  /** the number of the first owed request among all that ever were owed; within a group its answered members are a fraction */
  reached(): number;
  /** a resident waits for pushes */
  listening(): boolean;
  /** how many bytes it has brought */
  readonly bytesRead: () => number;
  /** asks the server for a sign of life */
  probe(): unknown;
  dead(error: TimeoutError): void;
}

/** What comes so soon behind the first bytes after a silence may have been sent during that as well, ms: a network that was held up brings all at once. */
const BURST = 100;

/** Notices a link that is dead although the system does not say so: a cable pulled, a server halted, a half-open connection. */
//  send buffer full for writeTimeout ──▶ dead
//  owing replies to what has left the buffer, silent for readTimeout ──▶ dead
//  owing nothing, a resident waits for pushes, silent for readTimeout ──▶ probe: now it owes a reply
export class Liveness {
  private readonly sweep: Sweep;
  /** When the server last gave a sign of life, on the clock; 0 before the first. */
  heardAt = 0;
  /** When the longest silence of late began, when it ended, and how long it was. */
  private silentFrom = 0;
  private silentUntil = 0;
  private silentFor = 0;
  /** How far the link had come when it was heard. */
  private reachedWhenHeard = 0;
  private owedSince = 0;
  private fullSince: number | undefined;
  /** The number of the first request that is still in the full buffer: the server cannot owe it a reply yet. */
  private unsentFrom = Infinity;
  private readonly ownLimits = new OwnLimits();

  constructor(
    private readonly clock: Clock,
    private readonly limits: LivenessLimits,
    private readonly link: LinkView,
  ) {
    this.sweep = new Sweep(clock, (now) => this.check(now), link.bytesRead);
  }

  /**
   * Bytes have come. Replies are signs of life, also in parts. Pushes are not while replies are owed: a client gets them that the server no
   * longer serves.
   * @param isInsideReply a part of a reply has come, and the rest of it is still to come
   */
  heard(isInsideReply: boolean): void {
    const reached = this.link.reached();
    if (reached === this.reachedWhenHeard && this.link.owed.length > 0 && !isInsideReply) return;
    this.reachedWhenHeard = reached;
    const now = this.clock.now();
    const silentFor = now - this.heardAt;
    if (silentFor >= this.silentFor || now - this.silentUntil > BURST) {
      this.silentFrom = this.heardAt;
      this.silentUntil = now;
      this.silentFor = silentFor;
    }
    this.heardAt = now;
  }

  /** Until when the server surely served the link, on the clock: nothing that it sent later was missed before that. */
  get servedUntil(): number {
    const isInBurst = this.silentFrom > 0 && this.clock.now() - this.silentUntil <= BURST;
    return isInBurst ? this.silentFrom : this.heardAt;
  }

  /** @param from the number of the first written request among all that ever were owed; within a group its members are a fraction */
  wrote(from: number, accepted: boolean): void {
    const now = this.clock.now();
    if (from === this.link.reached()) this.owedSince = now;
    this.sweep.watch(now + this.limits.readTimeout);
    if (accepted) return;
    this.fullSince = now;
    this.unsentFrom = from;
    this.sweep.watch(now + this.limits.writeTimeout);
  }

  /** The latest owed request has limits of its own. */
  granted({ context }: Request): void {
    const { owed } = this.link;
    const { readTimeout = this.limits.readTimeout, writeTimeout = this.limits.writeTimeout } = context.linkLimits!;
    this.ownLimits.add(owed.passed + owed.length - 1, readTimeout, writeTimeout);
    this.ownLimits.count(owed.passed); // those that are answered leave
    this.sweep.watch(this.clock.now() + Math.min(readTimeout, writeTimeout));
  }

  drained(): void {
    if (!this.owesSent()) this.owedSince = this.clock.now();
    this.forgetBuffer();
    this.sweep.watch(this.silentSince() + this.limits.readTimeout);
  }

  /** Nothing is owed for now. */
  sleep(): void {
    this.sweep.sleep();
    this.forgetBuffer();
  }

  wake(): void {
    this.sweep.wake();
  }

  stop(): void {
    this.sweep.stop();
    this.forgetBuffer();
  }

  private forgetBuffer(): void {
    this.fullSince = undefined;
    this.unsentFrom = Infinity;
  }

  /** Whether the oldest owed request has left the send buffer. */
  private owesSent(): boolean {
    return this.link.reached() < this.unsentFrom;
  }

  private check(now: number): number {
    const { link } = this;
    const oldest = link.owed.peek();
    const writeTimeout = this.fullSince === undefined ? Infinity : this.writePatience();
    const writeDue = (this.fullSince ?? 0) + writeTimeout;
    if (now >= writeDue) {
      link.dead(new TimeoutError(`The send buffer did not empty within ${writeTimeout} ms`));
      return Infinity;
    }
    if (oldest === undefined) return Math.min(writeDue, this.listen(now));
    const readDue = this.owesSent() ? this.readDue(oldest) : Infinity;
    if (now >= readDue) {
      link.dead(new TimeoutError(`The server owed replies and was silent for ${this.patience(oldest)} ms`));
      return Infinity;
    }
    // Later requests may have less time than the oldest, so the link is looked at again before that is up.
    const usual = this.isUsualOwed() ? this.limits.readTimeout : Infinity;
    const shortest = Math.min(usual, this.ownLimits.shortestRead(link.owed.passed));
    return Math.min(writeDue, readDue, now + shortest);
  }

  /** It is not known whose bytes fill the buffer, so the longest `writeTimeout` applies. */
  private writePatience(): number {
    const { owed } = this.link;
    const usual = this.isUsualOwed() || owed.length === 0 ? this.limits.writeTimeout : 0;
    return Math.max(usual, this.ownLimits.longestWrite(owed.passed));
  }

  /** Whether a request is owed that has no limits of its own. */
  private isUsualOwed(): boolean {
    const { owed } = this.link;
    return owed.length > this.ownLimits.count(owed.passed);
  }

  /** Nothing is owed, so a silent link is probed. Returns when to look again. */
  private listen(now: number): number {
    if (!this.link.listening()) return Infinity;
    const due = this.heardAt + this.limits.readTimeout;
    if (now < due) return due;
    this.link.probe();
    return now + this.limits.readTimeout;
  }

  private readDue(oldest: Request): number {
    const since = this.silentSince();
    const due = since + this.patience(oldest);
    const wait = timeToWait(oldest, this.limits.blockingGrace);
    if (wait === undefined) return due;
    // The server may wait as long as the command says, but no longer than the caller. Rounded up like deadlines, so that these go first.
    return Math.max(due, Math.min(Math.ceil(since + wait), oldest.deadline || Infinity));
  }

  private silentSince(): number {
    return Math.max(this.heardAt, this.owedSince);
  }

  private patience({ context }: Request): number {
    return context.linkLimits?.readTimeout ?? this.limits.readTimeout;
  }
}

import { Subscription, defer, filter, take, type Observable, type Unsubscribable } from 'rxjs';
import { blockingWait, withWait } from '../commands/blocking-wait';
import { Command } from '../commands/command';
import { QUEUED, type Happening } from '../commands/happening';
import { asItCame } from '../commands/replies/values';
import { Request, type ReplyObserver } from '../commands/request';
import type { Executor, RetryPolicy } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { failSafely } from '../connection/failures';
import { lostInTurn } from '../connection/refusals';
import { DisconnectedError, ReplyError, TimeoutError, type RedisError } from '../errors';
import { asText } from '../resp/as-text';
import type { Frame } from '../resp/frames';
import type { Lease } from './lease';
import type { LeasePool } from './lease-pool';
import { takesAway } from './undelivered';
import { Unblocking, learnId, type Control } from './unblocking';

/** A command that may be repeated is moved to another connection so often in a row. */
const MOST_MOVES = 2;

/** What the nodes of a cluster answer where keys are not there, or not there yet. */
const ABSENT = new Set(['MOVED', 'ASK', 'TRYAGAIN']);

/** A loss after so long a wait is not its fault, ms. */
const LONG_ENOUGH = 5_000;

/**
 * Told when a call is over: it waits at the server no longer.
 * @param control sends, also while the client is being closed
 * @param isCertain false where its connection ended while it was owed, so that the server may still run it
 * @returns what the end of the client is to wait for
 */
export type AfterCall = (control: Pick<Control, 'send'>, isCertain: boolean) => Observable<unknown> | undefined;

/** What a call needs of the executor that it belongs to. */
export interface CallOwner {
  readonly pool: (request: Request) => LeasePool;
  readonly clock: Clock;
  /** what tells the server of a connection to end a wait */
  controlOf(connection: Connection): Control;
  /** whether it goes on at another server because of an error: after so many ms, or, where undefined, not */
  reroutes(request: Request, error: RedisError): number | undefined;
  /** its line is not to repeat it, because it goes to where its keys are */
  followsKeys(error: RedisError): boolean;
  /** each connection may lead to another server */
  readonly areSpread: boolean;
  /** how long the end of a wait at the server may take, ms */
  readonly longestEnd: number;
  /** commands that are lost with a connection may go to another */
  readonly moves: boolean;
  executorOf(connection: Connection): Executor;
  /** what the command took, and its observer no longer wants */
  undelivered(call: BlockingCall, frame: Frame): void;
  /** no connection was lent */
  withoutLease(request: Request, error: RedisError): RedisError;
  /** its user's own time was up before one was lent */
  tooLateForLease(request: Request, pool: LeasePool): RedisError;
  /** the client was closed while the command waited at the server */
  closedMeanwhile(request: Request, hasTaken: 'nothing' | 'perhaps'): RedisError;
  over(call: BlockingCall): void;
}

type CallState =
  /** in the line of the pool */
  | { readonly kind: 'waiting'; readonly place: Subscription }
  | { readonly kind: 'sent'; readonly lease: Lease }
  /** the server is asked to end it; `isWanted`: its observer is still there, because the client closes */
  | { readonly kind: 'ending'; readonly lease: Lease; readonly unblocking: Unblocking; readonly isWanted: boolean }
  | { readonly kind: 'over' };

/**
 * A command that waits at the server, on a connection of its own. When its observer leaves, the server is asked to end the wait, and the
 * connection is given back once the reply has come; what it brings is undelivered.
 */
//  waiting ──lent──▶ sent ──reply──▶ over
//    ▲ │              │ │
//    │ └──left──▶ over│ └──left, or its time is up──▶ ending ──reply──▶ over
//    └─lost, may be repeated
export class BlockingCall implements ReplyObserver<Frame> {
  /** What is sent: its reply is handed on as it came, decoded as bytes where it may have to be put back. */
  private readonly sent: Command<Frame>;
  private readonly inner: Request<Frame>;
  private readonly asBytes: boolean;
  private state: CallState = { kind: 'over' };
  /** When its own wait is over, on the clock, ms: counted from the first time that it was sent. */
  private until: number | undefined;
  private sentAt = 0;
  /** When it was called, on the clock, ms. */
  since = 0;
  private moves = 0;
  /** When its user's own limit is reached, on the clock, ms. */
  private lateAt = Infinity;
  private timer = Subscription.EMPTY;
  /** Its connection has not ended while the server owed the reply. */
  isCertain = true;

  /** @param asCalled the command as its caller gave it, without the prefix */
  constructor(
    readonly request: Request,
    readonly asCalled: Command,
    private readonly owner: CallOwner,
    readonly after?: AfterCall,
  ) {
    const { command, context } = request;
    const { spec, args, keys } = command;
    this.asBytes = takesAway(command) && !context.bytes && spec.binary !== true;
    this.sent = new Command<Frame>(spec, args, asItCame, keys);
    const retry: RetryPolicy = (attempt, error, failed) =>
      !this.isEnding && !this.owner.followsKeys(error) && context.retry(attempt, error, failed);
    this.inner = new Request(this.sent, { ...context, bytes: context.bytes || this.asBytes, retry }, this);
  }

  begin(): void {
    const { request, owner } = this;
    this.since = owner.clock.now();
    if (request.context.limitsBlocking) this.lateAt = this.since + request.context.commandTimeout;
    this.acquire();
    request.onLeave({ unsubscribe: () => this.left() });
  }

  private acquire(): void {
    const { owner } = this;
    const place = new Subscription();
    this.sentAt = 0;
    this.state = { kind: 'waiting', place };
    let pool: LeasePool | undefined;
    const lent = defer(() => (pool = owner.pool(this.inner as Request)).acquire()).subscribe({
      next: (lease) => this.send(lease, place),
      error: (error: RedisError) => this.notLent(error, place),
    });
    if (!this.isAt(place)) return;
    this.happened(QUEUED);
    place.add(lent);
    if (this.lateAt === Infinity || pool === undefined) return;
    const waitsIn = pool;
    const left = Math.max(0, Math.ceil(this.lateAt - owner.clock.now()));
    this.timer = owner.clock.schedule(() => this.late(place, waitsIn), left);
  }

  /** No connection is lent to it yet. */
  get isWaiting(): boolean {
    return this.state.kind === 'waiting';
  }

  private isAt(place: Subscription): boolean {
    return this.state.kind === 'waiting' && this.state.place === place;
  }

  private late(place: Subscription, pool: LeasePool): void {
    if (!this.isAt(place)) return;
    this.leaveWith(() => this.owner.tooLateForLease(this.request, pool));
  }

  private notLent(error: RedisError, place: Subscription): void {
    if (this.isAt(place) && !this.goesOn(error)) this.leaveWith(() => this.owner.withoutLease(this.request, error));
  }

  private send(lease: Lease, place: Subscription): void {
    if (!this.isAt(place)) {
      lease.giveBack();
      return;
    }
    const { owner, inner } = this;
    const { connection } = lease;
    this.state = { kind: 'sent', lease };
    // What shows that it leads to the wrong server ends the connection, and the command waits on at the next one.
    connection.isShared = true;
    this.timer.unsubscribe();
    if (this.lateAt !== Infinity) inner.deadline = Math.ceil(this.lateAt);
    // At once where it is ready. Nothing is written before that is told.
    const ready$ = connection.state$.pipe(
      filter(({ kind }) => kind === 'ready'),
      take(1),
    );
    ready$.subscribe(() => this.isWritten(lease));
    owner.executorOf(connection).submit(inner);
  }

  /** It is written at the end of this tick: its wait begins, or what is left of it. */
  private isWritten(lease: Lease): void {
    if (this.state.kind !== 'sent' || this.state.lease !== lease) return;
    learnId(lease.connection);
    const now = this.owner.clock.now();
    this.sentAt = now;
    const wait = blockingWait(this.sent);
    if (wait === undefined || wait === Infinity) return;
    if (this.until === undefined) this.until = now + wait;
    else this.inner.command = withWait(this.sent, this.until - now);
  }

  /** Whether the server may have received it. */
  private get isOwed(): boolean {
    if (this.state.kind !== 'sent') return false;
    const { link } = this.state.lease.connection.line;
    if (link === undefined) return false;
    for (const owed of link.owed) if (owed === this.inner) return true;
    return false;
  }

  /** The observer has left, or has been told the outcome. */
  private left(): void {
    if (this.state.kind === 'over' || this.state.kind === 'ending') return;
    if (this.isOwed) this.unblock(false);
    else this.leave();
  }

  /** The client is closed: what waits at the server is ended there, and its observer gets what came meanwhile. */
  end(toError: (request: Request) => RedisError): void {
    if (this.state.kind === 'over' || this.state.kind === 'ending') return;
    if (this.isOwed) this.unblock(true);
    else this.leaveWith(() => toError(this.request));
  }

  private unblock(isWanted: boolean): void {
    if (this.state.kind !== 'sent') return;
    const { lease } = this.state;
    const { owner } = this;
    const { connection } = lease;
    const { clock, longestEnd: longest } = owner;
    const unblocking = new Unblocking({
      connection,
      control: owner.controlOf(connection),
      clock,
      longest,
      brought: (frame) => owner.undelivered(this, this.asSent(frame)),
      ended: (isOver) => {
        if (!isOver) {
          this.isCertain = false;
          connection.destroy();
        }
        this.unblocked(isWanted);
      },
    });
    this.state = { kind: 'ending', lease, unblocking, isWanted };
    // How long its caller would have waited is no limit of the connection any more.
    this.inner.deadline = 0;
    // At another server the same id would belong to another client's connection.
    if (connection.session.leadsElsewhere || owner.areSpread) unblocking.giveUp();
    else unblocking.begin();
  }

  private unblocked(isWanted: boolean): void {
    if (this.state.kind !== 'ending') return;
    this.leave();
    if (isWanted) failSafely(this.request, this.owner.closedMeanwhile(this.request, 'perhaps'));
  }

  private get isEnding(): boolean {
    return this.state.kind === 'ending';
  }

  /** It is being ended on that connection. */
  endsOn(connection: Connection): boolean {
    return this.state.kind === 'ending' && this.state.lease.connection === connection;
  }

  get closed(): boolean {
    return this.state.kind === 'over';
  }

  next(frame: Frame): void {
    const { state, request } = this;
    if (state.kind === 'ending') {
      this.answered(state, frame);
      return;
    }
    // Given back first, so that the next turn of `repeat()` has the same connection.
    this.leave();
    request.settle(this.asRead(frame));
  }

  private answered({ isWanted, unblocking }: Extract<CallState, { kind: 'ending' }>, frame: Frame): void {
    const { request, owner } = this;
    if (isWanted && !request.abandoned) {
      if (frame === null) failSafely(request, owner.closedMeanwhile(request, 'nothing'));
      else request.settle(this.asRead(frame));
    } else if (frame !== null) owner.undelivered(this, frame);
    unblocking.replied(false);
  }

  /** A reply that was decoded as bytes, as this command's is decoded. */
  private asSent(frame: Frame): Frame {
    return this.inner.context.bytes ? frame : asText(frame);
  }

  /** A reply as the caller's surface decodes it. */
  asRead(frame: Frame): Frame {
    return this.asBytes ? asText(frame) : frame;
  }

  error(error: RedisError): void {
    const { state, request } = this;
    if (error.delivery === 'unknown') this.isCertain = false;
    if (state.kind === 'ending') {
      const isEnded = error instanceof ReplyError && error.kind === 'UNBLOCKED';
      if (state.isWanted) failSafely(request, isEnded ? this.owner.closedMeanwhile(request, 'nothing') : error);
      state.unblocking.replied(isEnded);
      return;
    }
    if (error instanceof TimeoutError && this.isOwed) {
      this.unblock(false);
      request.fail(error);
      return;
    }
    const isLost = this.isLost(error);
    if (isLost && this.moves++ < MOST_MOVES) {
      request.happened({ type: 'retry', error, attempt: this.moves });
      this.giveBack();
      this.inner.leaveLine();
      this.acquire();
      return;
    }
    if (this.state.kind === 'sent' && this.goesOn(error)) return;
    this.leave();
    request.fail(isLost ? lostInTurn(request, error) : error);
  }

  /** Goes on at another server, if there is one and time is left. */
  private goesOn(error: RedisError): boolean {
    const { owner, request, inner } = this;
    const delay = request.abandoned ? undefined : owner.reroutes(inner, error);
    if (delay === undefined) return false;
    const wait = blockingWait(this.sent) ?? 0;
    const now = owner.clock.now();
    const left = (this.until ?? this.since + wait) - now;
    if (left <= 0) return this.hasWaited(error);
    if (now + delay >= this.lateAt) return false;
    this.giveBack();
    inner.leaveLine();
    const place = new Subscription();
    this.state = { kind: 'waiting', place };
    place.add(owner.clock.schedule(() => this.isAt(place) && this.acquire(), Math.min(delay, left)));
    return true;
  }

  /** Its time is over, and its keys were never there: that is the empty answer, and no error. */
  private hasWaited(error: RedisError): boolean {
    if (!(error instanceof ReplyError) || !ABSENT.has(error.kind)) return false;
    this.leave();
    this.request.settle(null);
    return true;
  }

  /** Lost with its connection, it may go to another. */
  private isLost(error: RedisError): boolean {
    const { owner, request, inner } = this;
    if (this.state.kind !== 'sent' || !(error instanceof DisconnectedError) || !owner.moves) return false;
    if (request.abandoned || (error.delivery === 'unknown' && !request.repeatable)) return false;
    if (this.sentAt > 0 && owner.clock.now() - this.sentAt >= LONG_ENOUGH) {
      this.moves = 0;
      if (inner.past !== undefined) inner.past.attempts = 0;
    }
    return true;
  }

  happened(what: Happening): void {
    this.request.happened(what);
  }

  complete(): void {
    if (this.state.kind === 'sent') {
      this.leave();
      this.request.settleUnanswered();
    }
  }

  /** The call is over once it has no observer; see `left`. */
  add(departure: Unsubscribable): void {
    this.request.onLeave(departure);
  }

  private leaveWith(toError: () => RedisError): void {
    this.leave();
    failSafely(this.request, toError());
  }

  /** Leaves the line, or gives the connection back. */
  private leave(): void {
    if (this.state.kind === 'over') return;
    this.giveBack();
    this.owner.over(this);
  }

  private giveBack(): void {
    const { state } = this;
    this.state = { kind: 'over' };
    this.timer.unsubscribe();
    if (state.kind === 'waiting') state.place.unsubscribe();
    else if (state.kind !== 'over') {
      state.lease.connection.isShared = false;
      state.lease.giveBack();
    }
  }
}

import type { Observable } from 'rxjs';
import {
  BehaviorSubject,
  Subject,
  Subscription,
  defer,
  filter,
  finalize,
  map,
  take,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { ProtocolError, type DisconnectedError, type RedisError, type TimeoutError } from '../errors';
import type { ReconnectOnError, ResolvedOptions } from '../options';
import { Admission } from './admission';
import { attempt } from './attempt';
import { systemClock, type Clock } from './clock';
import { closable } from './closing';
import type { ConnectionParts } from './connection-parts';
import { reasonFor, type ConnectionEvent, type ConnectionState } from './connection-state';
import { Demand } from './demand';
import { Dialer } from './dialer';
import { guided } from './guide';
import { Handshaker } from './handshaker';
import type { ServerInfo } from './hello';
import { isIncurable } from './incurable';
import { LastError } from './last-error';
import { Line } from './line';
import { reconnect } from './reconnect';
import { Renewal, isUsersWish, renew } from './renewal';
import { isFinal, tooLate } from './refusals';
import { Session } from './session';
import { openSocket, type Endpoint } from './socket';

/**
 * One link to one server that is made on demand and made again when it is lost.
 */
//  idle ──submit, connect──▶ connecting ──handshake──▶ ready
//                                │ ▲                   │
//                                ▼ │ delay             │ lost
//                            reconnecting ◀────────────┘       any ──close, destroy, attempts used up──▶ closed
export class Connection implements Executor {
  readonly state$ = new BehaviorSubject<ConnectionState>({ kind: 'idle' });
  readonly events$ = new Subject<ConnectionEvent>();
  readonly line: Line;
  readonly session: Session;
  readonly clock: Clock;
  /** What the server of the last link said of itself. */
  server: ServerInfo | undefined;
  readonly carries: 'commands' | 'messages';
  private readonly link$: Observable<ServerInfo>;
  private link: Subscription | undefined;
  private readonly dialer: Dialer;
  private readonly lastError: LastError;
  readonly demand: Demand;
  private readonly admission: Admission;
  private dialedBefore = false;
  /** There was a Redis at the other end. */
  wasReady = false;
  /** When it became ready the last time, on the clock, ms. */
  readyAt = 0;
  /** `connect` was told, and `disconnect` has to follow. */
  private isConnected = false;
  /** It is not made again, and an error has shown that it leads to the wrong server. */
  isMisled = false;
  /** Commands of several callers are sent on it, which may go to another connection: it leaves a wrong server, as one that is made again. */
  isShared = false;
  private closing = false;
  /** The link is ready and is not to be closed, so every request is admitted. */
  private admitsAtOnce = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly parts: ConnectionParts = {},
  ) {
    const { carriesMessages = false, dial = openSocket, clock = systemClock, guide } = parts;
    this.clock = clock;
    this.carries = carriesMessages ? 'messages' : 'commands';
    const session = (this.session = parts.session ?? new Session(options.database, options.clientName));
    const dialer = (this.dialer = new Dialer(options, clock, dial, parts.endpoint, guide));
    this.lastError = new LastError(clock);
    // Without a next link, leaving this one would not help.
    const unlessOff = options.reconnect === false ? () => false : options.reconnectOnError;
    const reconnectOnError = parts.once ? this.noteWrong : unlessOff;
    const obstacle = { lastError: () => this.lastError.failure, doing: () => dialer.doing };
    const { forgettings } = session;
    const line = (this.line = new Line({
      ...options,
      ...obstacle,
      reconnectOnError,
      carriesMessages,
      clock,
      forgettings,
      onWrite: parts.onWrite,
      detour: parts.detour,
    }));
    line.sessionCommands$.subscribe((command) => session.note(command));
    this.admission = new Admission(line, options.offlineQueue, dialer, this.lastError);
    this.demand = new Demand(clock, line, () => Boolean(parts.once) && this.wasReady);
    const onError = (error: RedisError) => this.events$.next({ connection: this.carries, type: 'error', error });
    const address = () => this.address;
    const handshaker = new Handshaker(options, {
      session,
      residents: line.residents,
      clock,
      carriesMessages,
      onError,
      address,
      confirm: guide && ((send, server) => guide.confirm(send, server)),
    });
    const dial$ = defer(() => {
      dialer.begin();
      this.state$.next({ kind: 'connecting' });
      return dialer.open();
    });
    const attempt$ = attempt(dial$, line, handshaker, dialer.explain);
    this.link$ = (guide === undefined ? attempt$ : guided(attempt$, guide, this)).pipe(
      tap({
        error: (error: RedisError) => {
          handshaker.lost(error);
          this.reportLoss(error);
        },
      }),
      reconnect(options.reconnect, this.demand, (attempt, delay, error) => {
        if (this.state$.value.kind === 'closed') return; // by the user's own function
        this.state$.next({ kind: 'reconnecting', attempt, delay, error });
        this.events$.next({ connection: this.carries, type: 'reconnecting', attempt, delay });
      }),
    );
  }

  /** The address, for people, of the server that was dialled last: `localhost:6379`. */
  get address(): string {
    return this.dialer.address;
  }

  /** The same, in parts; undefined before sentinels have told of one. */
  get endpoint(): Endpoint | undefined {
    return this.dialer.endpoint;
  }

  /** What is being done to make a link, and for how long, for people; undefined where nothing is. */
  get doing(): string | undefined {
    return this.dialer.doing;
  }

  /** It leads to the wrong server, and so do those that were made before. A caller that has it for itself is not torn away from it. */
  private readonly noteWrong: ReconnectOnError = (error) => {
    const reaction = this.options.reconnectOnError(error);
    if (reaction !== true && reaction !== 'resend') return false;
    this.isMisled = true;
    this.session.outdate();
    return this.isShared && reaction;
  };

  get closed(): boolean {
    return this.closing || this.state$.value.kind === 'closed';
  }

  /**
   * Opens the link unless it is open, and completes once it is ready. Waits no longer than a command may take, and not at all for a
   * link that is to be closed.
   */
  connect(): Observable<void> {
    const { commandTimeout } = this.options;
    const late = () => this.late(commandTimeout);
    const limit = { first: commandTimeout, with: () => throwError(late), scheduler: this.clock };
    return defer(() => {
      if (this.closed) throw this.closedError();
      this.open();
      this.demand.callers++;
      this.demand.waited$.next();
      const ready$ = this.state$.pipe(
        map((state) => {
          if (state.kind === 'closed') throw this.closedError();
          if (state.kind === 'reconnecting' && (this.lastError.isIncurable || isFinal(state.error))) throw state.error;
          return state.kind;
        }),
        filter((kind) => kind === 'ready'),
        take(1),
        map(() => undefined),
        finalize(() => this.demand.callers--),
      );
      return commandTimeout === Infinity ? ready$ : ready$.pipe(timeout(limit));
    });
  }

  /** The error of a caller that has waited so many ms for the connection to be ready. */
  late(limit: number): TimeoutError {
    const { address, doing } = this.dialer;
    return this.lastError.late(limit, address, doing);
  }

  /**
   * Leaves the link once its replies have come, or now, and makes the next one at once; completes when that is ready. Commands that wait
   * at the server, as BLPOP does, are not waited for.
   */
  reconnect(now: boolean): Observable<void> {
    return renew(this, this.demand, now);
  }

  submit(request: Request): void {
    if (this.admits(request)) this.line.requests$.next(request);
  }

  /** Submits a request that is held until `line.release`, or for so many ms at the most. */
  submitHeld(request: Request, longest: number): void {
    if (this.admits(request)) this.line.hold(request, longest);
  }

  // Hot: once per command.
  private admits(request: Request): boolean {
    if (this.admitsAtOnce) return true;
    this.open();
    const refusal = this.refusal(request);
    if (refusal === undefined) return true;
    request.fail(refusal);
    return false;
  }

  /**
   * Closes once the pending replies have come. Commands that wait at the server, as BLPOP does, are not waited for.
   * @param rest what else to wait for after that, if anything
   */
  close(rest: () => Observable<unknown> | undefined = () => undefined): Observable<void> {
    this.closing = true;
    this.admitsAtOnce = false;
    const { kind } = this.state$.value;
    const linked = kind === 'ready' || kind === 'connecting';
    if (!linked || (this.line.pending === 0 && rest() === undefined)) {
      this.destroy();
    } else {
      closable(this, this.options.commandTimeout, rest).subscribe(() => this.destroy());
    }
    return this.state$.pipe(
      filter(({ kind }) => kind === 'closed'),
      take(1),
      map(() => undefined),
    );
  }

  /** Nothing is asked of it for now: it does not keep the process alive, unless something is pending. */
  sleep(): void {
    this.line.sleep();
  }

  /** It is used again. */
  wake(): void {
    this.line.wake();
  }

  /** Closes at once; pending requests fail. */
  destroy(): void {
    if (this.state$.value.kind !== 'closed') this.end();
  }

  /** Opens the link unless it is open, being opened or closed for good. */
  open(): void {
    if (this.state$.value.kind !== 'idle') return;
    // Set before subscribing: an observer of the first state may call `destroy()`.
    this.link = new Subscription();
    const opened = this.link$.subscribe({
      next: (server) => {
        const { protocol } = server;
        this.dialedBefore = true;
        this.dialer.end();
        this.admission.linked();
        this.wasReady = true;
        this.readyAt = this.clock.now();
        this.lastError.forget();
        this.server = server;
        this.admitsAtOnce = !this.closing;
        this.state$.next({ kind: 'ready', protocol });
        // What observes the state may have ended it.
        if (this.state$.value.kind !== 'ready') return;
        this.isConnected = true;
        this.events$.next({ connection: this.carries, type: 'connect', protocol });
        this.line.open();
      },
      error: (error: RedisError) => {
        if (this.state$.value.kind !== 'closed') this.end(error);
      },
    });
    this.link.add(opened);
    // It may be left while the next attempt waits for its turn.
    this.link.add(this.parts.guide?.moved$.subscribe(() => this.demand.hurry$.next()));
  }

  /** The error of a command that is called after the end. */
  closedError(request?: Request): DisconnectedError {
    const { value: state } = this.state$;
    const cause = state.kind === 'closed' ? state.error : undefined;
    if (!this.parts.once) return tooLate(request, cause);
    return tooLate(request, cause, this.wasReady ? 'lost' : 'unready');
  }

  /** Every further attempt would fail in the same way, so requests do not wait for a link. */
  get isHopeless(): boolean {
    return this.lastError.isHopeless;
  }

  private refusal(request: Request): RedisError | undefined {
    if (this.closed) return this.closedError(request);
    if (this.admission.admitsAll) return undefined;
    this.demand.waited$.next();
    return this.admission.refusal(request);
  }

  private reportLoss(error: RedisError): void {
    this.admitsAtOnce = false;
    const { dialer, admission, lastError, line } = this;
    // A peer that was a Redis before may be one again: a balancer's error page may answer in its place for a while.
    const mayRecover = this.wasReady && error instanceof ProtocolError;
    // The name of a server may be gone with it, and a guide knows another soon.
    const before = this.parts.guide === undefined ? lastError.error : undefined;
    lastError.note(error, dialer.isUnderWay && isIncurable(error, before) && !mayRecover);
    const { dialedBefore, isConnected } = this;
    this.isConnected = false;
    this.dialedBefore = true;
    if (error instanceof Renewal) this.session.renew();
    else line.handOver();
    if (!dialedBefore && !(error instanceof Renewal)) this.parts.onFirstFailure?.(error);
    admission.lost(error);
    if (!isUsersWish(error)) this.events$.next({ connection: this.carries, type: 'error', error });
    if (isConnected) this.events$.next({ connection: this.carries, type: 'disconnect', reason: reasonFor(error) });
    dialer.end();
    admission.failHopeless();
  }

  /** @param reason why the client gave up; none when its user closed it */
  private end(reason?: RedisError): void {
    this.admitsAtOnce = false;
    const wasConnected = this.isConnected && this.lastError.error === undefined;
    const error = this.closing ? undefined : reason;
    if (reason !== undefined && reason !== this.lastError.error)
      this.events$.next({ connection: this.carries, type: 'error', error: reason });
    this.dialer.end();
    this.state$.next({ kind: 'closed', ...(error && { error }) });
    const leave = () => this.link?.unsubscribe();
    this.line.end((request) => this.closedError(request), leave);
    // A loss that ends the client has been told with its own reason.
    if (wasConnected && reason === undefined)
      this.events$.next({ connection: this.carries, type: 'disconnect', reason: 'closed_by_user' });
    this.events$.complete();
  }
}

import {
  BehaviorSubject,
  EMPTY,
  Observable,
  Subject,
  Subscription,
  concat,
  defer,
  filter,
  finalize,
  last,
  map,
  of,
  race,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import {
  AuthenticationError,
  ProtocolError,
  type DisconnectedError,
  type RedisError,
  type TimeoutError,
} from '../errors';
import type { ReconnectOnError, ResolvedOptions } from '../options';
import { attempt } from './attempt';
import { systemClock, type Clock } from './clock';
import { reasonFor, type ConnectionEvent, type ConnectionState } from './connection-state';
import { Dialing } from './dialing';
import { nextEndpoint } from './endpoints';
import { Handshaker } from './handshaker';
import type { ServerInfo } from './hello';
import { isIncurable, type FirstBytes } from './incurable';
import { Line } from './line';
import { reconnect } from './reconnect';
import { Renewal, isUsersWish } from './renewal';
import { hopeless, isFinal, noRoom, notReached, tooLate } from './refusals';
import { Session } from './session';
import { describe, openSocket, type Dial, type Endpoint } from './socket';

/** What a connection is made with beside its options. */
export interface ConnectionParts {
  /** it carries messages and no commands of users */
  readonly carriesMessages?: boolean;
  readonly dial?: Dial;
  readonly clock?: Clock;
  /** where the next link leads to; asked anew for each */
  readonly endpoint?: () => Observable<Endpoint>;
  /** it is made again until it was ready; a loss after that ends it */
  readonly once?: boolean;
  /** told of the first attempt that fails */
  readonly onFirstFailure?: (error: RedisError) => void;
  /** shared with a connection whose signing in this one is to follow */
  readonly session?: Session;
}

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
  private readonly carries: Exclude<ConnectionEvent['connection'], 'dedicated'>;
  private readonly link$: Observable<ServerInfo>;
  private link: Subscription | undefined;
  private dialedBefore = false;
  /** The endpoint that was dialled last; before that, the one of the options. */
  private endpoint: Endpoint;
  /** Any number of requests may wait: no attempt at the next link has failed yet. */
  private admitsAll = true;
  /** How many requests waited when the last link was left on purpose. They stay, as after any loss. */
  private queuedAtLoss = 0;
  private readonly dialing: Dialing;
  /** Why the last link was lost or could not be made; undefined while there is one. */
  private lastError: RedisError | undefined;
  /** When that was, on the clock, ms. */
  private lastErrorAt = 0;
  /** No repetition cures the last error. */
  private incurable = false;
  /** There was a Redis at the other end. */
  wasReady = false;
  /** It is not made again, and an error has shown that it leads to the wrong server. */
  isMisled = false;
  /** Commands of several callers are sent on it, which may go to another connection: it leaves a wrong server, as one that is made again. */
  isShared = false;
  private closing = false;
  /** The link is ready and is not to be closed, so every request is admitted. */
  private admitsAtOnce = false;
  /** How many calls of `connect()` wait. */
  private connecting = 0;
  /** Emits when something begins to wait for a connection that is not there. */
  private readonly waited$ = new Subject<void>();
  /** Emits when the user wants a new link: the delay before it ends at once. */
  private readonly hurry$ = new Subject<void>();
  private hurried = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly parts: ConnectionParts = {},
  ) {
    const { carriesMessages = false, dial = openSocket, clock = systemClock } = parts;
    this.clock = clock;
    this.endpoint = options;
    this.carries = carriesMessages ? 'messages' : 'commands';
    this.dialing = new Dialing(clock);
    this.session = parts.session ?? new Session(options.database, options.clientName);
    // Without a next link, leaving this one would not help.
    const unlessOff = options.reconnect === false ? () => false : options.reconnectOnError;
    const reconnectOnError = parts.once ? this.noteWrong : unlessOff;
    const obstacle = { lastError: () => this.lastFailure, doing: () => this.doing };
    this.line = new Line({ ...options, ...obstacle, reconnectOnError, carriesMessages, clock });
    this.line.sessionCommands$.subscribe((command) => this.session.note(command));
    const { session, line } = this;
    const onError = (error: RedisError) => this.events$.next({ connection: this.carries, type: 'error', error });
    const address = () => this.address;
    const handshaker = new Handshaker(options, {
      session,
      residents: line.residents,
      clock,
      carriesMessages,
      onError,
      address,
    });
    const dial$ = defer(() => {
      this.dialing.begin();
      this.state$.next({ kind: 'connecting' });
      return this.nextEndpoint().pipe(
        switchMap((endpoint) => {
          this.endpoint = endpoint;
          return dial(endpoint, clock, this.dialing.accepted);
        }),
        tap(() => this.dialing.opened()),
      );
    });
    const explain = (error: RedisError, firstBytes: FirstBytes) =>
      this.isDialing ? firstBytes.explain(error, this.address, Boolean(this.endpoint.tls)) : error;
    this.link$ = attempt(dial$, line, handshaker, explain).pipe(
      tap({
        error: (error: RedisError) => {
          handshaker.lost(error);
          this.reportLoss(error);
        },
      }),
      reconnect(
        options.reconnect,
        {
          clock,
          isWaitedFor: () => line.queued > 0 || line.listening || this.connecting > 0,
          waited$: this.waited$,
          hurry$: this.hurry$,
          takeHurry: () => {
            const { hurried } = this;
            this.hurried = false;
            return hurried;
          },
          ...(parts.once && { ends: () => this.wasReady }),
        },
        (attempt, delay, error) => {
          if (this.state$.value.kind === 'closed') return; // by the user's own function
          this.state$.next({ kind: 'reconnecting', attempt, delay, error });
          this.events$.next({ connection: this.carries, type: 'reconnecting', attempt, delay });
        },
      ),
    );
  }

  /** The address, for people, of the server that was dialled last: `localhost:6379`. */
  get address(): string {
    return describe(this.endpoint);
  }

  /** It leads to the wrong server, and so do those that were made before. A caller that has it for itself is not torn away from it. */
  private readonly noteWrong: ReconnectOnError = (error) => {
    const reaction = this.options.reconnectOnError(error);
    if (reaction !== true && reaction !== 'resend') return false;
    this.isMisled = true;
    this.session.outdate();
    return this.isShared && reaction;
  };

  private nextEndpoint(): Observable<Endpoint> {
    const { options, parts, clock } = this;
    return parts.endpoint === undefined ? of(options) : nextEndpoint(parts.endpoint, options.connectTimeout, clock);
  }

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
      this.connecting++;
      this.waited$.next();
      const ready$ = this.state$.pipe(
        map((state) => {
          if (state.kind === 'closed') throw this.closedError();
          if (state.kind === 'reconnecting' && (this.incurable || isFinal(state.error))) throw state.error;
          return state.kind;
        }),
        filter((kind) => kind === 'ready'),
        take(1),
        map(() => undefined),
        finalize(() => this.connecting--),
      );
      return commandTimeout === Infinity ? ready$ : ready$.pipe(timeout(limit));
    });
  }

  /** The error of a caller that has waited so many ms for the connection to be ready. */
  late(limit: number): TimeoutError {
    const age = Math.round(this.clock.now() - this.lastErrorAt);
    return notReached(this.address, limit, this.lastFailure, age, this.doing);
  }

  /**
   * Leaves the link once its replies have come, or now, and makes the next one at once; completes when that is ready. Commands that wait
   * at the server, as BLPOP does, are not waited for.
   */
  reconnect(now: boolean): Observable<void> {
    return new Observable((subscriber) => {
      if (this.closed) throw this.closedError();
      const { link } = this.line;
      // A link that is retiring already is lost as well: the caller waits for the next one.
      if (link === undefined || link.inHandshake) {
        subscriber.add(this.connect().subscribe(subscriber));
        this.hurry$.next();
        return;
      }
      const left$ = this.state$.pipe(
        filter(({ kind }) => kind !== 'ready'),
        take(1),
        switchMap(() => this.connect()),
      );
      subscriber.add(left$.subscribe(subscriber));
      this.hurried = true;
      const reason = new Renewal();
      if (now) link.lose(reason);
      else {
        link.retire(reason);
        this.line.rest();
      }
    });
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
      const lost = this.state$.pipe(filter(({ kind }) => kind === 'reconnecting' || kind === 'closed'));
      // Closing has a limit of its own where commands have none, so it always ends.
      const limit = timer(Math.min(this.options.commandTimeout, LONGEST_CLOSE), this.clock);
      const drained$ = this.line.drained().pipe(take(1));
      // Meanwhile what was not waited for, for a blocking command stood before it, may have got its turn.
      const done = concat(
        drained$,
        defer(() => rest() ?? EMPTY),
        drained$,
      ).pipe(last());
      race(done, lost, limit)
        .pipe(take(1))
        .subscribe(() => this.destroy());
    }
    return this.state$.pipe(
      filter(({ kind }) => kind === 'closed'),
      take(1),
      map(() => undefined),
    );
  }

  /** Nothing is asked of it for now: it keeps neither a timer nor the process alive, unless something is pending. */
  sleep(): void {
    this.line.sleep();
  }

  /** It is used again. */
  wake(): void {
    this.line.link?.wake();
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
        this.admitsAll = false;
        this.wasReady = true;
        this.lastError = undefined;
        this.server = server;
        this.admitsAtOnce = !this.closing;
        this.state$.next({ kind: 'ready', protocol });
        this.events$.next({ connection: this.carries, type: 'connect', protocol });
        this.line.open();
      },
      error: (error: RedisError) => {
        if (this.state$.value.kind !== 'closed') this.end(error);
      },
    });
    this.link.add(opened);
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
    return this.incurable || this.lastError instanceof AuthenticationError;
  }

  /** A link is being made, or is in its handshake. It is not any more when its commands are told that it failed. */
  private get isDialing(): boolean {
    return this.state$.value.kind === 'connecting' && !this.dialing.hasFailed;
  }

  /** Why the last link was lost or could not be made, unless it was left because its user wants another. */
  private get lastFailure(): RedisError | undefined {
    return isUsersWish(this.lastError) ? undefined : this.lastError;
  }

  private get doing(): string | undefined {
    return this.isDialing ? this.dialing.describe(this.address) : undefined;
  }

  private refusal(request: Request): RedisError | undefined {
    if (this.closed) return this.closedError(request);
    if (this.admitsAll) return undefined;
    const { lastError } = this;
    this.waited$.next();
    // While another attempt is under way that one decides.
    if (lastError !== undefined && this.isHopeless && !this.isDialing) return hopeless(request, lastError);
    const { offlineQueue } = this.options;
    return this.line.hasRoomFor(request, offlineQueue) ? undefined : this.overflow(request);
  }

  private overflow(request: Request, cause = this.lastError): DisconnectedError {
    return noRoom(request, this.options.offlineQueue, this.address, cause);
  }

  private reportLoss(error: RedisError): void {
    this.admitsAtOnce = false;
    const isDialing = this.isDialing;
    // A peer that was a Redis before may be one again: a balancer's error page may answer in its place for a while.
    this.incurable =
      isDialing && isIncurable(error, this.lastError) && !(this.wasReady && error instanceof ProtocolError);
    this.lastError = error;
    this.lastErrorAt = this.clock.now();
    const { kind } = this.state$.value;
    const { dialedBefore, admitsAll } = this;
    this.dialedBefore = true;
    this.admitsAll = error instanceof Renewal;
    if (error instanceof Renewal) this.session.renew();
    if (!dialedBefore) this.parts.onFirstFailure?.(error);
    // Until now any number could wait, so that no burst at start-up is refused, and no call while a link is left on purpose.
    if (admitsAll && !this.admitsAll) {
      const most = this.options.offlineQueue + this.queuedAtLoss;
      this.line.failBeyond(most, (request) => this.overflow(request, error));
    }
    this.queuedAtLoss = this.admitsAll ? this.line.queued : 0;
    if (!isUsersWish(error)) this.events$.next({ connection: this.carries, type: 'error', error });
    if (kind === 'ready') this.events$.next({ connection: this.carries, type: 'disconnect', reason: reasonFor(error) });
    this.dialing.failed();
    if (this.isHopeless) {
      this.line.failQueued((request) => hopeless(request, error));
    }
  }

  /** @param reason why the client gave up; none when its user closed it */
  private end(reason?: RedisError): void {
    this.admitsAtOnce = false;
    const wasReady = this.state$.value.kind === 'ready' && this.lastError === undefined;
    const error = this.closing ? undefined : reason;
    if (reason !== undefined && reason !== this.lastError)
      this.events$.next({ connection: this.carries, type: 'error', error: reason });
    this.state$.next({ kind: 'closed', ...(error && { error }) });
    const leave = () => this.link?.unsubscribe();
    this.line.end((request) => this.closedError(request), leave);
    // A loss that ends the client has been told with its own reason.
    if (wasReady && reason === undefined)
      this.events$.next({ connection: this.carries, type: 'disconnect', reason: 'closed_by_user' });
    this.events$.complete();
  }
}

/** How long closing waits for replies at most, ms. */
const LONGEST_CLOSE = 30_000;

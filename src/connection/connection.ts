import {
  BehaviorSubject,
  NEVER,
  Observable,
  Subject,
  catchError,
  concat,
  defer,
  filter,
  ignoreElements,
  map,
  merge,
  of,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
  type Subscription,
} from 'rxjs';
import type { Command } from '../commands/command';
import { Reply } from '../commands/reply';
import type { Executor, Request } from '../commands/request';
import { AuthenticationError, ConnectionError, DisconnectedError, RedisError, TimeoutError } from '../errors';
import type { ResolvedOptions } from '../options';
import { handshake } from './handshake';
import { Multiplexer } from './multiplexer';
import { reconnect } from './reconnect';
import { openSocket, describe, type ByteSocket, type Dial } from './socket';

/** What a connection is doing. `attempt` counts from 1, `delay` is milliseconds. */
export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready'; readonly protocol: 2 | 3 }
  | { readonly kind: 'reconnecting'; readonly attempt: number; readonly delay: number; readonly error: RedisError }
  | { readonly kind: 'closed'; readonly error?: RedisError };

/** Why a connection ended. */
export type DisconnectReason = 'connection_lost' | 'timeout' | 'server_closed' | 'closed_by_user';

/** What happened to a connection. */
export type ConnectionEvent =
  | { readonly type: 'connect'; readonly protocol: 2 | 3 }
  | { readonly type: 'disconnect'; readonly reason: DisconnectReason }
  | { readonly type: 'reconnecting'; readonly attempt: number; readonly delay: number }
  | { readonly type: 'error'; readonly error: RedisError };

/** Sends what brings the server's side of a connection back, over a link whose queue does not flow yet; completes when it is done. */
export type Restorer = (send: (command: Command) => Observable<unknown>, protocol: 2 | 3) => Observable<unknown>;

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
  readonly multiplexer: Multiplexer;
  /** What brings the server's side of this connection back after the handshake, before the queue flows. */
  readonly restorers: Restorer[] = [];

  private link: Subscription | undefined;
  private dialedBefore = false;
  private closing = false;

  constructor(
    private readonly options: ResolvedOptions,
    { arraysArePushes = false, dial = openSocket }: { arraysArePushes?: boolean; dial?: Dial } = {},
  ) {
    this.multiplexer = new Multiplexer({ ...options, arraysArePushes });
    this.link$ = defer(() => dial({ ...options })).pipe(
      switchMap((socket) => this.speak(socket)),
      tap({ error: (error: RedisError) => this.reportLoss(error) }),
      reconnect(options.reconnect, (attempt, delay, error) => {
        this.state$.next({ kind: 'reconnecting', attempt, delay, error });
        this.events$.next({ type: 'reconnecting', attempt, delay });
      }),
    );
  }

  private readonly link$: Observable<2 | 3>;

  /** The server's address for people: `localhost:6379`. */
  get address(): string {
    return describe(this.options);
  }

  get closed(): boolean {
    return this.closing || this.state$.value.kind === 'closed';
  }

  /** Opens the link unless it is open, and completes once it is ready. */
  connect(): Observable<void> {
    return defer(() => {
      this.open();
      return this.state$.pipe(
        map((state) => {
          if (state.kind === 'closed') throw this.closedError();
          if (state.kind === 'reconnecting' && state.error instanceof AuthenticationError) throw state.error;
          return state.kind;
        }),
        filter((kind) => kind === 'ready'),
        take(1),
        map(() => undefined),
      );
    });
  }

  submit(request: Request): void {
    const refusal = this.refusal(request);
    if (refusal !== undefined) {
      request.fail(refusal);
      return;
    }
    if (this.link === undefined) this.open();
    this.multiplexer.requests$.next(request);
  }

  /** Lets what is pending be answered, then closes. */
  close(): Observable<void> {
    this.closing = true;
    if (this.state$.value.kind === 'ready' && this.multiplexer.pending > 0) {
      const settled = merge(this.multiplexer.idle$, this.state$.pipe(filter(({ kind }) => kind !== 'ready')));
      settled.pipe(take(1)).subscribe(() => this.destroy());
    } else {
      this.destroy();
    }
    return this.state$.pipe(
      filter(({ kind }) => kind === 'closed'),
      take(1),
      map(() => undefined),
    );
  }

  /** Closes at once; what is pending fails. */
  destroy(): void {
    if (this.state$.value.kind === 'closed') return;
    this.end();
  }

  /** Opens the link unless it is open, being opened or closed for good. */
  open(): void {
    if (this.link !== undefined || this.state$.value.kind === 'closed') return;
    this.state$.next({ kind: 'connecting' });
    this.link = this.link$.subscribe({
      next: (protocol) => {
        this.state$.next({ kind: 'ready', protocol });
        this.events$.next({ type: 'connect', protocol });
        this.multiplexer.openGate();
      },
      error: (error: RedisError) => this.end(error),
    });
  }

  /** Greets the server over a new socket, restores what it knew of us, then serves the queue until the socket is lost. */
  private speak(socket: ByteSocket): Observable<2 | 3> {
    const { connectTimeout } = this.options;
    const greeting = handshake((command) => this.greet(command), this.options).pipe(
      switchMap((protocol) => concat(this.restore(protocol).pipe(ignoreElements()), of(protocol))),
      timeout({
        first: connectTimeout,
        with: () => {
          throw new TimeoutError(`${this.address} did not greet within ${connectTimeout} ms`);
        },
      }),
    );
    return merge(this.multiplexer.serve(socket), greeting.pipe(catchError(ignoreLoss)));
  }

  private restore(protocol: 2 | 3): Observable<unknown> {
    return merge(...this.restorers.map((restore) => restore((command) => this.greet(command), protocol)));
  }

  private greet<T>(command: Command<T>): Reply<T> {
    const executor = { submit: (request: Request) => this.multiplexer.greetings$.next(request) };
    return new Reply({ executor, bytes: false, prefix: '' }, command);
  }

  private refusal({ command }: Request): RedisError | undefined {
    const { name } = command.spec;
    if (this.closed) return this.closedError(name);
    if (
      this.dialedBefore &&
      this.state$.value.kind !== 'ready' &&
      this.multiplexer.queued >= this.options.offlineQueue
    ) {
      const { offlineQueue } = this.options;
      return new DisconnectedError(
        `${name} was not sent: ${this.address} is out of reach and ${offlineQueue} commands already wait`,
        { command: name },
      );
    }
    return undefined;
  }

  private reportLoss(error: RedisError): void {
    this.dialedBefore = true;
    this.events$.next({ type: 'error', error });
    if (this.state$.value.kind === 'ready') this.events$.next({ type: 'disconnect', reason: reasonFor(error) });
    if (error instanceof AuthenticationError) this.multiplexer.failQueued(() => error);
  }

  /** @param error why the client gave up; none when its user closed it */
  private end(error?: RedisError): void {
    const wasReady = this.state$.value.kind === 'ready';
    this.state$.next({ kind: 'closed', ...(error && { error }) });
    this.link?.unsubscribe();
    this.multiplexer.failQueued(({ command }) => this.closedError(command.spec.name));
    if (wasReady) this.events$.next({ type: 'disconnect', reason: 'closed_by_user' });
    this.events$.complete();
  }

  /** What a command meets that comes too late. */
  closedError(command?: string): DisconnectedError {
    const { value: state } = this.state$;
    const cause = state.kind === 'closed' ? state.error : undefined;
    const why = cause === undefined ? 'the client is closed' : `the client gave up: ${cause.message}`;
    return new DisconnectedError(`${command ?? 'The command'} was not sent: ${why}`, {
      ...(command && { command }),
      cause,
    });
  }
}

/** A link that breaks during the handshake is reported by who serves it, with the true cause. */
function ignoreLoss(error: unknown): Observable<never> {
  return error instanceof ConnectionError ? NEVER : throwError(() => error);
}

function reasonFor(error: RedisError): DisconnectReason {
  if (error instanceof TimeoutError) return 'timeout';
  return error instanceof ConnectionError && error.cause === undefined ? 'server_closed' : 'connection_lost';
}

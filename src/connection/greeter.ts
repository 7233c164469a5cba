import {
  EMPTY,
  NEVER,
  catchError,
  concat,
  concatMap,
  defer,
  ignoreElements,
  merge,
  of,
  tap,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { Command } from '../commands/command';
import { applyPrefix } from '../commands/prefix';
import { AuthenticationError, ConnectionError, DisconnectedError, RedisError, TimeoutError } from '../errors';
import { checkCredentials, type ResolvedOptions } from '../options';
import { auth, handshake } from './handshake';
import type { Session, SignIn } from './session';
import { shielded } from './shielded';
import { describe } from './socket';

/** Sends past the queue, whether that flows or not. */
export type Send = (command: Command) => Observable<unknown>;

/** Keeps something at the server's side of a connection, and completes when it is done. */
export interface Restorer {
  /** brings it back over a new link */
  readonly restore: (send: Send, protocol: 2 | 3) => Observable<unknown>;
  /** takes away what the server takes no other command beside */
  readonly suspend: (send: Send) => Observable<unknown>;
  /** brings back what was suspended, right behind that command */
  readonly resume: (send: Send) => Observable<unknown>;
}

/** Tells the server who a new link belongs to and what it is to be, and signs it in anew when the credentials change. */
export class Greeter {
  /** What brings the server's side of a connection back after the handshake, before the queue flows. */
  readonly restorers: Restorer[] = [];

  /**
   * @param messagesAlone it carries messages in RESP2, and takes no other commands while it is subscribed
   * @param onError a later sign-in failed, and the link stays as it was
   */
  constructor(
    private readonly options: ResolvedOptions,
    private readonly session: Session,
    private readonly send: Send,
    private readonly clock: SchedulerLike,
    private readonly messagesAlone: boolean,
    private readonly onError: (error: RedisError) => void,
  ) {}

  /** Emits the version of RESP once the link is ready for the queue, and goes on until it is unsubscribed from. */
  greet(): Observable<2 | 3> {
    const { connectTimeout } = this.options;
    let given = false;
    const late = () =>
      given
        ? new TimeoutError(`${describe(this.options)} did not greet within ${connectTimeout} ms`)
        : new TimeoutError(`There were no credentials within ${connectTimeout} ms`);
    return defer(this.options.credentials ?? (() => of(undefined))).pipe(
      shielded(),
      tap(() => (given = true)),
      throwIfEmpty(),
      catchError((cause: unknown) => {
        const error = withoutCredentials(cause);
        if (!given) return throwError(() => error);
        // The connection is signed in and stays so; the next one asks anew.
        this.onError(error);
        return EMPTY;
      }),
      concatMap((credentials, index) => (index === 0 ? this.introduce(credentials) : this.signInAgain(credentials))),
      timeout({ first: connectTimeout, with: () => throwError(late), scheduler: this.clock }),
      catchError(asRedisError),
      catchError(ignoreLoss),
    );
  }

  private introduce(given: unknown): Observable<2 | 3> {
    const { protocol, onConnect, prefix } = this.options;
    const { database, clientName, settings, credentials: signedIn } = this.session;
    const own = onConnect().map((command) => (prefix === '' ? command : applyPrefix(command, prefix)));
    const credentials = signedIn ?? (this.options.credentials && checked(given));
    const greeting = { protocol, database, clientName, credentials, settings, onConnect: own };
    return handshake(this.send, greeting).pipe(
      tap({
        error: (error: unknown) => {
          // The next attempt takes what the options provide, where they do.
          if (signedIn && this.options.credentials && isSignInRefused(error)) this.session.forget(signedIn);
        },
      }),
      concatMap((protocol) => {
        const restored = merge(...this.restorers.map(({ restore }) => restore(this.send, protocol)));
        return concat(restored.pipe(ignoreElements()), of(protocol));
      }),
    );
  }

  /** New credentials on a live connection. What is refused leaves it signed in as it was. */
  private signInAgain(given: unknown): Observable<never> {
    const signedIn = defer(() => this.send(auth(checked(given)))).pipe(
      // The newest count, also where somebody has signed in by AUTH.
      tap({ complete: () => (this.session.credentials = undefined) }),
      catchError((error: unknown) => {
        if (isLoss(error)) throw error;
        this.onError(error instanceof RedisError ? error : withoutCredentials(error));
        return EMPTY;
      }),
    );
    // A subscribed connection takes no AUTH in RESP2; all of it goes in one write, so that hardly a message is missed.
    const inTheWay = this.messagesAlone ? this.restorers : [];
    const suspended = inTheWay.map(({ suspend }) => suspend(this.send));
    const resumed = inTheWay.map(({ resume }) => resume(this.send));
    return merge(...suspended, signedIn, ...resumed).pipe(ignoreElements(), catchError(ignoreLoss));
  }
}

/** Not a command of the user's own that somebody else might send. */
function isSignInRefused(error: unknown): boolean {
  return error instanceof AuthenticationError && (error.command === 'HELLO' || error.command === 'AUTH');
}

/** @throws ConnectionError when they are none */
function checked(given: unknown): SignIn {
  try {
    checkCredentials(given);
  } catch (cause) {
    throw withoutCredentials(cause);
  }
  return given;
}

function withoutCredentials(cause: unknown): ConnectionError {
  return new ConnectionError('There are no credentials', { cause });
}

/** The link is gone, or all is over: that is told elsewhere. */
function isLoss(error: unknown): boolean {
  const isOver = error instanceof ConnectionError || error instanceof DisconnectedError;
  return isOver && error.command !== undefined;
}

/** A link that breaks during the handshake is reported by who serves it, with the true cause. */
function ignoreLoss(error: unknown): Observable<never> {
  return isLoss(error) ? NEVER : throwError(() => error);
}

/** What user code throws in the handshake: a function of onConnect, credentials that cannot be sent. */
function asRedisError(cause: unknown): Observable<never> {
  const isOwn = cause instanceof RedisError;
  return throwError(() => (isOwn ? cause : new ConnectionError('The handshake cannot be sent', { cause })));
}

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
} from 'rxjs';
import type { Command } from '../commands/command';
import { applyPrefix } from '../commands/prefix';
import { AuthenticationError, ConnectionError, DisconnectedError, RedisError, TimeoutError } from '../errors';
import { checkCredentials, type ResolvedOptions } from '../options';
import { patient, type Clock } from './clock';
import { handshake, signIn } from './handshake';
import type { ServerInfo } from './hello';
import { isFarewell } from './farewell';
import { Renewal } from './renewal';
import type { Residents, Send } from './resident';
import type { Session, SignIn } from './session';
import { shielded } from './shielded';

/** What the handshaker needs to know of its connection. */
export interface HandshakerParts {
  readonly session: Session;
  readonly residents: Residents;
  readonly clock: Clock;
  /** it carries messages: in RESP2 it takes no AUTH while it is subscribed */
  readonly carriesMessages: boolean;
  /** that of the server, for people */
  readonly address: () => string;
  /** told when a later sign-in failed, and the link stays as it was */
  readonly onError: (error: RedisError) => void;
  /** asks the server whether it is the one that is wanted; undefined where that is known */
  readonly confirm?: ((send: Send, server: ServerInfo) => Observable<unknown>) | undefined;
}

/** Runs the handshake of each new link, and signs the link in anew when the credentials change. */
export class Handshaker {
  /** The handshake is under way. */
  private underWay = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly parts: HandshakerParts,
  ) {}

  /** The link is lost, perhaps because the server hangs up on HELLO or CLIENT SETINFO. */
  lost(error: RedisError): void {
    const { underWay } = this;
    this.underWay = false;
    const isMeant = isFarewell(error) || error instanceof Renewal;
    if (underWay && error instanceof ConnectionError && !isMeant) this.parts.session.handshakeForm.ended();
  }

  /**
   * Emits what the server says of itself once the link is ready for the queue, and goes on until it is unsubscribed from.
   * @param send over the new link, ahead of the queue
   * @param onServer told what the server says of itself, before anything is restored
   */
  run(send: Send, onServer: (server: ServerInfo) => void): Observable<ServerInfo> {
    const { connectTimeout } = this.options;
    let given = false;
    const late = () =>
      given
        ? new TimeoutError(`${this.parts.address()} did not answer the handshake within ${connectTimeout} ms`)
        : new TimeoutError(`There were no credentials within ${connectTimeout} ms`);
    return defer(this.options.credentials ?? (() => of(undefined))).pipe(
      shielded(),
      tap(() => (given = true)),
      throwIfEmpty(),
      catchError((cause: unknown) => {
        const error = withoutCredentials(cause);
        if (!given) return throwError(() => error);
        // The connection is signed in and stays so; the next one asks anew.
        this.parts.onError(error);
        return EMPTY;
      }),
      concatMap((credentials, index) =>
        index === 0 ? this.makeReady(send, credentials, onServer) : this.signInAgain(send, credentials),
      ),
      timeout({ first: connectTimeout, with: () => throwError(late), scheduler: patient(this.parts.clock) }),
      catchError(ignoreLoss),
    );
  }

  private makeReady(send: Send, given: unknown, onServer: (server: ServerInfo) => void): Observable<ServerInfo> {
    const { protocol, onConnect, prefix, libraryName } = this.options;
    const { session, residents, carriesMessages, confirm = () => EMPTY } = this.parts;
    const { database, clientName, settings, credentials: signedIn } = session;
    // A server counts invalidations against the small limit of a subscribed client, and nothing on that connection wants them.
    const own = asked(onConnect, prefix).filter(({ spec }) => !carriesMessages || spec.effect !== 'tracking');
    const credentials = signedIn ?? (this.options.credentials && checked(given));
    const { bare } = session.handshakeForm;
    const options = {
      protocol: bare && protocol === 'auto' ? 2 : protocol,
      libraryName: bare ? undefined : libraryName,
      database,
      clientName,
      credentials,
      settings,
      onConnect: own,
    } as const;
    this.underWay = true;
    return handshake(send, options).pipe(
      tap({
        next: () => {
          this.underWay = false;
          session.handshakeForm.worked();
        },
        error: (error: unknown) => {
          this.underWay = false;
          // The next attempt asks the options for other credentials, where they provide them.
          if (signedIn && this.options.credentials && isSignInRefused(error)) session.forget(signedIn);
        },
      }),
      concatMap((server) => {
        onServer(server);
        const restored = merge(...[...residents].map((resident) => resident.restore?.(send, server.protocol) ?? EMPTY));
        return concat(confirm(send, server).pipe(ignoreElements()), restored.pipe(ignoreElements()), of(server));
      }),
    );
  }

  /** New credentials on a live connection. What is refused leaves it signed in as it was. */
  private signInAgain(send: Send, given: unknown): Observable<never> {
    const { session, residents, carriesMessages, onError } = this.parts;
    const signedIn = defer(() => signIn(send, checked(given))).pipe(
      // The newest credentials count, also where the user has signed in by AUTH.
      tap({ complete: () => (session.credentials = undefined) }),
      catchError((error: unknown) => {
        if (isLoss(error)) throw error;
        onError(error instanceof RedisError ? error : withoutCredentials(error));
        return EMPTY;
      }),
    );
    const inTheWay = carriesMessages ? [...residents] : [];
    const suspended = defer(() => merge(...inTheWay.map((resident) => resident.suspend?.(send) ?? EMPTY)));
    const resumed = defer(() => merge(...inTheWay.map((resident) => resident.resume?.(send) ?? EMPTY)));
    return concat(suspended, signedIn, resumed).pipe(ignoreElements(), catchError(ignoreLoss));
  }
}

/** The user's own commands on a new connection. @throws ConnectionError that says what is wrong with them */
function asked(onConnect: ResolvedOptions['onConnect'], prefix: string): readonly Command[] {
  try {
    return onConnect().map((command) => (prefix === '' ? command : applyPrefix(command, prefix)));
  } catch (error) {
    const { message, cause = error } = error as TypeError;
    throw new ConnectionError(message, { cause });
  }
}

/** Whether the sign-in was refused, and not a command of `onConnect`. */
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

/** Whether the error is that of a lost link or a closed client. The link reports it. */
function isLoss(error: unknown): boolean {
  const isOver = error instanceof ConnectionError || error instanceof DisconnectedError;
  return isOver && error.command !== undefined;
}

/** A link that breaks during the handshake is reported with the true cause by the link itself. */
function ignoreLoss(error: unknown): Observable<never> {
  return isLoss(error) ? NEVER : throwError(() => error);
}

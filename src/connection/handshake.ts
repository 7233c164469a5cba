import { catchError, concatMap, defaultIfEmpty, forkJoin, map, of, throwError, type Observable } from 'rxjs';
import { Command, type Arg } from '../commands/command';
import { knownCall } from '../commands/known-commands';
import { AuthenticationError, ProtocolError, ReplyError } from '../errors';
import type { Frame } from '../resp/frames';
import { readHello, type ServerInfo } from './hello';
import type { Send } from './resident';
import type { SignIn } from './session';

/** Who the client says it is, and what it wants of the server. */
export interface Greeting {
  readonly protocol: 2 | 3 | 'auto';
  readonly credentials: SignIn | undefined;
  readonly clientName: string | undefined;
  readonly database: number;
  /** what the client is, for CLIENT SETINFO; undefined where that is not sent */
  readonly libraryName: string | undefined;
  /** the user's own commands for every connection */
  readonly onConnect: readonly Command[];
  /** what else the connection before this one was told, last */
  readonly settings: readonly Command[];
}

const VERSION = '0.1.0';
/** What a server answers that does not know HELLO, or not this version of RESP. */
const HELLO_REFUSED = new Set(['ERR', 'NOPROTO']);

/** What a server answers to AUTH that has no password; before 6.0 it was the other. */
const HAS_NO_PASSWORD = /called without any password configured|no password is set/;

/** A command was taken, or refused. */
type Outcome = ReplyError | undefined;

/**
 * Signs in, names the connection and selects its database, in one round trip where the server allows it.
 * @returns what the server says of itself
 * @throws AuthenticationError when the credentials are refused
 * @throws ProtocolError when the server answers HELLO in a way that makes no sense
 */
export function handshake(send: Send, greeting: Greeting): Observable<ServerInfo> {
  if (greeting.credentials !== undefined) return introduce(send, greeting);
  return introduce(send, greeting).pipe(catchError((error: unknown) => throwError(() => wantsCredentials(error))));
}

function introduce(send: Send, greeting: Greeting): Observable<ServerInfo> {
  const others = rest(greeting);
  if (greeting.protocol === 2) return greetInResp2(send, greeting, others);
  const hello$ = send(hello(greeting)).pipe(
    map((frame) => readHello(frame as Frame)),
    catchError((error: unknown) => {
      const isUnknown = error instanceof ReplyError && greeting.protocol !== 3 && isUnknownHello(error, greeting);
      return isUnknown ? of(undefined) : throwError(() => error);
    }),
  );
  return forkJoin([hello$, together(send, greeting, others, greeting.credentials !== undefined)]).pipe(
    concatMap(([server, outcomes]) => {
      if (server === undefined) {
        // What was taken although HELLO was not is not sent twice.
        const missing = others.filter((_, index) => outcomes[index] !== undefined);
        return greetInResp2(send, greeting, missing);
      }
      if (server.protocol === 2 && greeting.protocol === 3) return throwError(() => speaksResp2());
      return throwFirst(outcomes, server);
    }),
  );
}

function speaksResp2(): ProtocolError {
  const message = "The server answers HELLO 3 in RESP2, and the option 'protocol' asks for RESP3";
  return new ProtocolError(message, { command: 'HELLO', delivery: 'answered', repeatable: false });
}

/** HELLO itself was refused: where it carried credentials, NOAUTH means that they were not read (Valkey 9). */
function isUnknownHello({ kind }: ReplyError, { credentials }: Greeting): boolean {
  return HELLO_REFUSED.has(kind) || (kind === 'NOAUTH' && credentials !== undefined);
}

/** `AUTH password`, or `AUTH username password`. */
function auth({ username, password }: SignIn): Command {
  return username === undefined ? ask('AUTH', password) : ask('AUTH', username, password);
}

function greetInResp2(send: Send, greeting: Greeting, others: readonly Command[]): Observable<ServerInfo> {
  const { credentials, clientName } = greeting;
  const commands = [...others];
  if (clientName !== undefined) commands.unshift(ask('CLIENT SETNAME', clientName));
  // A refusal ends it at once: servers may leave unanswered what follows.
  const signIn$ = credentials === undefined ? askWhetherSignedIn(send) : signIn(send, credentials);
  return forkJoin([signIn$, together(send, greeting, commands)]).pipe(
    concatMap(([, outcomes]) => throwFirst(outcomes, { protocol: 2 as const })),
  );
}

/**
 * Signs a connection in.
 * @throws AuthenticationError when the credentials are refused, or the server has none to compare them with
 */
export function signIn(send: Send, credentials: SignIn): Observable<unknown> {
  return send(auth(credentials)).pipe(
    catchError((error: unknown) => {
      if (!(error instanceof AuthenticationError) || !HAS_NO_PASSWORD.test(error.message))
        return throwError(() => error);
      const { kind, message, command, delivery, repeatable } = error;
      const why = `The server has no password, and was given one: take it out of the options or give the server one (${message})`;
      return throwError(() => new AuthenticationError(why, kind, { command, delivery, repeatable }));
    }),
  );
}

/** Says what to do about a server that wants credentials and was given none. */
function wantsCredentials(error: unknown): unknown {
  if (!(error instanceof AuthenticationError) || error.kind !== 'NOAUTH') return error;
  const { kind, message, command, delivery, repeatable } = error;
  const why = `The server wants credentials: give the option 'password', or 'credentials' (${message})`;
  return new AuthenticationError(why, kind, { command, delivery, repeatable });
}

/** Without credentials a server that wants some would refuse every command: the connection would only seem to be ready. */
function askWhetherSignedIn(send: Send): Observable<unknown> {
  return send(ask('PING')).pipe(
    catchError((error: unknown) => {
      const isRefusal = error instanceof ReplyError && !(error instanceof AuthenticationError);
      return isRefusal ? of(undefined) : throwError(() => error);
    }),
  );
}

function hello({ credentials, clientName }: Greeting): Command {
  const args: Arg[] = ['3'];
  if (credentials !== undefined) args.push('AUTH', credentials.username ?? 'default', credentials.password);
  if (clientName !== undefined) args.push('SETNAME', clientName);
  return ask('HELLO', ...args);
}

function rest({ database, libraryName, settings, onConnect }: Greeting): Command[] {
  return [
    ...(database === 0 ? [] : [ask('SELECT', database)]),
    ...(libraryName === undefined ? [] : introduction(libraryName)),
    // What the user has said since stands above what he says on every connection.
    ...onConnect.map(forgettable),
    ...settings,
  ];
}

function introduction(libraryName: string): Command[] {
  return [ask('CLIENT SETINFO', 'LIB-NAME', libraryName), ask('CLIENT SETINFO', 'LIB-VER', VERSION)];
}

/**
 * All in one write; what became of each, in order. A courtesy that the server does not know is none.
 * @param isSignIn they come with HELLO, and are sent again where that has signed nobody in
 */
function together(
  send: Send,
  { settings }: Greeting,
  commands: readonly Command[],
  isSignIn = false,
): Observable<Outcome[]> {
  const outcomes = commands.map((command) =>
    send(command).pipe(
      map(() => undefined),
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError)) return throwError(() => error);
        const isCourtesy = command.spec.name === 'CLIENT SETINFO' || settings.includes(command);
        return of(isCourtesy && !(isSignIn && error.kind === 'NOAUTH') ? undefined : error);
      }),
    ),
  );
  return forkJoin(outcomes).pipe(defaultIfEmpty([]));
}

function throwFirst<T>(outcomes: readonly Outcome[], otherwise: T): Observable<T> {
  const refusal = outcomes.find((outcome) => outcome !== undefined);
  return refusal === undefined ? of(otherwise) : throwError(() => refusal);
}

/** A command with all that is known of it. */
function ask(name: string, ...given: readonly Arg[]): Command {
  return forgettable(knownCall(name, given));
}

/** The same but for what it does to its connection: the session keeps what the user does, not what is said on every connection. */
function forgettable({ spec, args, read, keys }: Command): Command {
  return new Command({ ...spec, effect: undefined }, args, read, keys);
}

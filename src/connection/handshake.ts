import { catchError, concatMap, defaultIfEmpty, forkJoin, map, of, throwError, type Observable } from 'rxjs';
import { Command, type Arg } from '../commands/command';
import { knownCall } from '../commands/known-commands';
import { AuthenticationError, ProtocolError, ReplyError } from '../errors';
import type { Frame } from '../resp/frames';
import { readHello, type ServerInfo } from './hello';
import type { Send } from './resident';
import type { SignIn } from './session';

/** What the handshake tells the server. */
export interface HandshakeOptions {
  readonly protocol: 2 | 3 | 'auto';
  readonly credentials: SignIn | undefined;
  readonly clientName: string | undefined;
  readonly database: number;
  /** what the client is, for CLIENT SETINFO; undefined where that is not sent */
  readonly libraryName: string | undefined;
  /** the user's own commands for every connection */
  readonly onConnect: readonly Command[];
  /** what the user has set on the connection since, sent last */
  readonly settings: readonly Command[];
}

const VERSION = '0.1.0';
/** The kinds of error that a connection gets which has not signed in. */
const NOT_SIGNED_IN = new Set(['NOAUTH', 'NOPERM']);

/** How a server without a password answers AUTH: since Redis 6.0, and before. */
const HAS_NO_PASSWORD = /called without any password configured|no password is set/;

/** What became of a command that was sent with others. */
interface Told {
  readonly command: Command;
  readonly refusal: ReplyError | undefined;
  /** its refusal is ignored */
  readonly isCourtesy: boolean;
}

/**
 * Signs in, names the connection and selects its database, in one round trip where the server allows it.
 * @returns what the server says of itself
 * @throws AuthenticationError when the credentials are refused
 * @throws ProtocolError when the server answers HELLO in a way that makes no sense
 */
//  HELLO AUTH ──refused──▶ AUTH, HELLO ──refused──▶ AUTH was enough, in RESP2
//       │   a password alone ────▲
//       └──────refused: HELLO is unknown──────────▶ AUTH, in RESP2
export function handshake(send: Send, options: HandshakeOptions): Observable<ServerInfo> {
  if (options.credentials !== undefined) return helloOrResp2(send, options);
  return helloOrResp2(send, options).pipe(catchError((error: unknown) => throwError(() => wantsCredentials(error))));
}

function helloOrResp2(send: Send, options: HandshakeOptions): Observable<ServerInfo> {
  const others = rest(options);
  const { protocol, credentials } = options;
  if (protocol === 2) return inResp2(send, options, others);
  if (credentials !== undefined && credentials.username === undefined)
    return signInFirst(send, options, credentials, others);
  const hello$ = sendHello(send, options, (refusal) => isRefused(refusal, options));
  return forkJoin([hello$, together(send, options, others)]).pipe(
    concatMap(([server, told]) => {
      if (!(server instanceof ReplyError)) return checked(server, told, options);
      // Commands that were accepted although HELLO was not are not sent again.
      const missing = told.filter((one) => isMissing(one, options)).map(({ command }) => command);
      const isKnown = protocol === 3 || server.kind === 'NOPERM';
      if (isKnown && credentials !== undefined) return signInFirst(send, options, credentials, missing);
      return inResp2(send, options, missing);
    }),
  );
}

/**
 * Signs in before HELLO: where the server refuses HELLO to a connection that has not signed in, even with AUTH inside, as Redis before
 * 6.2 does where its default user may not run HELLO; and where there is a password alone. A server without a password takes any inside
 * HELLO, where it goes with the name of a user, and says to `AUTH password` that it has none.
 */
function signInFirst(
  send: Send,
  options: HandshakeOptions,
  credentials: SignIn,
  others: readonly Command[],
): Observable<ServerInfo> {
  const isAuto = options.protocol === 'auto';
  const hello$ = sendHello(send, { ...options, credentials: undefined }, ({ repeatable }) => isAuto && !repeatable);
  return forkJoin([signIn(send, credentials), hello$, together(send, options, others)]).pipe(
    concatMap(([, server, told]) => {
      if (!(server instanceof ReplyError)) return checked(server, told, options);
      return together(send, options, naming(options)).pipe(
        concatMap((named) => throwFirst([...told, ...named], { protocol: 2 as const })),
      );
    }),
  );
}

/** @param bears whether a refusal is no error here, but a value */
function sendHello(
  send: Send,
  options: HandshakeOptions,
  bears: (refusal: ReplyError) => boolean,
): Observable<ServerInfo | ReplyError> {
  return send(hello(options)).pipe(
    map((frame) => readHello(frame as Frame)),
    catchError((error: unknown) => (error instanceof ReplyError && bears(error) ? of(error) : throwError(() => error))),
  );
}

function checked(server: ServerInfo, told: readonly Told[], { protocol }: HandshakeOptions): Observable<ServerInfo> {
  if (server.protocol === 2 && protocol === 3) return throwError(() => speaksResp2());
  return throwFirst(told, server);
}

/** Whether a command was refused only because HELLO had not signed the connection in. */
function isMissing({ refusal, isCourtesy }: Told, { credentials }: HandshakeOptions): boolean {
  if (refusal === undefined) return false;
  return !isCourtesy || (credentials !== undefined && NOT_SIGNED_IN.has(refusal.kind));
}

function speaksResp2(): ProtocolError {
  const message = "The server answers HELLO 3 in RESP2, and the option 'protocol' asks for RESP3";
  return new ProtocolError(message, { command: 'HELLO', delivery: 'answered', repeatable: false });
}

/**
 * Whether HELLO itself was refused, in whatever words, so that AUTH or RESP2 is tried. Where HELLO carried credentials, NOAUTH means
 * that they were not read (Valkey 9).
 */
function isRefused({ kind, repeatable }: ReplyError, { protocol, credentials }: HandshakeOptions): boolean {
  if (repeatable || kind === 'WRONGPASS') return false;
  return credentials === undefined ? protocol === 'auto' && kind !== 'NOAUTH' : true;
}

/** `AUTH password`, or `AUTH username password`. */
function auth({ username, password }: SignIn): Command {
  return username === undefined ? ask('AUTH', password) : ask('AUTH', username, password);
}

function inResp2(send: Send, options: HandshakeOptions, others: readonly Command[]): Observable<ServerInfo> {
  const { credentials } = options;
  const commands = [...naming(options), ...others];
  // A refusal ends the handshake at once, because servers may leave later commands unanswered.
  const signIn$ = credentials === undefined ? askWhetherSignedIn(send) : signIn(send, credentials);
  return forkJoin([signIn$, together(send, options, commands)]).pipe(
    concatMap(([, told]) => throwFirst(told, { protocol: 2 as const })),
  );
}

function naming({ clientName }: HandshakeOptions): Command[] {
  return clientName === undefined ? [] : [ask('CLIENT SETNAME', clientName)];
}

/**
 * Signs a connection in. Servers and proxies refuse credentials in many words, so every refusal counts as one of the credentials,
 * except that of a server that cannot work for the moment.
 * @throws AuthenticationError when the credentials are refused, or the server has none to compare them with
 */
export function signIn(send: Send, credentials: SignIn): Observable<unknown> {
  return send(auth(credentials)).pipe(
    catchError((error: unknown) => {
      if (!(error instanceof ReplyError) || error.repeatable) return throwError(() => error);
      const { kind, message, command, delivery, repeatable } = error;
      const why = HAS_NO_PASSWORD.test(message)
        ? `The server has no password, and was given one: take it out of the options or give the server one (${message})`
        : message;
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

function hello({ credentials, clientName }: HandshakeOptions): Command {
  const args: Arg[] = ['3'];
  if (credentials !== undefined) args.push('AUTH', credentials.username ?? 'default', credentials.password);
  if (clientName !== undefined) args.push('SETNAME', clientName);
  return ask('HELLO', ...args);
}

function rest({ database, libraryName, settings, onConnect }: HandshakeOptions): Command[] {
  return [
    ...(database === 0 ? [] : [ask('SELECT', database)]),
    ...(libraryName === undefined ? [] : clientInfo(libraryName)),
    // Settings that the user changed later override `onConnect`.
    ...onConnect.map(forgettable),
    ...settings,
  ];
}

function clientInfo(libraryName: string): Command[] {
  return [ask('CLIENT SETINFO', 'LIB-NAME', libraryName), ask('CLIENT SETINFO', 'LIB-VER', VERSION)];
}

/** Sends all in one write, and emits what became of each, in order. The refusal of a CLIENT SETINFO or a setting is ignored. */
function together(send: Send, { settings }: HandshakeOptions, commands: readonly Command[]): Observable<Told[]> {
  const told = commands.map((command) => {
    const isCourtesy = command.spec.name === 'CLIENT SETINFO' || settings.includes(command);
    return send(command).pipe(
      map((): Told => ({ command, refusal: undefined, isCourtesy })),
      catchError((error: unknown) =>
        error instanceof ReplyError
          ? of({ command, refusal: error, isCourtesy: isCourtesy || staysUnnamed(command, error) })
          : throwError(() => error),
      ),
    );
  });
  return forkJoin(told).pipe(defaultIfEmpty([]));
}

/** A user may lack the right to CLIENT, and a proxy not know it: the name is for people, and done without. */
function staysUnnamed({ spec }: Command, { kind }: ReplyError): boolean {
  return spec.name === 'CLIENT SETNAME' && (kind === 'NOPERM' || kind === 'ERR');
}

function throwFirst<T>(told: readonly Told[], otherwise: T): Observable<T> {
  const refused = told.find(({ refusal, isCourtesy }) => refusal !== undefined && !isCourtesy);
  return refused === undefined ? of(otherwise) : throwError(() => refused.refusal);
}

/** A command with all that is known of it. */
function ask(name: string, ...given: readonly Arg[]): Command {
  return forgettable(knownCall(name, given));
}

/** The same command without its effect: the session remembers what the user changes, not what is sent on every connection. */
function forgettable({ spec, args, read, keys }: Command): Command {
  return new Command({ ...spec, effect: undefined }, args, read, keys);
}

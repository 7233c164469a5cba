import { catchError, concatMap, defaultIfEmpty, forkJoin, map, of, throwError, type Observable } from 'rxjs';
import { Command, type Arg } from '../commands/command';
import { knownCall } from '../commands/known-commands';
import { ReplyError } from '../errors';
import type { Send } from './greeter';
import type { SignIn } from './session';

/** Who the client says it is, and what it wants of the server. */
export interface Greeting {
  readonly protocol: 2 | 3 | 'auto';
  readonly credentials: SignIn | undefined;
  readonly clientName: string | undefined;
  readonly database: number;
  /** the user's own commands for every connection */
  readonly onConnect: readonly Command[];
  /** what else the connection before this one was told, last */
  readonly settings: readonly Command[];
}

const LIBRARY = { name: 'rxjs-redis', version: '0.1.0' };
/** What a server answers that does not know HELLO, or not this version of RESP. */
const HELLO_REFUSED = new Set(['ERR', 'NOPROTO']);

/**
 * Signs in, names the connection and selects its database, in one round trip where the server allows it.
 * @returns the version of RESP that was agreed on
 * @throws AuthenticationError when the credentials are refused
 */
export function handshake(send: Send, greeting: Greeting): Observable<2 | 3> {
  const others = rest(greeting);
  if (greeting.protocol === 2) return greetInResp2(send, greeting, others);
  const isSignIn = greeting.credentials !== undefined;
  return sendTogether(send, greeting, [hello(greeting), ...others], isSignIn).pipe(
    concatMap(([refusal, ...refusals]) => {
      if (refusal === undefined) return throwFirst(refusals, 3 as const);
      if (greeting.protocol === 3 || !isUnknown(refusal, greeting)) return throwError(() => refusal);
      // What was taken although HELLO was not is not sent twice.
      const missing = others.filter((_, index) => refusals[index] !== undefined);
      return greetInResp2(send, greeting, missing);
    }),
  );
}

/** HELLO itself was refused: where it carried credentials, NOAUTH means that nobody has read them (Valkey 9). */
function isUnknown({ kind }: ReplyError, { credentials }: Greeting): boolean {
  return HELLO_REFUSED.has(kind) || (kind === 'NOAUTH' && credentials !== undefined);
}

/** Signs a connection in: `AUTH password`, or `AUTH username password`. */
export function auth({ username, password }: SignIn): Command {
  return username === undefined ? ask('AUTH', password) : ask('AUTH', username, password);
}

function greetInResp2(send: Send, greeting: Greeting, others: readonly Command[]): Observable<2> {
  const { credentials, clientName } = greeting;
  const commands = [...others];
  if (clientName !== undefined) commands.unshift(ask('CLIENT SETNAME', clientName));
  if (credentials !== undefined) commands.unshift(auth(credentials));
  return sendTogether(send, greeting, commands).pipe(concatMap((refusals) => throwFirst(refusals, 2 as const)));
}

function hello({ credentials, clientName }: Greeting): Command {
  const args: Arg[] = ['3'];
  if (credentials !== undefined) args.push('AUTH', credentials.username ?? 'default', credentials.password);
  if (clientName !== undefined) args.push('SETNAME', clientName);
  return ask('HELLO', ...args);
}

function rest({ database, settings, onConnect }: Greeting): Command[] {
  return [
    ...(database === 0 ? [] : [ask('SELECT', database)]),
    ask('CLIENT SETINFO', 'LIB-NAME', LIBRARY.name),
    ask('CLIENT SETINFO', 'LIB-VER', LIBRARY.version),
    // What the user has said since stands above what he says on every connection.
    ...onConnect.map(forgettable),
    ...settings,
  ];
}

/**
 * All in one write; what became of each, in order: nothing, or a refusal. A courtesy that the server does not know is none.
 * @param isSignIn they come with HELLO, and are sent again where that has signed nobody in
 */
function sendTogether(
  send: Send,
  { settings }: Greeting,
  commands: readonly Command[],
  isSignIn = false,
): Observable<(ReplyError | undefined)[]> {
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

function throwFirst<T>(refusals: readonly (ReplyError | undefined)[], otherwise: T): Observable<T> {
  const refusal = refusals.find((refusal) => refusal !== undefined);
  return refusal === undefined ? of(otherwise) : throwError(() => refusal);
}

/** A command with all that is known of it. */
function ask(name: string, ...given: readonly Arg[]): Command {
  return forgettable(knownCall(name, given));
}

/** The same but for what it does to its connection: the session keeps what the user does, not what is said on every connection. */
function forgettable({ spec, args, read, keys }: Command): Command {
  return new Command({ ...spec, connection: false }, args, read, keys);
}

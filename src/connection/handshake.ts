import { catchError, forkJoin, map, of, throwError, type Observable } from 'rxjs';
import { call } from '../commands/call';
import type { Command } from '../commands/command';
import { ReplyError } from '../errors';

/** Who the client says it is, and what it wants of the server. */
export interface Greeting {
  readonly protocol: 2 | 3 | 'auto';
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly clientName?: string | undefined;
  readonly database: number;
}

type Send = (command: Command) => Observable<unknown>;

const LIBRARY = { name: 'rxjs-redis', version: '0.1.0' };
/** What a server answers that does not know HELLO, or not this version of RESP. */
const HELLO_REFUSED = new Set(['ERR', 'NOPROTO']);

/**
 * Signs in, names the connection and selects its database, in one round trip where the server allows it.
 * @returns the version of RESP that was agreed on
 * @throws AuthenticationError when the credentials are refused
 */
export function handshake(send: Send, greeting: Greeting): Observable<2 | 3> {
  if (greeting.protocol === 2) return greetInResp2(send, greeting);
  return sendTogether(send, [hello(greeting), ...settings(greeting)]).pipe(
    map(() => 3 as const),
    catchError((error: unknown) => {
      const refused = error instanceof ReplyError && error.command === 'HELLO' && HELLO_REFUSED.has(error.kind);
      return refused && greeting.protocol === 'auto' ? greetInResp2(send, greeting) : throwError(() => error);
    }),
  );
}

function greetInResp2(send: Send, greeting: Greeting): Observable<2> {
  const { username, password, clientName } = greeting;
  const commands = [];
  if (password !== undefined)
    commands.push(username === undefined ? call('AUTH', password) : call('AUTH', username, password));
  if (clientName !== undefined) commands.push(call('CLIENT SETNAME', clientName));
  commands.push(...settings(greeting));
  return sendTogether(send, commands).pipe(map(() => 2 as const));
}

function hello({ username = 'default', password, clientName }: Greeting): Command {
  const args = ['3'];
  if (password !== undefined) args.push('AUTH', username, password);
  if (clientName !== undefined) args.push('SETNAME', clientName);
  return call('HELLO', ...args);
}

function settings({ database }: Greeting): Command[] {
  const commands = [
    call('CLIENT SETINFO', 'LIB-NAME', LIBRARY.name),
    call('CLIENT SETINFO', 'LIB-VER', LIBRARY.version),
  ];
  if (database !== 0) commands.unshift(call('SELECT', database));
  return commands;
}

/** All in one write; the first refusal counts, except of what is mere courtesy. */
function sendTogether(send: Send, commands: readonly Command[]): Observable<unknown> {
  if (commands.length === 0) return of([]);
  const outcomes = commands.map((command) =>
    send(command).pipe(
      map(() => undefined),
      catchError((error: unknown) =>
        error instanceof ReplyError
          ? of(command.spec.name === 'CLIENT SETINFO' ? undefined : error)
          : throwError(() => error),
      ),
    ),
  );
  return forkJoin(outcomes).pipe(
    map((errors) => {
      const refusal = errors.find((error) => error !== undefined);
      if (refusal !== undefined) throw refusal;
      return errors;
    }),
  );
}

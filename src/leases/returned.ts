import { catchError, of, take, throwError, timeout, type Observable } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import { endsConnection } from '../commands/closing';
import type { Command } from '../commands/command';
import { discard, ping, unwatch } from '../commands/generated/builders';
import { Reply } from '../commands/reply';
import { plainContext } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import { ReplyError } from '../errors';

/** How long the replies to what a caller has left behind may take, and the server to answer PING, UNWATCH or DISCARD, ms. */
const LONGEST_ANSWER = 1_000;

/** What is to be done with a connection that was given back. */
export type Verdict =
  /** nothing: the next caller may have it */
  | 'clean'
  /** UNWATCH */
  | 'watches'
  /** DISCARD, which ends WATCH as well */
  | 'transaction'
  /** wait for replies that come soon, then judge again */
  | 'owes'
  /** close it */
  | 'spoilt';

/** Judges by what the client has seen, without asking the server. */
export function judge(connection: Connection): Verdict {
  const { link, pending } = connection.line;
  if (connection.state$.value.kind !== 'ready' || link === undefined) return 'spoilt';
  const { trace } = link.mode;
  if (trace === 'more') return 'spoilt';
  // New credentials wait for the end of a transaction, so they would never be sent.
  const isStuck = trace === 'transaction' && link.owed.length === 0;
  if (pending > 0 && !isStuck) {
    // A command that waits at the server could take an element that is for another caller.
    for (const { command } of link.owed)
      if (blockingWait(command) !== undefined || endsConnection(command)) return 'spoilt';
    return 'owes';
  }
  if (trace !== 'none') return trace;
  return link.mode.clean ? 'clean' : 'spoilt';
}

/** Emits when nothing is owed any more; errors when that takes too long. */
export function answered({ line, clock }: Connection): Observable<unknown> {
  return line.drain.idle$.pipe(take(1), timeout({ first: LONGEST_ANSWER, scheduler: clock }));
}

/** Ends what a caller has left open. Errors when the server refuses that, or does not answer soon. */
export function cleaned(connection: Connection, verdict: 'watches' | 'transaction'): Observable<unknown> {
  const command: Command = verdict === 'watches' ? unwatch() : discard();
  return ask(connection, command);
}

/** Emits when the server has answered PING, by a refusal too; errors when it does not soon. */
export function alive(connection: Connection): Observable<unknown> {
  return ask(connection, ping()).pipe(
    catchError((error: unknown) => (error instanceof ReplyError ? of(undefined) : throwError(() => error))),
  );
}

function ask<T>(connection: Connection, command: Command<T>): Reply<T> {
  return Reply.from({ ...plainContext, executor: connection, commandTimeout: LONGEST_ANSWER }, command);
}

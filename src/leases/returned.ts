import { catchError, of, take, throwError, timeout, type Observable } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import { endsConnection } from '../commands/closing';
import type { Command } from '../commands/command';
import { discard, ping, unwatch } from '../commands/generated/builders';
import { Reply } from '../commands/reply';
import { plainContext } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { tooLate } from '../connection/refusals';
import { ReplyError } from '../errors';
import type { LeaseLists, Member } from './lease-lists';

/** How long the replies to what a caller has left behind may take, and the server to answer UNWATCH or DISCARD, ms. */
const LONGEST_ANSWER = 1_000;
/** How long the server may take to answer PING, ms. */
const LONGEST_SILENCE = 10_000;

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

/** Emits when the server has answered PING, if only by an error; errors when it does not answer soon. */
export function alive(connection: Connection): Observable<unknown> {
  return ask(connection, ping(), LONGEST_SILENCE).pipe(
    catchError((error: unknown) => (error instanceof ReplyError ? of(undefined) : throwError(() => error))),
  );
}

function ask<T>(connection: Connection, command: Command<T>, commandTimeout = LONGEST_ANSWER): Reply<T> {
  return Reply.from({ ...plainContext, executor: connection, commandTimeout }, command);
}

/** What a pool does with connections that came back. */
export interface ReturnsTo {
  /** nothing is lent any more */
  hasEnded(): boolean;
  /** it may be lent again */
  prepared(member: Member): void;
  /** nothing was sent on it, because it could not be made yet */
  unready(member: Member): void;
  discard(member: Member): void;
}

/** Decides what becomes of a connection that its caller gives back. */
export class Returns {
  constructor(
    private readonly clock: Clock,
    private readonly lists: LeaseLists,
    private readonly pool: ReturnsTo,
  ) {}

  giveBack(member: Member): void {
    const { connection } = member;
    if (member.list !== 'leased') return;
    member.isBack = true;
    if (!connection.closed) connection.line.failQueued((request) => tooLate(request, undefined, 'lost'));
    this.settle(member);
  }

  private settle(member: Member): void {
    const { connection, list } = member;
    if (list === 'none') return; // a caller that was told of a failure just now has closed the client
    if (!this.pool.hasEnded() && !connection.wasReady && !connection.closed) {
      this.shelve(member);
      return;
    }
    const judged = judge(connection);
    // Replies that come soon are waited for, also once nothing is lent any more.
    const verdict = !this.pool.hasEnded() || judged === 'owes' ? judged : 'spoilt';
    switch (verdict) {
      case 'clean':
        this.pool.prepared(member);
        break;
      case 'owes':
        member.asked = answered(connection).subscribe({
          next: () => this.settle(member),
          error: () => this.pool.discard(member),
        });
        break;
      case 'spoilt':
        this.pool.discard(member);
        break;
      default:
        if (list === 'leased') this.lists.move(member, 'preparing');
        member.asked = cleaned(connection, verdict).subscribe({
          complete: () => this.settle(member),
          error: () => this.pool.discard(member),
        });
    }
  }

  /**
   * Nothing was sent on it, so the next caller gets it: a new one would be dialled without the delay that this one waits for. That is done in
   * a later turn of the event loop, because callers that try again at once would leave no turn to others.
   */
  private shelve(member: Member): void {
    member.wasWanted = true;
    this.lists.move(member, 'preparing');
    this.clock.afterInput(() => {
      if (member.list === 'preparing' && !member.connection.wasReady) this.pool.unready(member);
    });
  }
}

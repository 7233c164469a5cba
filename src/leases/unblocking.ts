import { AsyncSubject, Subscription, defer, filter, map, of, switchMap, take, throwError, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { clientId, clientUnblock } from '../commands/generated/builders';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { ConnectionError } from '../errors';

/** The delays before CLIENT UNBLOCK is sent once more, ms: the first, and the longest. */
const FIRST_DELAY = 1;
const LONGEST_DELAY = 200;

/** Sends what the client itself has to say to the server of a lease while that waits: on another connection. */
export interface Control {
  /** has the connection opened, where it is to be at hand later */
  open(): void;
  /** sends at once, ahead of what callers have queued, also while the client is being closed */
  ask<T>(command: Command<T>): Observable<T>;
  /** sends in its turn; also while the client is being closed */
  send<T>(command: Command<T>): Observable<T>;
}

/** The ids of connections whose servers sent none with HELLO, as it is in RESP2. */
const ids = new WeakMap<Connection, AsyncSubject<number>>();

/** Has the server of a connection that is ready tell its id, unless HELLO did. It travels in one write with what is submitted in the same tick. */
export function learnId(connection: Connection): void {
  const { server, line } = connection;
  if (server?.id !== undefined || ids.has(connection)) return;
  const id$ = new AsyncSubject<number>();
  ids.set(connection, id$);
  line.sendAhead(clientId()).subscribe(id$);
}

/** The id of a connection; errors where the server does not tell it. */
function idOf(connection: Connection): Observable<number> {
  return defer(() => {
    const told = connection.server?.id;
    if (told !== undefined) return of(told);
    return ids.get(connection) ?? throwError(() => new ConnectionError('The server has not told the id'));
  });
}

/** What an Unblocking is made with. */
export interface UnblockingParts {
  readonly connection: Connection;
  readonly control: Control;
  readonly clock: Clock;
  /** how long all may take, ms */
  readonly longest: number;
  /** told once: whether the command is over, and no CLIENT UNBLOCK is under way, so that the connection may be used again */
  readonly ended: (isOver: boolean) => void;
}

/**
 * Ends a command that waits at the server, by CLIENT UNBLOCK on another connection. The answer 1 means that the command is answered by nil.
 * 0 means that it is answered by something else, or has not reached the server yet: the two connections have no order. So it is asked
 * again until the command is answered.
 */
//  asking ──1──▶ waiting ──reply──▶ ended
//    │ ▲──delay─┐   ▲
//    └─────0────┴───┘        refused, lost, or too late ──▶ ended, and the connection is of no more use
export class Unblocking {
  private isAsking = false;
  private hasReplied = false;
  private hasEnded = false;
  private delay = FIRST_DELAY;
  private readonly under = new Subscription();

  constructor(private readonly parts: UnblockingParts) {}

  begin(): void {
    const { clock, longest, connection } = this.parts;
    this.under.add(clock.schedule(() => this.end(false), longest));
    const closed$ = connection.state$.pipe(filter(({ kind }) => kind === 'closed'));
    this.under.add(closed$.subscribe(() => this.end(false)));
    this.ask();
  }

  /** The command is answered, or lost. */
  replied(): void {
    this.hasReplied = true;
    if (!this.isAsking) this.end(true);
  }

  private ask(): void {
    if (this.hasEnded) return;
    const { connection, control } = this.parts;
    this.isAsking = true;
    const answer$ = idOf(connection).pipe(
      switchMap((id) => control.ask(clientUnblock(id))),
      take(1),
      map(Boolean),
    );
    this.under.add(
      answer$.subscribe({
        next: (isUnblocked) => this.answered(isUnblocked),
        error: () => this.end(false),
      }),
    );
  }

  private answered(isUnblocked: boolean): void {
    this.isAsking = false;
    if (this.hasReplied) {
      this.end(true);
      return;
    }
    if (isUnblocked) return;
    const { delay } = this;
    this.delay = Math.min(delay * 2, LONGEST_DELAY);
    this.under.add(
      this.parts.clock.schedule(() => {
        if (!this.hasReplied) this.ask();
      }, delay),
    );
  }

  private end(isOver: boolean): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.under.unsubscribe();
    this.parts.ended(isOver);
  }
}

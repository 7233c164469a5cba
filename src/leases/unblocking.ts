import { AsyncSubject, Subscription, defer, filter, map, of, switchMap, take, throwError, type Observable } from 'rxjs';
import { Command } from '../commands/command';
import { clientId, clientUnblock, ping } from '../commands/generated/builders';
import { asItCame } from '../commands/replies/values';
import { Reply } from '../commands/reply';
import { plainContext } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { ConnectionError, type RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import { asText } from '../resp/as-text';

/** How long the server of an ended command may take to answer what is behind it, ms. */
const LONGEST_ANSWER = 1_000;

/** The delays before CLIENT UNBLOCK is sent once more, ms: the first, and the longest. */
const FIRST_DELAY = 1;
const LONGEST_DELAY = 200;

/** Sends the client's own commands to the server of a lease that waits there, on another connection. */
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
    return (
      ids.get(connection) ??
      throwError(() => new ConnectionError('The server has not told the id', { delivery: 'unknown' }))
    );
  });
}

/** What an Unblocking is made with. */
export interface UnblockingParts {
  readonly connection: Connection;
  readonly control: Control;
  readonly clock: Clock;
  /** how long all may take, ms */
  readonly longest: number;
  /** told of what the command brings after it was ended */
  readonly brought: (frame: Frame) => void;
  /** told once: whether the command is over, and no CLIENT UNBLOCK is under way, so that the connection may be used again */
  readonly ended: (isOver: boolean) => void;
}

/**
 * Ends a command that waits at the server, by CLIENT UNBLOCK on another connection. The answer 1 means that the command is answered by an
 * error, and has taken nothing. 0 means that it is answered by something else, or has not reached the server yet: the two connections have
 * no order. So it is asked again until the command is answered, also where CLIENT UNBLOCK could not be sent.
 *
 * It asks for the error, because several servers crash where they are to answer nil to a command that CLIENT PAUSE holds back. Redis 7.0
 * answers the error and runs such a command all the same. So what is ended is followed by PING, whose reply shows that nothing else comes.
 */
//  asking ──1──▶ waiting ──error──▶ PING ──PONG──▶ ended
//    │ ▲──delay─┐   │
//    └─────0────┘   └──another reply──▶ ended      refused, lost, or too late ──▶ ended, and the connection is of no more use
export class Unblocking {
  private isAsking = false;
  private hasReplied = false;
  private isFencing = false;
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

  /**
   * The command is answered.
   * @param isEnded whether by the error that CLIENT UNBLOCK makes
   */
  replied(isEnded: boolean): void {
    this.hasReplied = true;
    if (isEnded) this.fence();
    else this.endIfOver();
  }

  /** The server cannot be asked. */
  giveUp(): void {
    this.end(false);
  }

  private endIfOver(): void {
    if (this.hasReplied && !this.isAsking && !this.isFencing) this.end(true);
  }

  private fence(): void {
    const context = { ...plainContext, bytes: true, executor: this.parts.connection, commandTimeout: LONGEST_ANSWER };
    this.isFencing = true;
    this.under.add(
      Reply.from(context, new Command(ping().spec, [], asItCame)).subscribe({
        next: (frame) => {
          this.isFencing = false;
          if (asText(frame) === 'PONG') this.endIfOver();
          else {
            this.parts.brought(frame);
            this.end(false);
          }
        },
        error: () => this.end(false),
      }),
    );
  }

  private ask(): void {
    if (this.hasEnded) return;
    const { connection, control } = this.parts;
    this.isAsking = true;
    const answer$ = idOf(connection).pipe(
      switchMap((id) => control.ask(clientUnblock(id, 'ERROR'))),
      take(1),
      map(Boolean),
    );
    this.under.add(
      answer$.subscribe({
        next: (isUnblocked) => this.answered(isUnblocked),
        // One that may have reached the server could end the next command on this connection.
        error: (error: RedisError) => (error.delivery === 'unsent' ? this.answered(false) : this.end(false)),
      }),
    );
  }

  private answered(isUnblocked: boolean): void {
    this.isAsking = false;
    this.endIfOver();
    if (this.hasReplied || isUnblocked) return;
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

import type { Unsubscribable } from 'rxjs';
import type { Happening } from '../commands/happening';
import type { ReplyObserver, Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { lostInTurn } from '../connection/refusals';
import { DisconnectedError, type RedisError } from '../errors';

/** A command that may be repeated is moved to another connection so often. */
const MOST_MOVES = 2;

/** What chooses the connection of a command. */
interface Dispatcher {
  /** commands that are lost with a connection may go to another */
  readonly moves: boolean;
  dispatch(mover: Mover): void;
}

/**
 * A request, which is moved to another connection when its own is lost, if it was not sent or may be sent again. Connections of a pool are
 * not made again, so the pool does for them what a connection of its own does by itself.
 */
export class Mover implements ReplyObserver<unknown> {
  /** A connection has taken the request. */
  private isTaken = false;
  private moved = 0;
  /** When its time is up, on the clock, ms: the line that a request leaves forgets that. 0 until it enters one. */
  private deadline = 0;
  /** It waits no longer than until then for a connection that it shares, on the clock, ms. */
  lateAt = Infinity;

  constructor(
    readonly request: Request,
    private readonly observer: ReplyObserver<unknown>,
    private readonly spread: Dispatcher,
  ) {}

  sendBy(executor: Executor): void {
    this.isTaken = true;
    const { request } = this;
    executor.submit(request);
    if (request.deadline !== 0) this.deadline = request.deadline;
  }

  get closed(): boolean {
    return this.observer.closed;
  }

  next(value: unknown): void {
    this.observer.next(value);
  }

  error(error: RedisError): void {
    const { request, spread } = this;
    const isLost = this.isTaken && error instanceof DisconnectedError;
    // One that was answered was refused, and was to be sent again.
    const mayMove = spread.moves && (error.delivery !== 'unknown' || request.repeatable);
    if (!isLost || !mayMove || this.moved === MOST_MOVES) {
      this.observer.error(isLost && mayMove ? lostInTurn(request, error) : error);
      return;
    }
    this.moved++;
    this.happened({ type: 'retry', error, attempt: this.moved });
    this.isTaken = false;
    request.leaveLine();
    request.deadline = this.deadline; // its time goes on
    spread.dispatch(this);
  }

  complete(): void {
    this.observer.complete();
  }

  happened(what: Happening): void {
    this.observer.happened?.(what);
  }

  add(departure: Unsubscribable): void {
    this.observer.add(departure);
  }
}

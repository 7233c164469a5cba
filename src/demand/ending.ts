import {
  EMPTY,
  Subject,
  Subscription,
  catchError,
  defer,
  filter,
  take,
  takeUntil,
  throwError,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs';
import { DisconnectedError, type RedisError } from '../errors';

/** What has to be brought to an end before the client is closed. */
export interface Unfinished {
  /** the client is being closed, and waits for this: what is sent now is the last that it sends */
  finish(): void;
  /** the client has ended */
  abandon(): void;
}

/** How a client ends, for its streams: they complete when it is closed, and error when it is destroyed. */
export class Ending {
  private state: 'open' | 'closing' | 'destroyed' = 'open';
  private readonly destroyed$ = new Subject<never>();
  private readonly unfinished = new Set<Unfinished>();
  private readonly finished$ = new Subject<void>();

  /** The client is being closed: what a stream asks for from now on is refused, and that is its end. */
  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    for (const one of [...this.unfinished]) one.finish();
  }

  /** The client is being closed, or has ended. */
  get hasBegun(): boolean {
    return this.state !== 'open';
  }

  get isClosing(): boolean {
    return this.state === 'closing';
  }

  /** Something has to be brought to an end before the client is closed, until what this returns is unsubscribed from. */
  holds(one: Unfinished): Subscription {
    this.unfinished.add(one);
    return new Subscription(() => {
      this.unfinished.delete(one);
      this.finished$.next();
    });
  }

  /** Completes when all that was to be brought to an end is; undefined where nothing is. */
  finished(): Observable<unknown> | undefined {
    if (this.unfinished.size === 0) return undefined;
    return this.finished$.pipe(
      filter(() => this.unfinished.size === 0),
      take(1),
    );
  }

  /** The client ends at once, and so do its streams. */
  destroy(error: RedisError): void {
    if (this.state === 'destroyed') return;
    this.state = 'destroyed';
    this.destroyed$.error(error);
    for (const one of [...this.unfinished]) one.abandon();
  }

  /** Ends a stream with the client. One that begins after the client was closed errors. */
  ends<T>(): MonoTypeOperatorFunction<T> {
    return (source) =>
      defer(() => {
        const wasOpen = this.state === 'open';
        return source.pipe(
          this.cutsOff(),
          catchError((error: unknown) => (wasOpen && this.isEnd(error) ? EMPTY : throwError(() => error))),
        );
      });
  }

  /** Ends a stream when the client is destroyed, and in no other way. */
  cutsOff<T>(): MonoTypeOperatorFunction<T> {
    return takeUntil(this.destroyed$);
  }

  private isEnd(error: unknown): boolean {
    return this.state === 'closing' && error instanceof DisconnectedError;
  }
}

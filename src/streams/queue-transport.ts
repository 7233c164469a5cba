import type { Observable, Subscription } from 'rxjs';
import type { Command } from '../commands/command';
import type { Clock } from '../connection/clock';
import type { Unfinished } from '../demand/ending';

/** What sends for a worker. */
export interface QueueTransport {
  readonly clock: Clock;
  /** tells how the client ends, until what this returns is unsubscribed from */
  holds(one: Unfinished): Subscription;
  /** sends what may be sent twice */
  send<T>(command: Command<T>): Observable<T>;
  /** sends what waits at the server, on a connection of its own */
  wait<T>(command: Command<T>, after: AfterWait): Observable<T>;
  /** the same command with the prefix of the client */
  prefixed<T>(command: Command<T>): Command<T>;
}

/**
 * Told when what waited at the server is over.
 * @param control sends also while the client is being closed
 * @param isCertain false where its connection ended while it was owed: the server may still run it
 * @returns what the end of the client is to wait for
 */
export type AfterWait = (
  control: { send<T>(command: Command<T>): Observable<T> },
  isCertain: boolean,
) => Observable<unknown> | undefined;

/** What is wanted of a worker; times in ms. */
export interface WorkerLimits {
  readonly concurrency: number;
  readonly lease: number;
  readonly drainTimeout: number;
  readonly attempts: number;
  readonly deadLetter: boolean;
  /** the delay before the next attempt; false for none */
  readonly delayAfter: (attempt: number, error: unknown) => number | false;
}

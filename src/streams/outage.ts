import { ignoreElements, throwError, timer, type Observable } from 'rxjs';
import type { Clock } from '../connection/clock';
import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  RedisError,
  ReplyError,
  TimeoutError,
} from '../errors';

/** Delays before the server is asked again, ms: the first, and the longest. */
const FIRST_DELAY = 20;
const LONGEST_DELAY = 1_000;

/** The delay before the server is asked again where it has been in vain so often in a row, ms. */
export function delayAfter(failures: number): number {
  return Math.min(FIRST_DELAY * 2 ** (failures - 1), LONGEST_DELAY);
}

/**
 * The words of servers for what passes: they write nothing for now, have become replicas, or have ended a wait, because its key is gone or by
 * CLIENT UNBLOCK.
 */
const PASSING = 'OOM|MISCONF|NOREPLICAS|READONLY|MASTERDOWN|LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|UNBLOCKED';
const PASSES = new RegExp(`^(${PASSING})$`);
/** In old servers they stand inside the error of a script. */
const INSIDE = new RegExp(`\\b(${PASSING}|NOSCRIPT)\\b`);
/** A transaction that was refused as a whole when it was to run. */
const DISCARDED = new RegExp(`^EXECABORT .* because of: (${PASSING}) `);

/** Whether the server may not refuse it later; of a transaction each refused command has to pass. */
function passes({ kind, message, causes = [] }: ReplyError): boolean {
  if (kind !== 'EXECABORT') return PASSES.test(kind);
  if (causes.length === 0) return DISCARDED.test(message);
  return causes.every(({ error }) => error instanceof ReplyError && passes(error));
}

/** What passes by itself: a lost connection, a server that is away or refuses everything for the moment. */
export function isOutage(error: unknown): boolean {
  if (error instanceof AuthenticationError) return false;
  if (error instanceof ReplyError) return error.repeatable || passes(error);
  // A wait whose connection was lost several times, or led to the wrong server, is not sent again by itself. Where the client has ended, the
  // next request tells.
  if (error instanceof DisconnectedError)
    return error.repeatable || (error.delivery !== 'unsent' && error.cause !== undefined);
  // Where every attempt at a connection would fail in the same way, nothing was sent and nothing may be sent again.
  if (error instanceof ConnectionError) return error.repeatable || error.delivery !== 'unsent';
  return error instanceof TimeoutError;
}

/** The same for what writes, and does no harm twice: also a server that takes no writes for the moment. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof RedisError)) return false;
  if (error.repeatable) return true;
  if (error instanceof ReplyError)
    return error.code === 'REPLY' && (INSIDE.test(error.kind) || INSIDE.test(error.message));
  return error.delivery !== 'unsent';
}

/** Outlives outages: waits longer after each failure in a row. */
export class Outage {
  private failures = 0;

  constructor(private readonly clock: Clock) {}

  /** The server has answered. */
  over(): void {
    this.failures = 0;
  }

  /** Completes when it is time to ask again; errors with what does not pass by itself. */
  after(error: unknown): Observable<never> {
    return isOutage(error) ? this.pause() : throwError(() => error);
  }

  /** Completes when it is time to ask again. */
  pause(): Observable<never> {
    return timer(delayAfter(++this.failures), this.clock).pipe(ignoreElements());
  }
}

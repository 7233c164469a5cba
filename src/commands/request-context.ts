import type { RedisError } from '../errors';
import type { ObservableInput } from 'rxjs';
import type { Command, ReplyContext } from './command';
import type { Request } from './request';

/** Whatever carries requests to a server: one connection, a pool, a cluster. What wraps it is chosen when the client is made. */
export interface Executor {
  submit(request: Request): void;
}

/**
 * Decides whether a command that failed is sent again: the delay in milliseconds, or false. `attempt` counts from 1.
 *
 * It is asked about every lost connection and every error reply while there is time left, so it has to look at `error.delivery`, or
 * better at `error.repeatable`. A refusal is a ReplyError; its `delivery` is `'unknown'` where the command was lost before. What has
 * run out of its own time is not asked about.
 */
export type RetryPolicy = (attempt: number, error: RedisError, command: Command) => number | false;

/**
 * Takes what a blocking command brought after its Observer had left. What it gives, if anything, is subscribed to, and its error told on
 * `events$`.
 *
 * `value` is what the Observer would have got; `command` is as its caller gave it, without the client's prefix.
 */
export type UndeliveredHandler = (value: unknown, command: Command) => ObservableInput<unknown> | void;

/** Which node of a cluster reads: the master; a replica of it; the one that answers soonest; one in the client's own zone. */
export type ReadsFrom = 'master' | 'replica' | 'nearest' | 'same-zone';

/** Limits of a link that a command may want otherwise than the connection, ms. */
export interface LinkLimits {
  readonly readTimeout?: number | undefined;
  readonly writeTimeout?: number | undefined;
}

/** What holds for all commands of a surface. */
export interface RequestContext extends ReplyContext {
  /** how long a command may take from its subscription to its reply, ms; Infinity for ever */
  readonly commandTimeout: number;
  /** it holds for blocking commands too, whose own wait counts otherwise */
  readonly limitsBlocking: boolean;
  /** what a blocking command may take beyond its own wait, ms; undefined for what the connection's options say */
  readonly blockingGrace: number | undefined;
  /** how long the server may be silent while it owes this reply, and take nothing while this is to be sent; undefined for what the connection's options say */
  readonly linkLimits: LinkLimits | undefined;
  /** the user vouches that repeating does no harm */
  readonly idempotent: boolean;
  readonly retry: RetryPolicy;
  /** takes what comes when nothing wants it any more; undefined to have it put back */
  readonly onUndelivered: UndeliveredHandler | undefined;
  /** what it wants of a cache: nothing, or how long a reply may have been kept, ms; undefined for what the client's options say */
  readonly cache: false | { readonly ttl: number } | undefined;
  /** which node of a cluster reads; undefined for its master */
  readonly reads: ReadsFrom | undefined;
}

/** For commands of the client itself: strings, no limit but the link's, never repeated. */
export const plainContext: RequestContext = {
  bytes: false,
  prefix: '',
  commandTimeout: Infinity,
  limitsBlocking: false,
  blockingGrace: undefined,
  linkLimits: undefined,
  idempotent: false,
  retry: () => false,
  onUndelivered: undefined,
  cache: undefined,
  reads: undefined,
};

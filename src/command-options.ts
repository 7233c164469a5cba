import type { RequestContext, RetryPolicy, UndeliveredHandler } from './commands/request-context';
import { retryPolicy } from './connection/retry';
import { duration, is } from './option-checks';
import { cacheWishOf, resolveRetry, withoutUndefined, type RetryOptions } from './options';
import { kindOf } from './resp/kind-of';

/** What may be said otherwise for some commands than for the whole client. */
export interface CommandOptions {
  /** how long a command may take, waiting, sending and repeating included, ms; blocking ones too; Infinity for ever */
  readonly commandTimeout?: number | undefined;
  /** how long the server may be silent while it works on such a command, ms; Infinity for ever */
  readonly readTimeout?: number | undefined;
  /** how long a full send buffer may take to empty while such a command is under way, ms; Infinity for ever */
  readonly writeTimeout?: number | undefined;
  /** what a blocking command may take beyond its own wait, ms */
  readonly blockingGrace?: number | undefined;
  /** repeating does no harm, whatever the client knows of the command: it may be sent again when it may have run */
  readonly idempotent?: boolean | undefined;
  /** which failed commands are sent again */
  readonly retry?: boolean | RetryOptions | RetryPolicy | undefined;
  /** takes what a blocking command brings after its Observer has left, in place of putting it back */
  readonly onUndelivered?: UndeliveredHandler | undefined;
  /**
   * where the client has a cache: `false` goes to the server; `{ ttl }` takes nothing that was kept for longer, ms, and has the replies of
   * TTL and its kin kept for so long
   */
  readonly cache?: boolean | { readonly ttl?: number | undefined } | undefined;
}

/** An option that the shape of ioredis alone knows: all names travel as they are. */
const WITHOUT_PREFIX = Symbol.for('rxjs-redis:without-prefix');

/** @throws TypeError that names the option and what was expected */
export function contextOf(options: CommandOptions, before: RequestContext): Partial<RequestContext> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`withOptions: an object was expected, got ${kindOf(options)}`);
  }
  const { idempotent, retry, onUndelivered, cache, ...limits } = options;
  if (idempotent !== undefined && typeof idempotent !== 'boolean') {
    throw new TypeError(`The option 'idempotent' is a boolean, got ${kindOf(idempotent)}`);
  }
  if (onUndelivered !== undefined) is('function', 'onUndelivered', onUndelivered);
  const { commandTimeout, readTimeout, writeTimeout, blockingGrace, ...rest } = withoutUndefined(limits);
  const unknown = Object.keys(rest)[0];
  if (unknown === 'connectTimeout') {
    throw new TypeError(
      "withOptions: 'connectTimeout' is the connection's; how long a command waits for that is its 'commandTimeout'",
    );
  }
  if (unknown !== undefined) {
    const known = 'commandTimeout, readTimeout, writeTimeout, blockingGrace, idempotent, retry, onUndelivered, cache';
    throw new TypeError(`withOptions: there is no option '${unknown}' for commands; known are ${known}`);
  }
  for (const [name, limit] of Object.entries({ commandTimeout, readTimeout, writeTimeout, blockingGrace })) {
    if (limit !== undefined) duration(name, limit);
  }
  return {
    ...(commandTimeout !== undefined && { commandTimeout, limitsBlocking: true }),
    ...((readTimeout ?? writeTimeout) !== undefined && {
      linkLimits: { ...before.linkLimits, ...withoutUndefined({ readTimeout, writeTimeout }) },
    }),
    ...(blockingGrace !== undefined && { blockingGrace }),
    ...(idempotent !== undefined && { idempotent }),
    ...(retry !== undefined && { retry: retryPolicy(resolveRetry(retry)) }),
    ...(onUndelivered !== undefined && { onUndelivered }),
    ...(cache !== undefined && { cache: cacheWishOf(cache) }),
    ...(WITHOUT_PREFIX in options && { prefix: '' }),
  };
}

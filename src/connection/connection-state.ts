import { ConnectionError, TimeoutError, type RedisError } from '../errors';
import { isUsersWish } from './renewal';

/** What a connection is doing. `attempt` counts from 1, `delay` is milliseconds, undefined where an Observable decides. */
export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready'; readonly protocol: 2 | 3 }
  | {
      readonly kind: 'reconnecting';
      readonly attempt: number;
      readonly delay: number | undefined;
      readonly error: RedisError;
    }
  | { readonly kind: 'closed'; readonly error?: RedisError };

/** Why a connection ended. */
export type DisconnectReason = 'connection_lost' | 'timeout' | 'server_closed' | 'renewed_by_user' | 'closed_by_user';

/** A `watch` has ended. */
export interface WatchEvent {
  readonly connection: 'dedicated';
  readonly type: 'watch';
  /** how many keys were watched */
  readonly keys: number;
  /** how often it was tried */
  readonly attempts: number;
  /** the commands were executed; each attempt met a conflict; it was left, for there was nothing to do; it has failed */
  readonly outcome: 'executed' | 'conflict' | 'left' | 'failed';
}

/** Something is wrong with a sentinel: it does not answer, does not know the service, or holds its master to be down. Others may answer. */
export interface SentinelEvent {
  readonly connection: 'sentinel';
  readonly type: 'error';
  readonly error: RedisError;
}

/** What happened to one of a client's connections: to that of its commands, to that of its messages, to one of `watch`, or to one to a sentinel. */
export type ConnectionEvent =
  | WatchEvent
  | SentinelEvent
  | ({ readonly connection: 'commands' | 'messages' } & (
      | { readonly type: 'connect'; readonly protocol: 2 | 3 }
      | { readonly type: 'disconnect'; readonly reason: DisconnectReason }
      | { readonly type: 'reconnecting'; readonly attempt: number; readonly delay: number | undefined }
      | { readonly type: 'error'; readonly error: RedisError }
    ));

/** The reason that a `disconnect` event gives for a loss. */
export function reasonFor(error: RedisError): DisconnectReason {
  if (error instanceof TimeoutError) return 'timeout';
  if (isUsersWish(error)) return 'renewed_by_user';
  return error instanceof ConnectionError && error.cause === undefined ? 'server_closed' : 'connection_lost';
}

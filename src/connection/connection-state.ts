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

/** What happened to one of a client's connections: to that of its commands, or to that of its messages. */
export type ConnectionEvent = { readonly connection: 'commands' | 'messages' } & (
  | { readonly type: 'connect'; readonly protocol: 2 | 3 }
  | { readonly type: 'disconnect'; readonly reason: DisconnectReason }
  | { readonly type: 'reconnecting'; readonly attempt: number; readonly delay: number | undefined }
  | { readonly type: 'error'; readonly error: RedisError }
);

/** The reason that a `disconnect` event gives for a loss. */
export function reasonFor(error: RedisError): DisconnectReason {
  if (error instanceof TimeoutError) return 'timeout';
  if (isUsersWish(error)) return 'renewed_by_user';
  return error instanceof ConnectionError && error.cause === undefined ? 'server_closed' : 'connection_lost';
}

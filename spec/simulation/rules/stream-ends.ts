import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
} from '../../../src/errors';
import type { UseOutcome } from '../use';
import type { Scene } from './rule';

/**
 * Why a reader of streams may not end in this way: it outlives what passes by itself, and ends only with its client, with what it wanted, and
 * where it could never go on. Undefined where it may.
 */
export function complaintOfEnd(
  outcome: UseOutcome | undefined,
  isAtItsEnd: boolean,
  { around, settings }: Scene,
): string | undefined {
  if (outcome === undefined || outcome.kind === 'left' || around.over()) return undefined;
  if (outcome.kind === 'value') return isAtItsEnd ? undefined : 'has completed although more may come';
  const { error } = outcome;
  if (!(error instanceof RedisError)) return `has failed with ${String(error)}`;
  if (error instanceof AuthenticationError)
    return settings.password ? undefined : 'was refused though there is no password';
  const isPassing = error instanceof TimeoutError || error instanceof DisconnectedError;
  if (error instanceof ConnectionError && !isPassing && error.delivery === 'unsent') return undefined;
  // It may be its own reply that breaks connections.
  if (error instanceof ProtocolError) return undefined;
  // Nothing is made again that is lost, nor a connection to wait on.
  if (error instanceof DisconnectedError && settings.reconnect === 'off') return undefined;
  // A connection to wait on is tried no more than so often.
  if (error instanceof DisconnectedError && settings.reconnect === 'thrice' && error.delivery === 'unsent')
    return undefined;
  // What was to be sent again would be another command in another database.
  if (around.selectedBehind({ order: -1 })) return undefined;
  // No connection is made where the server refuses the handshake for good.
  if (error instanceof ReplyError && error.delivery !== 'answered') return undefined;
  return `was ended by ${error.name}: ${error.message}`;
}

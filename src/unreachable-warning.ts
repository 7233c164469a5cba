import type { RedisError } from './errors';

/**
 * Warns that a server cannot be reached, and why.
 * @param listenTo what would have told it
 */
export function warnUnreachable(address: string, { message }: RedisError, listenTo: string): void {
  const told = `${address} cannot be reached: ${message.replace(/\.$/, '')}. Listen to ${listenTo} to be told`;
  process.emitWarning(told, { type: 'RedisWarning', code: 'REDIS_UNREACHABLE' });
}

import { escapeGlob } from '../commands/prefix';
import type { Message } from './topic';
import type { SubscriptionKind } from './subscriptions';

/** The prefix before a channel as it is, before a pattern so that it stands for itself. */
export function prefixName(kind: SubscriptionKind, name: string, prefix: string): string {
  return (kind === 'pattern' ? escapeGlob(prefix) : prefix) + name;
}

/** The message with the names that its Observer knows. */
export function withoutPrefix<M extends Pick<Message, 'channel' | 'pattern'>>(message: M, prefix: string): M {
  const channel = message.channel.slice(prefix.length);
  if (message.pattern === undefined) return { ...message, channel };
  return { ...message, channel, pattern: message.pattern.slice(escapeGlob(prefix).length) };
}

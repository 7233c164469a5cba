import { escapeGlob } from '../commands/prefix';
import { bufferOf, type ChannelName } from './channel-name';
import type { SubscriptionKind } from './subscriptions';
import type { Message } from './topic';

/** The prefix before a channel as it is, before a pattern so that it stands for itself. */
export function prefixName(kind: SubscriptionKind, name: ChannelName, prefix: string): ChannelName {
  const before = kind === 'pattern' ? escapeGlob(prefix) : prefix;
  return typeof name === 'string' ? before + name : Buffer.concat([Buffer.from(before), name]);
}

/** The message with the names that its Observer knows. */
export function withoutPrefix<S extends string | Buffer>(message: Message<S>, prefix: string): Message<S> {
  const channel = without(message.channel, prefix);
  if (message.pattern === undefined) return { ...message, channel };
  return { ...message, channel, pattern: without(message.pattern, escapeGlob(prefix)) };
}

function without<S extends string | Buffer>(name: S, prefix: string): S {
  if (typeof name === 'string') return name.slice(prefix.length) as S;
  return bufferOf(name).subarray(Buffer.byteLength(prefix)) as S;
}

import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import { unprefixChannel } from '../prefix';
import { dictionaryOf, items, readTexts } from './collections';
import { OthersKey, readInteger, readKey, readText } from './values';

/** A channel without the prefix, undefined for one of others. */
function ownChannel(frame: Frame, { prefix }: ReplyContext): string | undefined {
  return unprefixChannel('channel', readText(frame), prefix);
}

/** Channels, the prefix taken off; those of others are left out. */
export function readChannels(frame: Frame, context: ReplyContext): string[] {
  if (context.prefix === '') return readTexts(frame);
  return items(frame)
    .map((item) => ownChannel(item, context))
    .filter((channel) => channel !== undefined);
}

function readChannel(frame: Frame, context: ReplyContext): string {
  const channel = context.prefix === '' ? readText(frame) : ownChannel(frame, context);
  if (channel === undefined) throw new OthersKey("expected a channel with the client's prefix, got another one");
  return channel;
}

/** Subscribers by channel, the prefix taken off: PUBSUB NUMSUB. */
export const readCountsByChannel: ReplyReader<Record<string, number>> = /* @__PURE__ */ dictionaryOf(
  readChannel,
  readInteger,
);

/** Subscribers by shard channel: PUBSUB SHARDNUMSUB. */
export const readCountsByShardChannel: ReplyReader<Record<string, number>> = /* @__PURE__ */ dictionaryOf(
  readKey,
  readInteger,
);

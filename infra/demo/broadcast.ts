import type { Observable } from 'rxjs';
import type { Message, Notice } from 'rxjs-redis';
import type { Client } from './place';
import type { Space } from './space';
import type { Sample } from './vitals/samples';

// In a cluster signs have shard channels: PUBLISH tells there how many hear at one node, and SPUBLISH how many do at all.

/** Publishes a sample on its sign's channel. @returns how many heard it */
export function announce(redis: Client, space: Space, sample: Sample): Observable<number> {
  const [channel, text] = [space.channel(sample.sign), JSON.stringify(sample)];
  return space.isSharded ? redis.spublish(channel, text) : redis.publish(channel, text);
}

/** What is published on the channels of all signs, and whether something may be missed: one pattern, or the channels of all shards. */
export function hear(redis: Client, space: Space): Observable<Message | Notice> {
  const options = { gaps: true } as const;
  return space.isSharded ? redis.ssubscribe(space.channels, options) : redis.subscribe(space.pattern, options);
}

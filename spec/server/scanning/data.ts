import { firstValueFrom } from 'rxjs';
import type { Command, Redis, RedisCommands } from 'rxjs-redis';
import { hset, sadd, set, zadd } from 'rxjs-redis/commands';

/** So many names, `user:0` and on. */
export function names(count: number, before = 'user:'): string[] {
  return Array.from({ length: count }, (_, n) => `${before}${n}`);
}

const AT_ONCE = 1_000;

async function inParts(
  redis: Redis,
  all: readonly string[],
  command: (part: readonly string[]) => Command | readonly Command[],
): Promise<void> {
  for (let at = 0; at < all.length; at += AT_ONCE) {
    await redis.pipeline([command(all.slice(at, at + AT_ONCE))].flat(), { failFast: true });
  }
}

/** Sets keys with these names. */
export const fillKeys = (redis: Redis, all: readonly string[]) =>
  inParts(redis, all, (part) => part.map((name) => set(name, 'value')));

/** Makes a hash with these fields, whose values are their names behind `value of `. */
export const fillHash = (redis: Redis, key: string, all: readonly string[]) =>
  inParts(redis, all, (part) => hset(key, new Map(part.map((name) => [name, `value of ${name}`]))));

export const fillSet = (redis: Redis, key: string, all: readonly string[]) =>
  inParts(redis, all, (part) => sadd(key, part));

/** Makes a sorted set with these members, whose scores are their numbers and a half. */
export const fillSortedSet = (redis: Redis, key: string, all: readonly string[]) =>
  inParts(redis, all, (part) =>
    zadd(
      key,
      part.map((name): [number, string] => [scoreOf(name), name]),
    ),
  );

export const scoreOf = (name: string): number => Number(/\d+$/.exec(name)?.[0]) + 0.5;

/** Everything that a loop gets, batch after batch. */
export async function batches<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of stream) all.push(batch);
  return all;
}

/** Everything that a loop gets, in one list. */
export async function gathered<T>(stream: AsyncIterable<readonly T[]>): Promise<T[]> {
  return (await batches(stream)).flat();
}

/** How often a server was sent a command since its statistics were reset; it is asked at once, ahead of what is sent later. */
export async function callsOf(redis: Pick<RedisCommands, 'info'>, command: string): Promise<number> {
  const { commandstats = {} } = await firstValueFrom(redis.info('commandstats'));
  return Number(/calls=(\d+)/.exec(commandstats[`cmdstat_${command}`] ?? '')?.[1] ?? 0);
}

// What the types of bulk writes allow and what they refuse: `tsc --noEmit` is the test.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { from, type Observable } from 'rxjs';
import type { LoadFailure, LoadOptions, LoadProgress, Redis, RedisPool } from 'rxjs-redis';
import { hset, set } from 'rxjs-redis/commands';
import type { Equal } from './equal';

declare const redis: Redis;
declare const pool: RedisPool;
declare const options: LoadOptions;

function is<T>() {
  return <V>(_value: V, _same: Equal<V, T>): void => undefined;
}

/** Progress has the type of the items. */
export async function items(): Promise<void> {
  const numbers = await redis.load([1, 2], (n) => set('k', n));
  is<LoadProgress<number>>()(numbers, true);
  is<readonly LoadFailure<number>[]>()(numbers.failures, true);
  const lines = await redis.load(createInterface({ input: createReadStream('f') }), (line) => hset(line, { line }));
  is<LoadProgress<string>>()(lines, true);
  const keys = redis.load(redis.scanStream(), (page) => page.map((key, at) => set(key, at)));
  const progress: Observable<LoadProgress<string[]>> = keys;
  progress.subscribe();
  await redis.load(Readable.from([1]), (item: number) => set('k', item));
  await pool.load(new Set(['a']), (item, index) => [set(item, index)], options);
  await redis.bytes.load([1], () => [], { batch: 10, concurrency: undefined, signal: AbortSignal.timeout(5) });
}

export function refused(): void {
  // @ts-expect-error an Observable cannot be paused
  void redis.load(from([1]), () => []);
  // @ts-expect-error a command, not a reply
  void redis.load([1], (n) => redis.set('k', n));
  // @ts-expect-error there is no such option
  void redis.load([1], () => [], { size: 5 });
}

// What the types of `watch` allow and what they refuse: `tsc --noEmit` is the test.

import { of, type Observable } from 'rxjs';
import type { DedicatedConnection, Redis, RedisError, WatchedValue } from 'rxjs-redis';
import * as c from 'rxjs-redis/commands';
import { type Equal, promises } from './equal';

declare const redis: Redis;
declare const bytes: Redis['bytes'];
declare const coin: boolean;
declare const keys: string[];

/** An error in the place of a value. */
type E = RedisError;

/** Compiles where the value has exactly that type. */
function has<T>() {
  return <V>(_value: V, _same: Equal<V, T>): void => undefined;
}

/** Commands in an array, or a Promise or Observable of one: a tuple of their values, or null. */
export function values(): void {
  promises<[number | E, string | null | E] | null>()(
    redis.watch('n', () => [c.incr('n'), c.get('n')]),
    true,
  );
  promises<[number | E, string | null | E] | null>()(
    redis.watch('n', () => Promise.resolve([c.incr('n'), c.get('n')] as const)),
    true,
  );
  promises<[number | E] | null>()(
    redis.watch('n', async (_watched, connection) => {
      await connection.get('a');
      return [c.incr('n')] as const;
    }),
    true,
  );
  promises<[number | E] | null>()(
    redis.watch('n', () => of([c.incr('n')] as const)),
    true,
  );
  promises<[number | E] | null>()(
    redis.watch('n', () => (coin ? [c.incr('n')] : null)),
    true,
  );
  promises<(number | E)[] | null>()(
    redis.watch(keys, () => keys.map((key) => c.incr(key))),
    true,
  );
  promises<[number] | null>()(
    redis.watch('n', () => [c.incr('n')], { failFast: true }),
    true,
  );
  promises<[number | E] | null>()(
    redis.watch('n', () => [c.incr('n')], { failFast: coin, attempts: Infinity }),
    true,
  );
  promises<[Buffer | null | E, number | E] | null>()(
    bytes.watch('n', () => [c.get('n'), c.incr('n')]),
    true,
  );
  const observed: Observable<[number | E] | null> = redis.watch('n', () => [c.incr('n')]);
  void observed;
}

/** What is watched: by key and type, or as `read` says. */
export function watched(): void {
  redis
    .watch(['a', 'b'], (found, connection) => {
      has<Record<'a' | 'b', WatchedValue>>()(found, true);
      has<DedicatedConnection>()(connection, true);
      return null;
    })
    .subscribe();
  redis.watch('a', ({ a }) => (has<WatchedValue>()(a, true), null)).subscribe();
  redis.watch(keys, (found) => (has<Record<string, WatchedValue>>()(found, true), null)).subscribe();
  redis.watch(Buffer.of(1), (found) => (has<Record<string, WatchedValue>>()(found, true), null)).subscribe();
  bytes
    .watch('a', ({ a }, connection) => {
      has<WatchedValue<Buffer>>()(a, true);
      has<DedicatedConnection<Buffer>>()(connection, true);
      return null;
    })
    .subscribe();
  redis
    .watch(
      ['h', 'n'],
      ({ user, count }) => {
        has<Record<string, string>>()(user, true);
        has<string | null>()(count, true);
        return [c.hset('h', user)];
      },
      { read: { user: c.hgetall('h'), count: c.get('n') } },
    )
    .subscribe();
  bytes
    .watch('h', ({ user }) => (has<Map<Buffer, Buffer>>()(user, true), null), { read: { user: c.hgetall('h') } })
    .subscribe();
  // @ts-expect-error no such key is watched
  redis.watch(['a', 'b'], ({ d }) => (d === null ? null : [])).subscribe();
  // @ts-expect-error nothing of that name is read
  redis.watch('h', ({ h }) => (h === null ? null : []), { read: { user: c.hgetall('h') } }).subscribe();
}

/** What is no command, no key or no option is refused. */
export function refusals(): void {
  // @ts-expect-error a reply is no command
  void redis.watch('n', () => [redis.incr('n')]);
  // @ts-expect-error a command stands in an array
  void redis.watch('n', () => c.incr('n'));
  // @ts-expect-error nothing is not null
  void redis.watch('n', () => undefined);
  // @ts-expect-error a key is no number
  void redis.watch(5, () => null);
  // @ts-expect-error there is no such option
  void redis.watch('n', () => null, { tries: 3 });
  // @ts-expect-error attempts are a number
  void redis.watch('n', () => null, { attempts: '3' });
  // @ts-expect-error a reply is no command
  void redis.watch('n', () => null, { read: { n: redis.get('n') } });
}

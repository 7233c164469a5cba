import type { Redis } from 'rxjs-redis';
import { eventually, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

const server = useServer({ own: true });
const make = useClients();

/** How a value comes to change by something else than a plain write to its key. */
interface Way {
  /** a command that the server must know */
  readonly needs?: string;
  readonly before: (other: Redis) => PromiseLike<unknown>;
  readonly read: (redis: Redis) => PromiseLike<unknown>;
  /** undefined where time changes it */
  readonly change?: (other: Redis) => PromiseLike<unknown>;
  readonly after: unknown;
}

const text = (other: Redis) => other.set('k', 'v');
const get = (redis: Redis) => redis.get('k');
const timedField = (fields: Readonly<Record<string, string>>) => (other: Redis) =>
  other.pipeline().hset('k', fields).call('HPEXPIRE', 'k', 100, 'FIELDS', 1, 'f').exec();

const ways: Readonly<Record<string, Way>> = {
  'its time is up': { before: (other) => other.psetex('k', 100, 'v'), read: get, after: null },
  'the time of a field is up': {
    needs: 'HPEXPIRE',
    before: timedField({ f: 'v', g: 'w' }),
    read: (redis) => redis.hget('k', 'f'),
    after: null,
  },
  'the time of one of its fields is up': {
    needs: 'HPEXPIRE',
    before: timedField({ f: 'v', g: 'w' }),
    read: (redis) => redis.hgetall('k'),
    after: { g: 'w' },
  },
  'the time of its last field is up': {
    needs: 'HPEXPIRE',
    before: timedField({ f: 'v' }),
    read: (redis) => redis.exists('k'),
    after: 0,
  },
  'a script writes to it that does not name it': {
    before: text,
    read: get,
    change: (other) => other.call('EVAL', "return redis.call('SET', 'k', 'w')", 0),
    after: 'w',
  },
  'a transaction writes to it': {
    before: text,
    read: get,
    change: (other) => other.multi().set('k', 'w').exec(),
    after: 'w',
  },
  'another key is renamed to it': {
    before: (other) => other.mset({ k: 'v', other: 'w' }),
    read: get,
    change: (other) => other.rename('other', 'k'),
    after: 'w',
  },
  'it is renamed': { before: text, read: get, change: (other) => other.rename('k', 'other'), after: null },
  'it is moved to another database': { before: text, read: get, change: (other) => other.move('k', 5), after: null },
  'another key is restored to it': {
    before: (other) => other.mset({ k: 'v', other: 'w' }),
    read: get,
    change: async (other) => other.call('RESTORE', 'k', 0, (await other.bytes.dump('other'))!, 'REPLACE'),
    after: 'w',
  },
  'a client that waits takes the first of its elements': {
    before: (other) => other.del('k'),
    read: (redis) => redis.lrange('k', 0, -1),
    change: async (other) => {
      const taken = Promise.resolve(other.blpop('k', 0));
      await eventually(
        () => other.call<string>('INFO', 'clients'),
        (told) => told.includes('blocked_clients:1'),
      );
      await other.rpush('k', 'a', 'b');
      await taken;
    },
    after: ['b'],
  },
  'XADD trims it': {
    before: (other) => other.pipeline().call('XADD', 'k', '1-1', 'f', 'v').call('XADD', 'k', '1-2', 'f', 'v').exec(),
    read: (redis) => redis.xlen('k'),
    change: (other) => other.call('XADD', 'k', 'MAXLEN', 1, '2-1', 'f', 'w'),
    after: 1,
  },
  'SORT stores there': {
    before: (other) => other.pipeline().rpush('other', '2', '1').rpush('k', '9').exec(),
    read: (redis) => redis.lrange('k', 0, -1),
    change: (other) => other.call('SORT', 'other', 'STORE', 'k'),
    after: ['1', '2'],
  },
  'GEORADIUS stores there': {
    before: (other) => other.pipeline().call('GEOADD', 'other', 1, 1, 'a').call('ZADD', 'k', 1, 'b').exec(),
    read: (redis) => redis.zscore('k', 'b'),
    change: (other) => other.call('GEORADIUS', 'other', 1, 1, 100, 'km', 'STORE', 'k'),
    after: null,
  },
};

describe('A value that is kept is dropped when', () => {
  it.each(Object.entries(ways))('%s', async (_, { needs, before, read, change, after }) => {
    const [redis, other] = [make({ url: server().url, cache: true }), make(server().url)];
    await other.flushall();
    if (needs !== undefined && !(await knows(other, needs))) return;
    await before(other);
    await read(redis);
    expect(redis.cache.stats).toMatchObject({ entries: 1, hits: 0 });
    await change?.(other);
    await until(() => redis.cache.stats.entries === 0);
    expect(await read(redis)).toEqual(after);
  });
});

async function knows(redis: Redis, name: string): Promise<boolean> {
  const [told] = await redis.call<readonly unknown[]>('COMMAND INFO', name);
  return told !== null;
}

import type { ConnectionEvent, Redis, RedisOptions } from 'rxjs-redis';
import { ConfigurationError } from 'rxjs-redis';
import { flushdb, get, getex, mget, set, sort, swapdb } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

// What users of other clients and of servers have reported of client tracking, tried on the cache and on live queries.

const server = useServer({ own: true });
const make = useClients();
const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: { initialDelay: 5 }, ...options });
const cachedByDefault = () => client({ cache: true });
const modes = ['default', 'optin', 'broadcast'] as const;

beforeEach(() => client().flushall());

describe.each(modes)('Values that are tracked in the mode %s', (mode) => {
  const cached = (options: RedisOptions = {}) => client({ cache: { mode }, ...options });

  it('redis#11038: survive FLUSHDB inside a transaction of their own connection, and of another', async () => {
    const [redis, other] = [cached(), client()];
    const seen = record(redis.live(get('k'))).values;
    await until(() => seen.length === 1);
    for (const one of [redis, other]) {
      await redis.set('k', '1');
      await redis.mget('k', 'm');
      expect(await one.multi(get('k'), flushdb(), get('k'), set('m', '2'), get('m'))).toStrictEqual([
        '1',
        'OK',
        null,
        'OK',
        '2',
      ]);
      await eventually(
        () => redis.mget('k', 'm'),
        ([k, m]) => k === null && m === '2',
      );
      await until(() => seen.at(-1) === null);
      expect(await redis.echo('in order')).toBe('in order');
    }
  });

  it('redis#7681: are read anew after FLUSHDB of another database, and stay what they are', async () => {
    const [redis, other] = [cached(), client({ database: 5 })];
    await redis.set('k', '1');
    const seen = record(redis.live(get('k'))).values;
    await until(() => seen.length === 1);
    await redis.get('k');
    await other.flushdb();
    await other.set('k', 'of another database');
    expect(await redis.get('k')).toBe('1');
    await redis.set('k', '2');
    await until(() => seen.at(-1) === '2');
    expect(seen).toStrictEqual(['1', '2']);
  });

  it('lettuce#3260: are all dropped by one command that deletes fifty thousand keys', async () => {
    const [redis, other] = [cached({ cache: { mode, maxEntries: 60_000 } }), client()];
    const keys = Array.from({ length: 50_000 }, (_, at) => `key:${at}`);
    for (let from = 0; from < keys.length; from += 5_000) {
      const some = keys.slice(from, from + 5_000);
      await other.mset(Object.fromEntries(some.map((key) => [key, 'x'])));
      await Promise.all(some.map((key) => redis.get(key)));
    }
    await until(() => redis.cache.stats.misses === 50_000);
    const { entries } = redis.cache.stats;
    expect(entries).toBeGreaterThan(0);
    expect(await other.unlink(...keys)).toBe(50_000);
    await until(() => redis.cache.stats.entries === 0);
    expect(await redis.get('key:7')).toBeNull();
  });

  it('are dropped when the server evicts them', async () => {
    const [redis, other] = [cached(), client()];
    await redis.set('k', '1', { PX: 3_600_000 });
    await redis.get('k');
    await eventually(
      () => redis.get('k'),
      () => redis.cache.stats.entries === 1,
    );
    await other.configSet('maxmemory-policy', 'volatile-lru');
    await other.configSet('maxmemory', '1');
    try {
      await other.set('more', '1').catch(() => undefined);
      await until(() => redis.cache.stats.entries === 0);
    } finally {
      await other.configSet('maxmemory', '0');
      await other.configSet('maxmemory-policy', 'noeviction');
    }
    expect(await redis.get('k')).toBeNull();
  });

  it('redis#11767: are dropped as soon as their connection is killed', async () => {
    const [redis, other] = [cached(), client()];
    await redis.get('k');
    await eventually(
      () => redis.get('k'),
      () => redis.cache.stats.entries === 1,
    );
    const lost = reaches(redis, 'reconnecting');
    await other.call('CLIENT KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await lost;
    expect(redis.cache.stats.entries).toBe(0);
    await other.set('k', 'while it was away');
    expect(await redis.get('k')).toBe('while it was away');
  });

  it('rueidis#534: are never null between a SET with a time and its end', async () => {
    const redis = cached();
    for (let round = 0; round < 200; round++) {
      const key = `k:${round % 7}`;
      await Promise.all([redis.get(key), redis.set(key, String(round), { PX: 60_000 }), redis.get(key)]);
      expect(await redis.get(key)).toBe(String(round));
      if (round % 3 === 0) await redis.del(key);
    }
  });

  it('of databases that are swapped by their own client are those of the other database at once', async () => {
    const [redis, other] = [cached(), client({ database: 1 })];
    await other.set('k', 'of 1');
    await redis.set('k', 'of 0');
    await redis.get('k');
    await redis.swapdb(0, 1);
    expect(await redis.get('k')).toBe('of 1');
    await redis.multi(swapdb(0, 1));
    expect(await redis.get('k')).toBe('of 0');
  });
});

describe('Databases that are swapped', () => {
  it('show in live queries when their own client has them swapped, with a cache and without', async () => {
    const ways: ((redis: Redis) => PromiseLike<unknown>)[] = [
      (redis) => redis.swapdb(0, 1),
      (redis) => redis.multi(get('k'), swapdb(0, 1)),
      (redis) => redis.call('SWAPDB', 1, 0),
      (redis) => redis.pipeline(swapdb(0, 1), get('k')),
    ];
    for (const redis of [client(), cachedByDefault()]) {
      await client({ database: 1 }).set('k', 'of 1');
      await redis.set('k', 'of 0');
      const [one, both] = [record(redis.live(get('k'))).values, record(redis.live([get('k'), get('m')])).values];
      await until(() => one.length + both.length === 2);
      for (const [at, swap] of ways.entries()) {
        await swap(redis);
        await until(() => one.length + both.length === 4 + 2 * at);
      }
      expect(one).toStrictEqual(['of 0', 'of 1', 'of 0', 'of 1', 'of 0']);
    }
  });

  it('by another client are told by no server: what was kept lasts for its `ttl`, and until the key is written to again', async () => {
    const [redis, other] = [client({ cache: { ttl: 60_000 } }), client({ database: 1 })];
    await other.set('k', 'of 1');
    await redis.set('k', 'of 0');
    const seen = record(redis.live(get('k'))).values;
    await eventually(
      () => redis.get('k'),
      () => redis.cache.stats.entries === 1 && seen.length === 1,
    );
    await other.swapdb(0, 1);
    await redis.echo('what was pushed is read');
    expect(await redis.get('k')).toBe('of 0');
    await eventually(
      () => redis.withOptions({ cache: { ttl: 1 } }).get('k'),
      (value) => value === 'of 1',
    );
    await other.select(0);
    await other.append('k', '!');
    await until(() => seen.length === 2);
    expect(seen).toStrictEqual(['of 0', 'of 1!']);
  });
});

describe('What is read', () => {
  it('redis#11814: stays in order where a transaction runs while the server forgets what it has tracked', async () => {
    const [redis, other] = [client({ cache: true }), client()];
    await other.configSet('tracking-table-max-keys', '1');
    try {
      const seen = record(redis.live(mget('a', 'b', 'c'))).values;
      await until(() => seen.length > 0);
      for (let round = 0; round < 50; round++) {
        const value = String(round);
        expect(await redis.multi(set('a', value), get('a'), mget('a', 'x', 'y'), get('z'))).toStrictEqual([
          'OK',
          value,
          [value, null, null],
          null,
        ]);
        expect(await redis.get('a')).toBe(value);
      }
    } finally {
      await other.configSet('tracking-table-max-keys', '1000000');
    }
  });

  it('redis-py#4293: is dropped when a reply breaks the protocol, or a limit, and read anew on the next connection', async () => {
    const [redis, other] = [client({ cache: true, limits: { bulk: 2_048 } }), client()];
    await redis.set('k', '1');
    await redis.get('k');
    const { values } = record(redis.live(get('k')));
    await eventually(
      () => redis.get('k'),
      () => redis.cache.stats.entries === 1 && values.length === 1,
    );
    await other.set('large', 'x'.repeat(3_000));
    const lost = reaches(redis, 'reconnecting').then(() => redis.cache.stats.entries);
    await expect(Promise.resolve(redis.get('large'))).rejects.toThrow(/too large/);
    expect(await lost).toBe(0);
    await other.set('k', '2');
    expect(await redis.get('k')).toBe('2');
    await until(() => values.at(-1) === '2');
  });

  it('redis#13839: by a command that may write is not kept, and cannot be followed', async () => {
    const redis = client({ cache: true });
    await redis.set('k', '1');
    await redis.rpush('l', '2', '1');
    for (let i = 0; i < 2; i++) {
      expect(await redis.sort('l')).toStrictEqual(['1', '2']);
    }
    expect(redis.cache.stats).toMatchObject({ hits: 0, entries: 0 });
    expect(() => redis.live(sort('l'))).toThrow(/no change of what SORT reads: SORT_RO only reads/);
    expect(() => redis.live(getex('k') as never)).toThrow(/no change of what GETEX reads: GET only reads/);
  });

  it('redis-rs#1884: by a pattern is not kept', async () => {
    const [redis, other] = [client({ cache: true }), client()];
    expect(await redis.keys('*')).toStrictEqual([]);
    await other.set('k', '1');
    expect(await redis.keys('*')).toStrictEqual(['k']);
    expect(redis.cache.stats).toMatchObject({ hits: 0, misses: 0 });
  });

  it('is told not to be kept, once, where the ACL refuses CLIENT CACHING alone, and a live query errors', async () => {
    const admin = client();
    const [version] = [await admin.call<string>('INFO', 'server')];
    const isOld = version.includes('redis_version:6.');
    await admin.aclSetuser('half', [
      'on',
      '>secret',
      '~*',
      '+@all',
      ...(isOld ? ['-client', '+client|tracking'] : ['-client|caching']),
    ]);
    const redis = client({ cache: { mode: 'optin' }, username: 'half', password: 'secret', clientInfo: false });
    const events = record<ConnectionEvent>(redis.events$).values;
    for (let i = 0; i < 3; i++) expect(await redis.get('k')).toBeNull();
    expect(events.flatMap((event) => (event.type === 'error' ? [event.error] : []))).toStrictEqual([
      expect.any(ConfigurationError),
    ]);
    const live = record(redis.live(get('k')));
    await until(() => live.ended !== undefined);
    expect(live.ended).toBeInstanceOf(ConfigurationError);
  });

  it('fails with the error of the function that says which keys are kept, and nothing else does', async () => {
    const keys = (key: string): boolean => {
      if (key === 'k') throw new Error('no such key');
      return true;
    };
    const redis = client({ cache: { keys } });
    await expect(Promise.resolve(redis.get('k'))).rejects.toThrow('no such key');
    expect(await redis.get('m')).toBeNull();
    expect(await redis.get('m')).toBeNull();
    expect(redis.cache.stats.hits).toBe(1);
  });

  it('without the keys that it needs is refused by the server, with a cache as without', async () => {
    const redis = client({ cache: true });
    for (const name of ['MGET', 'GET', 'SINTER', 'HGET'])
      await expect(Promise.resolve(redis.call(name))).rejects.toThrow(/wrong number/);
    for (const [name, ...args] of [
      ['SINTERCARD', '0'],
      ['ZDIFF', '0'],
      ['ZUNION', 'x'],
      ['ZINTER', '5', 'a'],
    ] as const)
      await expect(Promise.resolve(redis.call(name, ...args))).rejects.toThrow(/ERR/);
  });
});

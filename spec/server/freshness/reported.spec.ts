import type { RedisOptions } from 'rxjs-redis';
import { get, mget } from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

// What users of other clients and of servers have reported of client tracking, tried on this client.

const server = useServer({ own: true });
const make = useClients();
const client = (options: RedisOptions = {}) => make({ url: server().url, ...options });
const cached = (options: RedisOptions = {}) => client({ cache: true, ...options });

beforeEach(() => client().flushall());

describe('What was reported of client tracking', () => {
  it('redis-py#4041: every command that writes drops what it writes to', async () => {
    const redis = cached();
    const writes: [() => PromiseLike<unknown>, string | null][] = [
      [() => redis.incrby('k', 2), '3'],
      [() => redis.decr('k'), '2'],
      [() => redis.append('k', '0'), '20'],
      [() => redis.psetex('k', 60_000, '5'), '5'],
      [() => redis.getset('k', '6'), '6'],
      [() => redis.mset({ a: '1', k: '7' }), '7'],
      [() => redis.setrange('k', 1, 'x'), '7x'],
      [() => redis.rename('a', 'k'), '1'],
      [() => redis.unlink('k'), null],
      [() => redis.setnx('k', '9'), '9'],
      [() => redis.call('DEL', 'k'), null],
      [() => redis.bitop('OR', 'k', 'none'), null],
    ];
    await redis.set('k', '1');
    for (const [write, expected] of writes) {
      await redis.get('k');
      await write();
      expect(await redis.get('k')).toBe(expected);
    }
  });

  it('rueidis#239: MGET of the same keys in another order is another reply, and each key ends both', async () => {
    const [redis, other] = [cached(), client()];
    await other.mset({ a: '1', b: '2' });
    const both = async () => [await redis.mget('a', 'b'), await redis.mget('b', 'a'), await redis.mget('a', 'none')];
    await both();
    expect(await both()).toStrictEqual([
      ['1', '2'],
      ['2', '1'],
      ['1', null],
    ]);
    expect(redis.cache.stats).toMatchObject({ hits: 3, entries: 3 });
    await other.set('b', '3');
    await until(() => redis.cache.stats.entries === 1);
    await other.set('none', '4');
    await until(() => redis.cache.stats.entries === 0);
    expect(await both()).toStrictEqual([
      ['1', '3'],
      ['3', '1'],
      ['1', '4'],
    ]);
  });

  it('rueidis#409: a key that is not there is kept as such until it is made', async () => {
    const [redis, other] = [cached(), client()];
    expect([await redis.exists('k'), await redis.exists('k'), redis.cache.stats.hits]).toStrictEqual([0, 0, 1]);
    await other.set('k', '1');
    expect(
      await eventually(
        async () => {
          await client().ping();
          return redis.exists('k');
        },
        (count) => count === 1,
      ),
    ).toBe(1);
  });

  it('redis#8935: invalidations of expired keys inside the reply to MGET are none of its elements', async () => {
    const [redis, other] = [cached(), client()];
    const keys = Array.from({ length: 50 }, (_, at) => `key:${at}`);
    for (let round = 0; round < 20; round++) {
      await other.pipeline(keys.map((key) => get(key)).slice(0, 1));
      await Promise.all(keys.map((key) => other.set(key, key, { PX: 1 + (round % 5) })));
      await Promise.all(keys.map((key) => redis.get(key)));
      const values = await redis.withOptions({ cache: false }).mget(...keys);
      expect(values).toHaveLength(keys.length);
      expect(values.every((value, at) => value === null || value === keys[at])).toBe(true);
    }
  });

  it('redis#7249: a key that the server forgets, because its table is full, is invalidated', async () => {
    const [redis, other] = [cached(), client()];
    await other.configSet('tracking-table-max-keys', 10);
    for (let i = 0; i < 200; i++) await redis.get(`key:${i}`);
    await until(() => redis.cache.stats.entries <= 20);
    await other.configSet('tracking-table-max-keys', 1_000_000);
    expect(redis.cache.stats.invalidations).toBeGreaterThan(150);
  });

  it('redis#13701: EXPIRE is told as a change, of which a live query shows nothing', async () => {
    const [redis, other] = [client(), client()];
    await other.set('k', '1');
    const { values } = record(redis.live(get('k')));
    await until(() => values.length === 1);
    await other.expire('k', 100);
    await other.persist('k');
    await other.set('k', '2');
    await until(() => values.length === 2);
    expect(values).toStrictEqual(['1', '2']);
  });

  it('redis#7122: each of several clients is told of a broadcast, that of the writer too', async () => {
    const all = [1, 2, 3].map(() => cached({ cache: { mode: 'broadcast', keys: 'u:' } }));
    const seen = all.map((redis) => record(redis.live(get('u:1'))));
    await until(() => seen.every(({ values }) => values.length === 1));
    for (const [at, redis] of all.entries()) {
      await redis.set('u:1', String(at));
      await until(() => seen.every(({ values }) => values.at(-1) === String(at)));
    }
  });

  it('go-redis#3794: another user or another database is answered nothing that was kept before', async () => {
    const [redis, admin] = [cached(), client()];
    await admin.aclSetuser('limited', ['on', '>secret', '~own:*', '+@all']);
    await admin.set('k', '1');
    await redis.get('k');
    const [, behind] = await Promise.all([redis.select(1), redis.get('k')]);
    expect([behind, await redis.get('k')]).toStrictEqual([null, null]);
    await redis.select(0);
    expect(await redis.get('k')).toBe('1');
    await redis.auth('limited', 'secret');
    await expect(redis.get('k')).rejects.toThrow('NOPERM');
    await expect(redis.get('k')).rejects.toThrow('NOPERM');
  });

  it('valkey-glide#6793: null among values is kept', async () => {
    const redis = cached();
    expect([await redis.mget('a', 'b'), await redis.mget('a', 'b'), redis.cache.stats.hits]).toStrictEqual([
      [null, null],
      [null, null],
      1,
    ]);
  });

  it('lettuce#3769: of two reads of one key, one of them before and one behind an invalidation, the newer one is kept', async () => {
    const [redis, other] = [cached(), client()];
    for (let round = 0; round < 200; round++) {
      const first = redis.mget('k', 'm');
      const reading = Promise.all([first, redis.get('k')]);
      await Promise.all([other.set('k', String(round)), reading, redis.get('k'), redis.bytes.get('k')]);
    }
    await other.set('k', 'last');
    await eventually(
      async () => {
        await other.ping();
        return redis.live(mget('k')) && redis.get('k');
      },
      (value) => value === 'last',
    );
  });
});

import { count, firstValueFrom, merge, mergeMap, range, take, toArray } from 'rxjs';
import { ConfigurationError, type ConnectionEvent, type RedisOptions } from 'rxjs-redis';
import { clientTracking, get, set } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const server = useServer({ own: true });
const proxy = useProxy(server);
const make = useClients();
const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: { initialDelay: 5 }, ...options });
const cached = (options: RedisOptions = {}) => client({ cache: true, ...options });
const calls = async (name: string): Promise<number> => {
  const stats = await client().call<string>('INFO', 'commandstats');
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
};

beforeEach(async () => {
  const admin = client();
  await admin.flushall();
  await admin.mset({ k: '1', m: '2' });
  await admin.configResetstat();
});

describe.each(['default', 'optin', 'broadcast'] as const)('A cache in the mode %s', (mode) => {
  const open = (options: RedisOptions = {}) => cached({ cache: { mode }, ...options });

  it('answers a read from memory until another client changes its key', async () => {
    const [redis, other] = [open(), client()];
    for (let i = 0; i < 100; i++) expect(await redis.get('k')).toBe('1');
    expect([await calls('get'), redis.cache.stats]).toMatchObject([1, { hits: 99, misses: 1, entries: 1 }]);
    await other.set('k', '2');
    await until(() => redis.cache.stats.entries === 0);
    expect([await redis.get('k'), redis.cache.stats.invalidations]).toStrictEqual(['2', 1]);
  });

  it('shows own writes at once, however they are made', async () => {
    const redis = open();
    const ways: (() => PromiseLike<unknown>)[] = [
      () => redis.set('k', 'set'),
      () => redis.call('SET', 'k', 'call'),
      () => redis.bytes.set('k', 'bytes'),
      () => redis.pipeline().set('k', 'pipeline').exec(),
      () => redis.multi().set('k', 'multi').exec(),
      () => redis.script("return redis.call('SET', KEYS[1], 'script')", { keys: 1 })(['k'], []),
      () => redis.script("return redis.call('SET', 'k', 'undeclared')", { keys: 0 })([], []),
      () => redis.dedicated((connection) => connection.set('k', 'dedicated')),
      () =>
        redis.dedicated(async (connection) => {
          await connection.call('MULTI');
          await connection.set('k', 'by hand');
          await connection.exec();
        }),
      () => redis.watch('k', () => [set('k', 'watch')]),
      () => redis.flushdb(),
    ];
    const seen: unknown[] = [];
    for (const write of ways) {
      await redis.get('k');
      await write();
      seen.push(await redis.get('k'));
    }
    expect(seen).toStrictEqual([
      'set',
      'call',
      'bytes',
      'pipeline',
      'multi',
      'script',
      'undeclared',
      'dedicated',
      'by hand',
      'watch',
      null,
    ]);
  });

  it('sends a read that is called behind a write that is under way', async () => {
    const redis = open();
    await redis.get('k');
    const [, behind, , last] = await Promise.all([
      redis.set('k', 'a'),
      redis.get('k'),
      redis.set('k', 'b'),
      redis.get('k'),
    ]);
    expect([behind, last, await redis.get('k')]).toStrictEqual(['a', 'b', 'b']);
  });

  it('sends one read for all that ask for the same at the same time', async () => {
    const redis = open();
    await redis.ping();
    const all = await Promise.all(Array.from({ length: 100 }, () => redis.get('k')));
    expect([new Set(all), await calls('get')]).toStrictEqual([new Set(['1']), 1]);
  });

  it('drops everything at FLUSHALL, and at once when the connection is lost', async () => {
    const [redis, other] = [open({ url: proxy().url() }), client()];
    await redis.mget('k', 'm');
    await redis.get('k');
    expect(redis.cache.stats.entries).toBe(2);
    await other.flushall();
    await until(() => redis.cache.stats.entries === 0);
    await redis.get('k');
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(redis.cache.stats.entries).toBe(0);
    await other.set('k', 'later');
    await proxy().refuse(false);
    expect(await redis.get('k')).toBe('later');
    await other.set('k', 'tracked');
    await eventually(
      () => redis.get('k'),
      (value) => value === 'tracked',
    );
  });

  it('does not mix strings, bytes, binary keys and prefixes', async () => {
    const redis = open({ prefix: 'p:' });
    await redis.set('k', 'prefixed');
    await redis.set(Uint8Array.of(0xff), 'ff');
    await redis.set(Uint8Array.of(0xfe), 'fe');
    for (let round = 0; round < 2; round++) {
      expect(await redis.get('k')).toBe('prefixed');
      expect(await redis.bytes.get('k')).toStrictEqual(Buffer.from('prefixed'));
      expect(await redis.get(Uint8Array.of(0xff))).toBe('ff');
      expect(await redis.get(Uint8Array.of(0xfe))).toBe('fe');
      expect(await redis.get('\ufffd')).toBeNull();
    }
    expect(redis.cache.stats).toMatchObject({ hits: 5, misses: 5 });
  });
});

describe('A cache', () => {
  it('answers synchronously on subscribe, and emits once', async () => {
    const redis = cached();
    await redis.get('k');
    expect(record(redis.get('k'))).toMatchObject({ values: ['1'], ended: 'complete' });
  });

  it('answers what is awaited in the next microtask', async () => {
    const redis = cached();
    await redis.get('k');
    const order: string[] = [];
    void redis.get('k').then((value) => order.push(value!));
    await Promise.resolve();
    order.push('behind one microtask');
    expect(order).toStrictEqual(['1', 'behind one microtask']);
  });

  // RxJS begins the next of a backlog inside the end of the one before, ever deeper in the stack.
  it('answers reads that begin inside the answers of others, however many', async () => {
    const redis = cached();
    const reads = range(0, 9_000).pipe(mergeMap(() => redis.get('k'), 1));
    await expect(firstValueFrom(reads.pipe(count()))).resolves.toBe(9_000);
    expect([await calls('get'), redis.cache.stats.hits]).toStrictEqual([1, 8_999]);
  });

  it('keeps a reply of a key that UTF-8 cannot express, which travels as U+FFFD', async () => {
    const redis = cached();
    for (let times = 0; times < 3; times++) await redis.get('\ud800');
    expect([await calls('get'), redis.cache.stats.hits]).toStrictEqual([1, 2]);
  });

  it('hands out objects that a caller may change', async () => {
    const redis = cached();
    await redis.hset('h', { f: '1' });
    await redis.rpush('l', 'a', 'b');
    for (let round = 0; round < 3; round++) {
      const hash = await redis.hgetall('h');
      const list = await redis.lrange('l', 0, -1);
      const bytes = await redis.bytes.get('k');
      expect([{ ...hash }, list, bytes]).toStrictEqual([{ f: '1' }, ['a', 'b'], Buffer.from('1')]);
      hash.f = 'changed';
      list.reverse().push('c');
      bytes!.fill(0);
    }
    const [one, two] = await Promise.all([redis.lrange('l', 0, 0), redis.lrange('l', 0, 0)]);
    one.push('changed');
    expect(two).toStrictEqual(['a']);
  });

  it('does not keep errors, and reads that are not deterministic', async () => {
    const redis = cached();
    await redis.lpush('l', 'v');
    const failed = () => redis.get('l').catch((error: Error) => error.message);
    expect([await failed(), await failed()]).toStrictEqual([
      expect.stringContaining('WRONGTYPE'),
      expect.stringContaining('WRONGTYPE'),
    ]);
    for (let i = 0; i < 2; i++) {
      await redis.randomkey();
      await redis.scan('0');
      await redis.ttl('k');
      await redis.srandmember('none');
      await redis.objectEncoding('k');
      await redis.dbsize();
    }
    expect(redis.cache.stats.entries).toBe(0);
  });

  it('keeps no more than `maxEntries`, and those that were used last', async () => {
    const redis = cached({ cache: { maxEntries: 3 } });
    for (const key of ['a', 'b', 'c']) await redis.get(key);
    await redis.get('a');
    await redis.get('d');
    await redis.get('a');
    await redis.get('b');
    expect(redis.cache.stats).toMatchObject({ entries: 3, evictions: 2, hits: 2, misses: 5 });
  });

  it('keeps no more than `maxBytes`, and no reply that is larger', async () => {
    const redis = cached({ cache: { maxBytes: 4_000 } });
    await redis.set('large', 'x'.repeat(5_000));
    for (let i = 0; i < 3; i++) await redis.get('large');
    expect(redis.cache.stats).toMatchObject({ entries: 0, bytes: 0 });
    for (let i = 0; i < 100; i++) await redis.get(`key:${i}`);
    expect(redis.cache.stats.bytes).toBeLessThanOrEqual(4_000);
    expect(redis.cache.stats.bytes).toBeGreaterThan(2_000);
  });

  it('keeps a reply for `ttl` ms, for some commands for another time, and that of TTL where it is asked to', async () => {
    const redis = cached({ cache: { ttl: 60_000 } });
    await redis.get('k');
    const shortly = redis.withOptions({ cache: { ttl: 1 } });
    const before = performance.now();
    await until(() => performance.now() - before > 2);
    await shortly.get('k');
    expect(redis.cache.stats).toMatchObject({ hits: 0, misses: 2 });
    const longer = redis.withOptions({ cache: { ttl: 60_000 } });
    await longer.ttl('k');
    await longer.ttl('k');
    await redis.ttl('k');
    expect([redis.cache.stats.hits, await calls('ttl')]).toStrictEqual([1, 2]);
  });

  it('goes to the server where `withOptions({ cache: false })` says so', async () => {
    const redis = cached();
    await redis.get('k');
    await redis.withOptions({ cache: false }).get('k');
    expect(await calls('get')).toBe(2);
  });

  it('keeps the keys that `keys` names alone', async () => {
    const [some, chosen] = [
      cached({ cache: { keys: ['u:', 'v:'] }, prefix: 'p:' }),
      cached({ cache: { keys: (key) => key === 'u:2' }, prefix: 'p:' }),
    ];
    for (const redis of [some, chosen]) for (const key of ['u:1', 'u:2', 'x']) await redis.get(key);
    expect([some.cache.stats.entries, chosen.cache.stats.entries]).toStrictEqual([2, 1]);
  });

  it('is told of its keys alone in the mode broadcast, and a live query of others is refused', async () => {
    const [redis, other] = [cached({ cache: { mode: 'broadcast', keys: 'u:' }, prefix: 'p:' }), client()];
    await redis.get('u:1');
    const live = record(redis.live(get('u:1')));
    const refused = record(redis.live(get('k')));
    await until(() => live.values.length === 1);
    await other.set('p:u:1', '1');
    await until(() => live.values.length === 2);
    expect([await redis.get('u:1'), (refused.ended as Error).name]).toStrictEqual(['1', 'TypeError']);
  });

  it('tells once by an event that it cannot keep anything, and goes on: in RESP2, and where the ACL refuses tracking', async () => {
    await client().aclSetuser('untracked', ['on', '>secret', '~*', '+@all', '-client']);
    const clients = [
      cached({ protocol: 2 }),
      cached({ username: 'untracked', password: 'secret', clientInfo: false }),
      cached({ onConnect: () => [clientTracking('ON')] }),
    ];
    for (const redis of clients) {
      const { values } = record<ConnectionEvent>(redis.events$);
      expect([await redis.get('k'), await redis.get('k')]).toStrictEqual(['1', '1']);
      expect(redis.cache.stats).toMatchObject({ entries: 0, hits: 0 });
      const errors = values.flatMap((event) => (event.type === 'error' ? [event.error] : []));
      expect(errors).toStrictEqual([expect.any(ConfigurationError)]);
    }
  });

  it('refuses CLIENT TRACKING of its user', () => {
    expect(() => cached({ onConnect: [clientTracking('ON')] })).toThrow(TypeError);
    expect(() => cached().call('CLIENT TRACKING', 'OFF')).toThrow(TypeError);
    expect(() => cached().call('CLIENT', 'TRACKING', 'OFF')).toThrow(TypeError);
  });

  it('tells its figures by `stats$`, is emptied by `clear()`, and ends with its client', async () => {
    const redis = cached();
    const stats = record(redis.cache.stats$);
    expect(stats.values).toHaveLength(1);
    await redis.get('k');
    await until(() => stats.values.length === 2);
    expect(stats.values[1]).toStrictEqual(redis.cache.stats);
    redis.cache.clear();
    expect(redis.cache.stats).toMatchObject({ entries: 0, bytes: 0 });
    await redis.get('k');
    await redis.close();
    expect([redis.cache.stats.entries, stats.ended]).toStrictEqual([0, 'complete']);
    await expect(redis.get('k')).rejects.toThrow('closed');
    expect(client().cache.stats.hits).toBe(0);
  });

  it('holds what it keeps, and an index of as many keys, whatever passes through it', async () => {
    const redis = cached({ cache: { maxEntries: 1_000 } });
    const other = client();
    for (let i = 0; i < 100_000; i += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, at) => redis.get(`key:${i + at}`)));
    }
    expect(redis.cache.stats).toMatchObject({ entries: 1_000, evictions: 99_000 });
    await other.flushall();
    await until(() => redis.cache.stats.entries === 0);
    expect(redis.cache.stats).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('feeds operators as a reply does', async () => {
    const redis = cached();
    expect(
      await firstValueFrom(merge(redis.get('k'), redis.get('m'), redis.get('k')).pipe(take(3), toArray())),
    ).toHaveLength(3);
  });
});

describe('A connection that is dead and does not say so', () => {
  it('has its values dropped after `staleAfter` ms of silence', async () => {
    const redis = cached({ url: proxy().url(), cache: { staleAfter: 300 }, readTimeout: 60_000 });
    expect(await redis.get('k')).toBe('1');
    proxy().blackhole(true);
    const since = performance.now();
    await client().set('k', 'changed');
    await until(() => redis.cache.stats.entries === 0);
    // The bound is that of its own clock; how late the timer is, is this machine's business.
    expect(performance.now() - since).toBeLessThan(60_000);
    proxy().blackhole(false);
    expect(await redis.get('k')).toBe('changed');
  });

  it('keeps what it has as long as the server answers', async () => {
    const redis = cached({ url: proxy().url(), cache: { staleAfter: 100 } });
    // A process that is late itself drops what it has, and reads it again.
    const pings = async (): Promise<number> => {
      await redis.get('k');
      return calls('ping');
    };
    const asked = await eventually(pings, (count) => count >= 10);
    expect(redis.cache.stats.misses).toBeLessThan(asked);
  });
});

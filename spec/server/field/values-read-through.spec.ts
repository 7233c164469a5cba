import { NEVER, Subject, map, throwError, timer } from 'rxjs';
import type { ConnectionEvent, RedisOptions } from 'rxjs-redis';
import { eventually, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

// What users of other libraries have reported of values that are loaded and stored, tried on `cached`.

const server = useServer({ own: true });
const make = useClients();
const client = (options: RedisOptions = {}) => make({ url: server().url, ...options });
const ttl = 60_000;
/** No lock ends by itself while a spec runs. */
const LONG = 3_600_000;
/** What `cached` stores: a value that has so long to live, and took so long to load. */
const stored = (value: unknown, lasts: number, took = 1) => `${Date.now() + lasts} ${took} ${JSON.stringify(value)}`;

beforeEach(() => client().flushall());

describe('A value that is read through the server', () => {
  it('rueidis#1010: gives up its lock when its caller leaves before it is loaded', async () => {
    const redis = client();
    const left = redis.cached('k', () => NEVER, { ttl, lock: LONG }).subscribe();
    await eventually(
      () => redis.exists('k:lock'),
      (count) => count === 1,
    );
    left.unsubscribe();
    await eventually(
      () => redis.exists('k:lock'),
      (count) => count === 0,
    );
    expect(await client().cached('k', () => 'loaded', { ttl, lock: true })).toBe('loaded');
  });

  it('rueidis#1010: leaves no lock where its caller leaves while that is taken', async () => {
    const redis = client();
    for (let round = 0; round < 20; round++) {
      const leaving = redis.cached('k', () => NEVER, { ttl, lock: LONG }).subscribe();
      for (let pings = 0; pings < round % 4; pings++) await redis.ping();
      leaving.unsubscribe();
      await eventually(
        () => redis.exists('k:lock'),
        (count) => count === 0,
      );
    }
  });

  it('is loaded for a caller that needs it beside a load in the background that another process has the lock for', async () => {
    const redis = client();
    await redis.set('k', stored('old', ttl, 1e9));
    await redis.set('k:lock', 'another process', { PX: 1_000 });
    const second: { values: unknown[]; ended: unknown }[] = [];
    redis
      .cached('k', () => 'first', { ttl, lock: true })
      .subscribe(() => {
        redis.del('k').forget();
        second.push(record(redis.cached('k', () => 'second', { ttl, lock: true })));
      });
    await until(() => second[0]?.ended !== undefined);
    expect(second).toMatchObject([{ values: ['second'], ended: 'complete' }]);
  });

  it('cacheable#888: is loaded once where many ask for few', async () => {
    const redis = client();
    const loads: number[] = [];
    const load = (id: number) => () => {
      loads.push(id);
      return timer(5).pipe(map(() => `user ${id}`));
    };
    const all = Array.from({ length: 999 }, (_, at) => redis.cached(`user:${at % 3}`, load(at % 3), { ttl }));
    expect(await Promise.all(all)).toStrictEqual(Array.from({ length: 999 }, (_, at) => `user ${at % 3}`));
    expect(loads.sort()).toStrictEqual([0, 1, 2]);
  });

  it('cacheable#619: is loaded once in the background, however many read it meanwhile', async () => {
    const redis = client();
    await redis.set('k', stored('old', ttl, 1e9));
    const loaded = new Subject<string>();
    let loads = 0;
    const read = () =>
      redis.cached(
        'k',
        () => {
          loads++;
          return loaded;
        },
        { ttl, jitter: 0 },
      );
    for (let i = 0; i < 20; i++) expect(await read()).toBe('old');
    loaded.next('new');
    loaded.complete();
    await eventually(
      () => redis.get('k'),
      (text) => text!.endsWith('"new"'),
    );
    expect(loads).toBe(1);
  });

  it('cacheable#138: stays as it is, and tells of it, where loading it in the background fails', async () => {
    const redis = client();
    const events = record<ConnectionEvent>(redis.events$).values;
    await redis.set('k', stored('old', ttl, 1e9));
    expect(await redis.cached('k', () => throwError(() => new Error('no database')), { ttl })).toBe('old');
    await until(() => events.some((event) => event.type === 'error' && event.error.message.includes('no database')));
    expect(await redis.get('k')).toMatch(/"old"$/);
  });

  it.each([0, '', false, [], { none: undefined }].map((value) => [value]))(
    'getkirby#4627: %j is a value as any other',
    async (value) => {
      const redis = client();
      let loads = 0;
      const read = () =>
        redis.cached<unknown>(
          'k',
          () => {
            loads++;
            return value;
          },
          { ttl, beta: 0 },
        );
      await read();
      expect([await read(), loads]).toEqual([value, 1]);
    },
  );

  it('is its caller’s where the server has no room for it, which is told', async () => {
    const redis = client();
    const events = record<ConnectionEvent>(redis.events$).values;
    await redis.configSet('maxmemory', '1');
    try {
      expect(await redis.cached('k', () => 'loaded', { ttl })).toBe('loaded');
      expect(events).toContainEqual(expect.objectContaining({ type: 'error' }));
    } finally {
      await redis.configSet('maxmemory', '0');
    }
    expect(await redis.exists('k')).toBe(0);
  });

  it('is an object of each caller’s own, also where one load was for all of them', async () => {
    const redis = client();
    const load = () => timer(1).pipe(map(() => ({ tags: ['a'] })));
    const all = await Promise.all([1, 2, 3].map(() => redis.cached('k', load, { ttl })));
    all[0]!.tags.push('changed');
    expect(all.slice(1)).toStrictEqual([{ tags: ['a'] }, { tags: ['a'] }]);
  });

  it('is the same for the caller that it is loaded for as for those that read it later', async () => {
    const redis = client();
    const read = () => redis.cached<unknown>('k', () => ({ at: new Date(0), none: undefined }), { ttl, beta: 0 });
    const first = await read();
    expect(first).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' });
    expect(await read()).toStrictEqual(first);
  });

  it('fails where it can be written and not be read again', async () => {
    const serializer = {
      serialize: String,
      deserialize: () => {
        throw new Error('no way back');
      },
    };
    const reading = client().cached('k', () => 1, { ttl, serializer });
    await expect(reading).rejects.toMatchObject({ code: 'SERIALIZATION', cause: { message: 'no way back' } });
  });

  it('is in memory where its client has a cache, until another client stores another', async () => {
    const [redis, other] = [client({ cache: true }), client()];
    const read = () => redis.cached('k', () => 'loaded', { ttl, beta: 0, lock: true });
    await eventually(read, () => redis.cache.stats.hits > 0);
    await other.set('k', stored('theirs', ttl));
    await eventually(read, (value) => value === 'theirs');
    await other.unlink('k');
    await eventually(read, (value) => value === 'loaded');
  });

  it.each([
    ['a prefix', { prefix: 'p:' }, 'k', 'p:k'],
    ['RESP2', { protocol: 2 }, 'k', 'k'],
    ['a key of bytes', {}, Uint8Array.of(0xff, 0x00), Buffer.of(0xff, 0x00)],
    ['a cache by opt-in', { cache: { mode: 'optin' } }, 'k', 'k'],
  ] as const)('is loaded once, under its own key, with %s', async (_, options, key, name) => {
    const redis = client(options);
    let loads = 0;
    const load = () => ({ load: ++loads });
    for (const view of [redis, redis.bytes, client(options)])
      expect(await view.cached(key, load, { ttl, beta: 0, lock: LONG })).toStrictEqual({ load: 1 });
    expect(await client().exists(name)).toBe(1);
    expect(await client().dbsize()).toBe(1);
  });

  it('omegaup#8962: is not loaded by a process that gets the lock behind the one that has loaded it', async () => {
    const [redis, other] = [client(), client()];
    await redis.set('k:lock', 'another process');
    const waiting = record(redis.cached('k', () => 'loaded twice', { ttl, lock: true }));
    await eventually(
      async () => (await redis.call<string>('INFO', 'commandstats')).match(/cmdstat_set:calls=(\d+)/)?.[1],
      (count) => Number(count) > 2,
    );
    await other.multi().set('k', stored('theirs', ttl)).del('k:lock').exec();
    await until(() => waiting.ended !== undefined);
    expect(waiting.values).toStrictEqual(['theirs']);
  });

  it('is loaded by another process when the one that has the lock has died', async () => {
    const redis = client();
    await redis.set('k:lock', 'a process that has died', { PX: 200 });
    expect(await redis.cached('k', () => 'loaded', { ttl, lock: true })).toBe('loaded');
  });

  it('cashews#127: keeps nothing else waiting where a thousand are loaded under locks at once', async () => {
    const redis = client();
    const load = (id: number) => () => timer(1).pipe(map(() => id));
    const all = Array.from({ length: 1_000 }, (_, id) => redis.cached(`k:${id}`, load(id), { ttl, lock: LONG }));
    expect(await Promise.all(all)).toStrictEqual(Array.from({ length: 1_000 }, (_, id) => id));
    expect(await redis.call('EVAL', "return #redis.call('KEYS', '*:lock')", 0)).toBe(0);
  });
});

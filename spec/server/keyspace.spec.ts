import type { KeyspaceEvent, Notice, RedisOptions } from 'rxjs-redis';
import { startServer } from '../../infra/servers';
import { missingFlags } from '../../src/pubsub/notification-flags';
import { eventually, record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';

const SETTING = 'notify-keyspace-events';

describe.each([3, 2] as const)('Keyspace events in RESP%d', (protocol) => {
  const server = useServer();
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: server().url, protocol, reconnect: { initialDelay: 5 }, ...options });
  const setting = async (flags: string) => {
    const admin = client();
    await admin.configSet(SETTING, flags);
    return admin;
  };
  const flagsOf = async (admin: ReturnType<typeof client>) => (await admin.configGet(SETTING))[SETTING]!;
  /** An event comes with the key last written to. */
  const standing = async (redis: ReturnType<typeof client>, values: readonly unknown[]) =>
    eventually(
      () => redis.set('standing', 'x'),
      () => values.length > 0,
    );

  it('come with key, event and database, those of other keys and databases do not', async () => {
    const admin = await setting('KA');
    const redis = client({ database: 3 });
    const { values } = record(redis.keyspace('user:*', { gaps: true }));
    await until(() => values.length === 1);
    await admin.set('user:1', 'of database 0');
    await redis.set('other', 'x');
    await redis.set('user:1', 'x');
    await redis.del('user:1');
    await until(() => values.length === 3);
    expect(values).toStrictEqual([
      { type: 'subscribed', pattern: 'user:*' },
      { key: 'user:1', event: 'set', database: 3 },
      { key: 'user:1', event: 'del', database: 3 },
    ]);
  });

  it.each(['p:', 'p[*]:', Buffer.from([0xff, 0x3a])])(
    'are those of own keys, without the prefix %p',
    async (prefix) => {
      const admin = await setting('KA');
      const redis = client({ prefix });
      const text = record(redis.keyspace(['k', 'k:*'], { gaps: true })).values;
      const bytes = record(redis.bytes.keyspace(['k', 'k:*'], { gaps: true })).values;
      await until(() => text.length === 2 && bytes.length === 2);
      await admin.set('k', 'not own');
      await redis.set('k', 'x');
      await redis.set('k:1', 'x');
      await until(() => text.length === 4 && bytes.length === 4);
      const named = text.map((item) => ('key' in item ? item.key : item.pattern));
      expect(named.slice(0, 2).sort()).toStrictEqual(['k', 'k:*']);
      expect(named.slice(2)).toStrictEqual(['k', 'k:1']);
      expect(bytes.slice(2)).toStrictEqual(
        ['k', 'k:1'].map((key) => ({ key: Buffer.from(key), event: 'set', database: 0 })),
      );
    },
  );

  it('are those that are wanted', async () => {
    await setting('KA');
    const redis = client();
    const { values } = record(redis.keyspace('k', { events: ['expired', 'del'] }));
    await redis.set('k', 'x');
    await eventually(
      async () => {
        await redis.set('k', 'x');
        return await redis.del('k');
      },
      () => values.length > 0,
    );
    await redis.set('k', 'x', { PX: 1 });
    await eventually(
      () => redis.get('k'),
      () => values.some(({ event }) => event === 'expired'),
    );
    expect(new Set(values.map(({ event }) => event))).toStrictEqual(new Set(['del', 'expired']));
  });

  it('fail clearly where the server does not tell of them, and leave nothing', async () => {
    const admin = await setting('');
    const redis = client();
    const recorded = record(redis.keyspace('k*', { events: ['set', 'expired'] }));
    await until(() => recorded.ended !== undefined);
    expect(recorded.ended).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining("lacks 'K$x'") });
    await setting('Kg');
    const other = record(redis.keyspace('k', { events: 'set' }));
    await until(() => other.ended !== undefined);
    expect(other.ended).toMatchObject({ message: expect.stringMatching(/is '(Kg|gK)' and lacks '\$'/) });
    await eventually(
      async () => [await admin.pubsubNumpat(), (await admin.pubsubNumsub(['__keyspace@0__:k']))['__keyspace@0__:k']],
      (counts) => counts.every((count) => count === 0),
    );
  });

  it('are what the server is told to tell of with `configure`, and what it tells of already stays', async () => {
    const admin = await setting('Elz');
    const redis = client();
    const { values } = record(redis.keyspace('standing', { events: 'set', configure: true }));
    await standing(redis, values);
    const flags = await flagsOf(admin);
    expect([...flags].sort().join('')).toBe('$EKlz');
    const all = record(client().keyspace('standing', { configure: true }));
    const more = record(client().keyspace('standing', { events: 'del', configure: true }));
    await standing(redis, all.values);
    await eventually(
      async () => await redis.del(['standing']).then(() => redis.set('standing', 'x')),
      () => more.values.length > 0,
    );
    expect([...(await flagsOf(admin))].sort().join('')).toBe('$EKglz');
  });

  it('come without knowing where the user may not ask, and `events$` says so', async () => {
    const admin = await setting('KA');
    await admin.aclSetuser('limited', ['reset', 'on', '>pw', '~*', '+@all', '-config']);
    if (!server().version.startsWith('6.0')) await admin.aclSetuser('limited', ['&*']);
    const redis = client({ username: 'limited', password: 'pw' });
    const errors: unknown[] = [];
    redis.events$.subscribe((event) => {
      if (event.type === 'error') errors.push(event.error);
    });
    const { values } = record(redis.keyspace('standing'));
    await standing(redis, values);
    expect(errors).toMatchObject([{ code: 'CONFIGURATION', cause: { kind: 'NOPERM' } }]);
    const refused = record(redis.keyspace('k', { configure: true }));
    await until(() => refused.ended !== undefined);
    expect(refused.ended).toMatchObject({ kind: 'NOPERM' });
  });

  it('take a signal, work, and a bound; complete with the client and fail with it', async () => {
    await setting('KA');
    const redis = client();
    const controller = new AbortController();
    const aborted = record(redis.keyspace('k', { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(aborted.ended).toMatchObject({ message: 'enough' });
    const worked = record(redis.keyspace('standing', { project: ({ key }) => [key.length], overflow: 'latest' }));
    await standing(redis, worked.values);
    expect(worked.values[0]).toBe('standing'.length);
    const loop = redis.keyspace('standing')[Symbol.asyncIterator]();
    const first = loop.next();
    let got: KeyspaceEvent | undefined;
    void first.then((result) => (got = result.value as KeyspaceEvent));
    await eventually(
      () => redis.set('standing', 'x'),
      () => got !== undefined,
    );
    expect(got).toStrictEqual({ key: 'standing', event: 'set', database: 0 });
    await redis.close();
    expect(worked.ended).toBe('complete');
    expect(record(redis.keyspace('k')).ended).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('refuse what is no pattern and no option', () => {
    const redis = client();
    const wrong = (pattern: unknown, options?: unknown) => () => redis.keyspace(pattern as never, options as never);
    expect(wrong(1)).toThrow('keyspace: a key or pattern, or an array of at least one, was expected');
    expect(wrong([])).toThrow('keyspace: a key or pattern, or an array of at least one, was expected');
    expect(wrong(['k', 1])).toThrow('keyspace: a key or pattern is a string or a Uint8Array, got a number');
    expect(wrong('k', { events: [] })).toThrow("The option 'events'");
    expect(wrong('k', { events: [1] })).toThrow("The option 'events'");
    expect(wrong('k', { configure: 1 })).toThrow("The option 'configure'");
    expect(wrong('k', { literal: true })).toThrow("keyspace: there is no option 'literal'");
  });
});

describe.each([3, 2] as const)('Keyspace events of a server that is restarted, in RESP%d', (protocol) => {
  const make = useClients();

  it('fail without `configure`', async () => {
    const server = await startServer({ own: true });
    try {
      const redis = make({ url: server.url, protocol, reconnect: { initialDelay: 5, maxDelay: 50 } });
      await redis.configSet(SETTING, 'K$');
      const recorded = record(redis.keyspace('k', { events: 'set', gaps: true }));
      await until(() => recorded.values.length === 1);
      await server.restart();
      await until(() => recorded.ended !== undefined);
      expect(recorded.ended).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('is empty') });
    } finally {
      await server.stop();
    }
  });

  it('come again with `configure`, behind a gap', async () => {
    const server = await startServer({ own: true });
    try {
      const redis = make({ url: server.url, protocol, reconnect: { initialDelay: 5, maxDelay: 50 } });
      await redis.configSet(SETTING, 'K$');
      const recorded = record(redis.keyspace('k', { events: 'set', configure: true, gaps: true }));
      const items: readonly (KeyspaceEvent | Notice)[] = recorded.values;
      await until(() => items.length === 1);
      await server.restart();
      await until(() => items.length >= 3);
      await redis.set('k', 'x');
      await until(() => items.length === 4);
      expect(items.map((item) => item.type ?? item.event)).toStrictEqual(['subscribed', 'gap', 'subscribed', 'set']);
      expect((await redis.configGet(SETTING))[SETTING]).toMatch(/^(K\$|\$K)$/);
    } finally {
      await server.stop();
    }
  });
});

describe('The flags that keyspace events need', () => {
  const server = useServer();
  const make = useClients();

  it.each<[string, string, (redis: ReturnType<typeof make>) => PromiseLike<unknown>]>([
    ['del', 'g', async (redis) => [await redis.set('k', 'x'), await redis.del('k')]],
    ['expire', 'g', async (redis) => [await redis.set('k', 'x'), await redis.expire('k', 100)]],
    ['rename_from', 'g', async (redis) => [await redis.set('k', 'x'), await redis.rename('k', 'other')]],
    ['rename_to', 'g', async (redis) => [await redis.set('other', 'x'), await redis.rename('other', 'k')]],
    ['persist', 'g', async (redis) => [await redis.set('k', 'x', { EX: 100 }), await redis.persist('k')]],
    [
      'restore',
      'g',
      async (redis) => [
        await redis.set('other', 'x'),
        await redis.restore('k', 0, (await redis.bytes.dump('other')) as Buffer),
      ],
    ],
    ['set', '$', (redis) => redis.set('k', 'x')],
    ['incrby', '$', (redis) => redis.incr('k')],
    ['append', '$', (redis) => redis.append('k', 'x')],
    ['setrange', '$', (redis) => redis.setrange('k', 1, 'x')],
    ['setbit', '$', (redis) => redis.setbit('k', 1, 1)],
    ['incrbyfloat', '$', (redis) => redis.incrbyfloat('k', 1)],
    ['pfadd', '$', (redis) => redis.pfadd('k', 'x')],
    ['rpush', 'l', (redis) => redis.rpush('k', 'x')],
    ['lpop', 'l', async (redis) => [await redis.rpush('k', 'x'), await redis.lpop('k')]],
    ['sortstore', 'l', async (redis) => [await redis.rpush('other', 1), await redis.sort('other', { STORE: 'k' })]],
    ['sadd', 's', (redis) => redis.sadd('k', 'x')],
    ['sunionstore', 's', async (redis) => [await redis.sadd('other', 'x'), await redis.sunionstore('k', 'other')]],
    ['hset', 'h', (redis) => redis.hset('k', { a: 'x' })],
    ['hincrby', 'h', (redis) => redis.hincrby('k', 'a', 1)],
    ['zadd', 'z', (redis) => redis.zadd('k', { x: 1 })],
    ['zincr', 'z', (redis) => redis.zincrby('k', 1, 'x')],
    ['zunionstore', 'z', async (redis) => [await redis.zadd('other', { x: 1 }), await redis.zunionstore('k', 'other')]],
    ['xadd', 't', (redis) => redis.xadd('k', '*', { a: 'x' })],
    ['xgroup-create', 't', (redis) => redis.xgroupCreate('k', 'g', '$', { MKSTREAM: true })],
  ])('%s: K%s', async (event, flag, write) => {
    const redis = make(server().url);
    await redis.flushall();
    expect(missingFlags('', [event])).toBe(`K${flag}`);
    expect([missingFlags('KA', [event]), missingFlags(`${flag}K`, [event])]).toStrictEqual(['', '']);
    await redis.configSet(SETTING, `K${flag}`);
    const { values } = record(redis.keyspace('k', { events: event, gaps: true }));
    await until(() => values.length === 1);
    await write(redis);
    await until(() => values.length === 2);
    expect(values[1]).toStrictEqual({ key: 'k', event, database: 0 });
  });

  it('are those of the class that an event has by its name; of others any will do', () => {
    expect(missingFlags('KA', ['keymiss', 'new', 'overwritten', 'type_changed'])).toBe('mnoc');
    expect(missingFlags('KA', ['expired', 'evicted'])).toBe('');
    expect([missingFlags('', undefined), missingFlags('K', undefined), missingFlags('Kx', undefined)]).toStrictEqual([
      'KA',
      'A',
      '',
    ]);
    expect([missingFlags('K', ['module.event']), missingFlags('Kg', ['module.event'])]).toStrictEqual(['A', '']);
  });
});

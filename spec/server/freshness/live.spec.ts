import { filter, firstValueFrom, take, toArray } from 'rxjs';
import type { ReplyError } from 'rxjs-redis';
import { ConfigurationError, DisconnectedError, type RedisOptions } from 'rxjs-redis';
import { clientTracking, evalRo, get, hgetall, lrange, mget, smembers, xrange, zrange } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const server = useServer({ own: true });
const proxy = useProxy(server);
const make = useClients();
const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: { initialDelay: 5 }, ...options });
const behindProxy = (options: RedisOptions = {}) => client({ url: proxy().url(), ...options });
/** How often a command was called on the server since its statistics were reset. */
const calls = async (name: string): Promise<number> => {
  const stats = await client().call<string>('INFO', 'commandstats');
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
};

beforeEach(async () => {
  const admin = client();
  await admin.flushall();
  await admin.configResetstat();
});

describe('A live query', () => {
  it('emits the present value, and each that follows', async () => {
    const [redis, other] = [client(), client()];
    const { values } = record(redis.live(get('k')));
    await until(() => values.length === 1);
    await other.set('k', '1');
    await until(() => values.length === 2);
    await other.del('k');
    await until(() => values.length === 3);
    expect(values).toStrictEqual([null, '1', null]);
  });

  it('shows writes of its own client', async () => {
    const redis = client();
    const { values } = record(redis.live(get('k')));
    await until(() => values.length === 1);
    await redis.set('k', 'own');
    await until(() => values.length === 2);
    expect(values).toStrictEqual([null, 'own']);
  });

  it('shows writes of its own client inside a transaction, a script and a pipeline', async () => {
    const redis = client();
    const { values } = record(redis.live(get('k')));
    await until(() => values.length === 1);
    await redis.multi().set('k', 'multi').get('k').exec();
    await until(() => values.length === 2);
    await redis.script("return redis.call('SET', KEYS[1], 'script')", { keys: 1 })(['k'], []);
    await until(() => values.length === 3);
    await redis.pipeline().get('k').set('k', 'pipeline').get('k').exec();
    await until(() => values.at(-1) === 'pipeline');
    expect(values).toStrictEqual([null, 'multi', 'script', 'pipeline']);
  });

  it('does not emit a value that equals the last one, unless it is told to', async () => {
    const [redis, other] = [client(), client()];
    const distinct = record(redis.live(hgetall('h')));
    const all = record(redis.live(hgetall('h'), { distinct: false }));
    await until(() => distinct.values.length === 1 && all.values.length === 1);
    await other.hset('h', { f: '1' });
    await until(() => all.values.length === 2);
    await other.hset('h', { f: '1' });
    await until(() => all.values.length === 3);
    await other.hset('h', { f: '2' });
    await until(() => distinct.values.at(-1)?.f === '2');
    expect(distinct.values.map(({ f }) => f)).toStrictEqual([undefined, '1', '2']);
  });

  it('reads several keys, lists, sets, sorted sets and streams', async () => {
    const [redis, other] = [client(), client()];
    const queries = [
      mget('a', 'b'),
      lrange('l', 0, -1),
      smembers('s'),
      zrange('z', 0, -1),
      xrange('x', '-', '+'),
    ] as const;
    const seen = queries.map((query) => record(redis.live<(typeof queries)[number]>(query)));
    await until(() => seen.every(({ values }) => values.length === 1));
    await other.mset({ a: '1', b: '2' });
    await other.rpush('l', 'v');
    await other.sadd('s', 'v');
    await other.zadd('z', { v: 1 });
    await other.xadd('x', '1-1', { f: 'v' });
    await until(() => seen.every(({ values }) => values.length > 1));
    expect(seen.map(({ values }) => values.at(-1))).toEqual([
      ['1', '2'],
      ['v'],
      ['v'],
      ['v'],
      [{ id: '1-1', fields: { f: 'v' } }],
    ]);
  });

  it('reads several commands at one moment, as a tuple', async () => {
    const [redis, other] = [client(), client()];
    await other.mset({ from: '10', to: '0' });
    const { values } = record(redis.live([get('from'), get('to')]));
    await until(() => values.length === 1);
    for (let i = 0; i < 200; i++) await other.multi().decr('from').incr('to').exec();
    await until(() => values.at(-1)?.[1] === '200');
    expect(values.filter(([from, to]) => Number(from) + Number(to) !== 10)).toStrictEqual([]);
  });

  it('tells of expired keys, of evicted ones, and of FLUSHALL', async () => {
    const [redis, other] = [client(), client()];
    await other.mset({ expires: '1', evicted: '1', flushed: '1' });
    const seen = ['expires', 'evicted', 'flushed'].map((key) => record(redis.live(get(key))));
    await until(() => seen.every(({ values }) => values.length === 1));
    await other.pexpire('expires', 20);
    await until(() => seen[0]!.values.length === 2);
    await other.del('flushed');
    await other.set('flushed', '2');
    await other.configSet('maxmemory-policy', 'allkeys-random');
    await other.configSet('maxmemory', '1');
    await other.set('any', '1').catch(() => undefined);
    await until(() => seen[1]!.values.length === 2);
    await other.configSet('maxmemory', '0');
    await other.configSet('maxmemory-policy', 'noeviction');
    await other.set('flushed', '3');
    await until(() => seen[2]!.values.at(-1) === '3');
    await other.flushall();
    await until(() => seen[2]!.values.at(-1) === null);
    expect(seen.map(({ values }) => values.at(-1))).toStrictEqual([null, null, null]);
  });

  it('is read once for all Observers of the same query, and one that comes later has the value at once', async () => {
    const redis = client();
    await redis.set('k', '1');
    await client().configResetstat();
    const all = Array.from({ length: 50 }, () => record(redis.live(get('k'))));
    await until(() => all.every(({ values }) => values.length === 1));
    expect(record(redis.live(get('k'))).values).toStrictEqual(['1']);
    expect(await calls('get')).toBe(1);
  });

  it('reads strings, bytes and a prefix as different queries', async () => {
    const [redis, other] = [client({ prefix: 'p:' }), client()];
    const text = record(redis.live(get('k')));
    const bytes = record(redis.bytes.live(get('k')));
    const plain = record(client().live(get('k')));
    await until(() => [text, bytes, plain].every(({ values }) => values.length === 1));
    await other.set('p:k', '1');
    await until(() => text.values.length === 2 && bytes.values.length === 2);
    await other.set('k', '2');
    await until(() => plain.values.length === 2);
    expect([text, bytes, plain].map(({ values }) => values[1])).toStrictEqual(['1', Buffer.from('1'), '2']);
  });

  it('follows keys that are no UTF-8, half a pair of surrogates, and a prefix that is no text', async () => {
    const [redis, other] = [client(), client()];
    const key = Uint8Array.of(0xff, 0x00);
    const seen = [
      record(redis.live(get(key))),
      record(redis.live(get('\ud800'))),
      record(client({ prefix: Uint8Array.of(0xfe) }).live(get('k'))),
    ];
    await until(() => seen.every(({ values }) => values.length === 1));
    await other.set(key, '1');
    await other.set('\ud800', '2');
    await other.set(Uint8Array.of(0xfe, 0x6b), '3');
    await until(() => seen.every(({ values }) => values.length === 2));
    expect(seen.map(({ values }) => values[1])).toStrictEqual(['1', '2', '3']);
  });

  it('gives each Observer an object of its own', async () => {
    const redis = client();
    await redis.hset('h', { f: '1' });
    const [one, two] = [record(redis.live(hgetall('h'))), record(redis.live(hgetall('h')))];
    await until(() => one.values.length === 1 && two.values.length === 1);
    one.values[0]!.f = 'changed';
    expect([two.values[0], await firstValueFrom(redis.live(hgetall('h')))]).toEqual([{ f: '1' }, { f: '1' }]);
  });

  it('coalesces a burst: reads one at a time, and the latest value comes', async () => {
    const [redis, other] = [behindProxy({ cache: { mode: 'broadcast', keys: 'n' } }), client()];
    const { values } = record(redis.live(get('n')));
    await until(() => values.length === 1);
    await redis.get('n:last');
    await other.configResetstat();
    proxy().stall('toServer', true);
    for (let i = 0; i < 100; i++) await other.incr('n');
    await other.set('n:last', 'told');
    await until(() => redis.cache.stats.entries === 0);
    proxy().stall('toServer', false);
    await until(() => values.at(-1) === '100');
    expect([await calls('get'), values]).toStrictEqual([2, [null, '100']]);
  });

  it('reads no more often than `sample` says', async () => {
    const [redis, other] = [client(), client()];
    const { values } = record(redis.live(get('n'), { sample: 60_000 }));
    await until(() => values.length === 1);
    await other.configResetstat();
    for (let i = 0; i < 10; i++) await other.incr('n');
    await redis.ping();
    expect([values, await calls('get')]).toStrictEqual([[null], 0]);
    const often = record(redis.live(get('n'), { sample: 20 }));
    await until(() => often.values.length === 1);
    await other.set('n', 'last');
    await until(() => often.values.at(-1) === 'last');
  });

  it('errors with what the server answers to the read, and the others go on', async () => {
    const [redis, other] = [client(), client()];
    const wrong = record(redis.live(get('k')));
    const right = record(redis.live(get('m')));
    await until(() => wrong.values.length === 1 && right.values.length === 1);
    await other.lpush('k', 'v');
    await until(() => wrong.ended !== undefined);
    await other.set('m', '1');
    await until(() => right.values.length === 2);
    expect([(wrong.ended as ReplyError).kind, right.ended]).toStrictEqual(['WRONGTYPE', undefined]);
    const tuple = record(redis.live([get('m'), get('k')]));
    await until(() => tuple.ended !== undefined);
    expect((tuple.ended as ReplyError).kind).toBe('WRONGTYPE');
  });

  it('is read anew after a lost connection, which is no error', async () => {
    const [redis, other] = [behindProxy(), client()];
    const { values, ended } = record(redis.live(get('k')));
    const both = record(redis.live([get('k'), get('m')]));
    await until(() => values.length === 1 && both.values.length === 1);
    for (let round = 1; round <= 5; round++) {
      await proxy().refuse(true);
      proxy().cut();
      await other.set('k', String(round));
      await proxy().refuse(false);
      await until(() => values.at(-1) === String(round) && both.values.at(-1)![0] === String(round));
    }
    await other.set('k', 'tracked');
    await until(() => values.at(-1) === 'tracked');
    expect([ended, both.ended]).toStrictEqual([undefined, undefined]);
  });

  it.each<RedisOptions>([{ readTimeout: 300 }, { readTimeout: 3_600_000, cache: { staleAfter: 300 } }])(
    'is read anew where its connection was dead and did not say so, with %j',
    async (limits) => {
      const redis = behindProxy(limits);
      const other = client();
      await other.set('k', '1');
      const { values, ended } = record(redis.live(get('k')));
      await until(() => values.length === 1);
      proxy().blackhole(true);
      await other.set('k', '2');
      await reaches(redis, 'reconnecting');
      proxy().blackhole(false);
      await until(() => values.length === 2);
      expect([values, ended]).toStrictEqual([['1', '2'], undefined]);
    },
  );

  it('is that of the view that it is asked of', async () => {
    const redis = client();
    await redis.set('k', '1');
    const seen = [
      record<unknown>(redis.withOptions({ commandTimeout: 1_000 }).live(get('k'))).values,
      record<unknown>(redis.withOptions({ cache: false }).bytes.live(get('k'))).values,
    ];
    await until(() => seen.every((values) => values.length === 1));
    await redis.set('k', '2');
    await until(() => seen.every((values) => values.length === 2));
    expect(seen).toStrictEqual([
      ['1', '2'],
      [Buffer.from('1'), Buffer.from('2')],
    ]);
  });

  it('waits for a server that is not there yet', async () => {
    await proxy().refuse(true);
    const redis = behindProxy();
    const { values } = record(redis.live(get('k')));
    await reaches(redis, 'reconnecting');
    await proxy().refuse(false);
    await until(() => values.length === 1);
  });

  it('is not tracked any more some time after its last Observer has left', async () => {
    const redis = client();
    const one = record(redis.live(get('k')));
    await until(() => one.values.length === 1);
    const flags = async () => (await redis.clientTrackinginfo().catch(() => ({ flags: ['off'] }))).flags;
    one.stop();
    expect(await eventually(flags, (now) => now.includes('off'))).toContain('off');
    // And it can begin anew.
    const { values } = record(redis.live(get('k')));
    await until(() => values.length === 1);
    await client().set('k', '1');
    await until(() => values.length === 2);
  });

  it('completes when the client is closed, and errors when it is destroyed', async () => {
    const [closed, destroyed] = [client(), client()];
    const seen = [closed, destroyed].map((redis) => record(redis.live(get('k'))));
    await until(() => seen.every(({ values }) => values.length === 1));
    await closed.close();
    await destroyed.destroy();
    expect([seen[0]!.ended, seen[1]!.ended]).toStrictEqual(['complete', expect.any(DisconnectedError)]);
    const late = record(closed.live(get('k')));
    expect(late.ended).toBeInstanceOf(DisconnectedError);
  });

  it('errors clearly in RESP2, where the ACL refuses tracking, and beside the user’s own CLIENT TRACKING', async () => {
    const admin = client();
    await admin.aclSetuser('untracked', ['on', '>secret', '~*', '+@all', '-client']);
    const clients = [
      client({ protocol: 2 }),
      client({ username: 'untracked', password: 'secret', clientInfo: false }),
      client({ onConnect: [clientTracking('ON')] }),
    ];
    const errors = await Promise.all(
      clients.map((redis) => firstValueFrom(redis.live(get('k'))).catch((error: Error) => error)),
    );
    expect(errors.every((error) => error instanceof ConfigurationError)).toBe(true);
    expect(
      errors.map((error) => /RESP3|refuses client tracking|onConnect/.exec((error as Error).message)?.[0]),
    ).toStrictEqual(['RESP3', 'refuses client tracking', 'onConnect']);
    expect(await Promise.all(clients.map((redis) => redis.get('k')))).toStrictEqual([null, null, null]);
  });

  it('follows another database after SELECT', async () => {
    const [redis, other] = [client(), client({ database: 1 })];
    await other.set('k', 'in 1');
    const { values } = record(redis.live(get('k')));
    await until(() => values.length === 1);
    await redis.select(1);
    await until(() => values.length === 2);
    await other.set('k', 'again');
    await until(() => values.length === 3);
    expect(values).toStrictEqual([null, 'in 1', 'again']);
  });

  it('follows the keys that a read-only script names', async () => {
    const [redis, other] = [client(), client()];
    if (/^6\./.test(server().version)) return;
    const query = evalRo("return redis.call('GET', KEYS[1])", ['k']);
    const { values } = record(redis.live(query));
    await until(() => values.length === 1);
    await other.set('k', '1');
    await until(() => values.length === 2);
    expect(values).toStrictEqual([null, '1']);
  });

  it('can be piped as any Observable', async () => {
    const [redis, other] = [client(), client()];
    const three = firstValueFrom(
      redis.live(get('n')).pipe(
        filter((value) => value !== null),
        take(3),
        toArray(),
      ),
    );
    let n = 0;
    const writing = eventually(
      () => other.set('n', String(++n)),
      () => n > 50,
    );
    const values = await three;
    await writing;
    expect([...values].sort((one, other) => Number(one) - Number(other))).toStrictEqual(values);
  });
});

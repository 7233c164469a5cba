import { lastValueFrom } from 'rxjs';
import { Redis, type RedisError } from 'rxjs-redis';
import * as c from 'rxjs-redis/commands';
import { ownMessage } from '../../../src/commands/prefix';
import { useServer } from '../../support/server';
import { codeOf } from './known-to';
import { RawSession } from './raw-session';

const server = useServer();
let redis: RawSession;
let bare: RawSession;

beforeAll(async () => {
  redis = await RawSession.open(server(), { protocol: 3, prefix: 'app[1]:' });
  bare = await RawSession.open(server(), { protocol: 3 });
});
afterAll(() => {
  redis.close();
  bare.close();
});
beforeEach(async () => {
  await bare.flushall();
});

/** How often the server has run a command. */
async function timesAsked(command: string): Promise<number> {
  const { commandstats = {} } = await bare.info('commandstats');
  return Number(/calls=(\d+)/.exec(commandstats[`cmdstat_${command}`] ?? '')?.[1] ?? 0);
}

describe('a client with a prefix', () => {
  it('keeps its keys apart, and sees them without the prefix', async () => {
    await bare.set('a', 'theirs');
    await redis.mset({ a: 'ours', b: 2 });
    expect(await redis.get('a')).toBe('ours');
    expect((await bare.keys('*')).sort()).toEqual(['a', 'app[1]:a', 'app[1]:b']);
    expect((await redis.keys('*')).sort()).toEqual(['a', 'b']);
    expect(await redis.keys('a*')).toEqual(['a']);
    const [, keys] = await redis.scan(0, { MATCH: 'b*', COUNT: 1000 });
    expect(keys).toEqual(['b']);
  });

  it('never takes the keys of others for its own', async () => {
    await bare.mset({ x: 1, 'app1:x': 1, 'app[1]': 1, 'app[1]:x': 'ours', 'app[1]:y': 1 });
    await bare.sadd('set', 'm');
    const bytes = await RawSession.open<Buffer>(server(), { protocol: 3, prefix: 'app[1]:', bytes: true });
    expect((await redis.scan(0, { COUNT: 1000 }))[1].sort()).toEqual(['x', 'y']);
    expect((await bytes.scan(0, { COUNT: 1000 }))[1].map(String).sort()).toEqual(['x', 'y']);
    expect((await redis.keys('*')).sort()).toEqual(['x', 'y']);
    expect((await redis.scan(0, { COUNT: 1000, TYPE: 'set' }))[1]).toEqual([]);
    expect((await redis.scan(0, { COUNT: 1000, TYPE: 'string' }))[1].sort()).toEqual(['x', 'y']);
    const picked = new Set<string | null>();
    for (let i = 0; i < 40; i++) picked.add(await redis.randomkey());
    for (let i = 0; i < 40; i++) picked.add(String(await bytes.randomkey()));
    expect([...picked].sort()).toEqual(['x', 'y']);
    bytes.close();
  });

  it('is told by RANDOMKEY that it has no key, or that none was found among those of others', async () => {
    expect(await redis.randomkey()).toBeNull();
    await bare.mset({ x: 1, y: 2 });
    const before = await timesAsked('randomkey');
    const error = await redis.randomkey().then(
      () => undefined,
      (reason: unknown) => reason as RedisError,
    );
    expect(error).toMatchObject({
      name: 'ProtocolError',
      message: "RANDOMKEY: none of 50 keys had the client's prefix; SCAN finds those that have it",
      command: 'RANDOMKEY',
      delivery: 'answered',
      repeatable: true,
    });
    expect((await timesAsked('randomkey')) - before).toBe(50);
  });

  it('queues RANDOMKEY once in a transaction', async () => {
    const watcher = new Redis({ url: server().url, prefix: 'app[1]:' });
    const replies = await lastValueFrom(
      watcher.dedicated(async (connection) => {
        await connection.call('MULTI');
        expect(await connection.randomkey()).toBe('QUEUED');
        return connection.exec();
      }),
    );
    await watcher.destroy();
    expect(replies).toEqual([null]);
  });

  it('gets the keys of blocking pops and streams without the prefix', async () => {
    await redis.rpush('list', 'x');
    expect(await redis.blpop(['none', 'list'], 1)).toEqual(['list', 'x']);
    await redis.zadd('z', [1, 'm']);
    expect(await redis.bzpopmin('z', 1)).toEqual(['z', 'm', 1]);
    await redis.xadd('s', '1-1', { a: 1 });
    expect(await redis.xread({ s: '0' })).toEqual({ s: [{ id: '1-1', fields: { a: '1' } }] });
    if ((await codeOf(bare)) === 'r6.0') return;
    await redis.rpush('list', 'y');
    expect(await redis.lmpop(['none', 'list'], 'LEFT')).toEqual(['list', ['y']]);
    await redis.zadd('z', [2, 'm']);
    expect(await redis.zmpop('z', 'MAX')).toEqual(['z', [{ member: 'm', score: 2 }]]);
  });

  it('moves, sorts, stores and scripts under its prefix', async () => {
    await redis.rpush('list', ['2', '1']);
    await redis.mset({ w_1: 20, w_2: 10, o_1: 'one', o_2: 'two' });
    expect(await redis.sort('list', { BY: 'w_*', GET: ['#', 'o_*'] })).toEqual(['2', 'two', '1', 'one']);
    expect(await redis.sort('list', { STORE: 'sorted' })).toBe(2);
    expect(await redis.rename('sorted', 'renamed')).toBe('OK');
    expect(await bare.exists('app[1]:renamed')).toBe(1);
    expect(await redis.eval('return {KEYS[1], ARGV[1]}', ['k'], ['v'])).toEqual(['app[1]:k', 'v']);
  });

  it('has channels of its own', async () => {
    const listener = await RawSession.open(server(), { protocol: 3, prefix: 'app[1]:' });
    await listener.run(c.subscribe('news'));
    expect(await redis.pubsubChannels('n*')).toEqual(['news']);
    expect(await redis.pubsubNumsub('news')).toEqual({ news: 1 });
    expect(await bare.publish('news', 'x')).toBe(0);
    expect(await redis.publish('news', 'x')).toBe(1);
    listener.close();
  });

  it('is notified about its own keys, by their names without the prefix', async () => {
    await bare.configSet('notify-keyspace-events', 'KEA');
    const listener = await RawSession.open(server(), { protocol: 3, prefix: 'app[1]:' });
    await listener.run(c.subscribe('__keyspace@0__:user:1', '__keyevent@0__:del'));
    await listener.run(c.psubscribe('__keyspace@*__:user:*', '__key*__:*'));
    expect((await listener.pubsubChannels('__keyspace@0__:user:*')).sort()).toEqual(['__keyspace@0__:user:1']);
    expect(await listener.pubsubNumsub('__keyevent@0__:del')).toEqual({ '__keyevent@0__:del': 1 });
    await bare.set('user:1', 'theirs');
    await redis.set('user:1', 'ours');
    await bare.del('user:1');
    await redis.del('user:1');
    await listener.ping();
    const seen = listener.pushes.flatMap(({ kind, items }) => {
      const words = items.slice(kind === 'pmessage' ? 0 : 1) as [string, string, string];
      if (!/^p?message$/.test(kind)) return [];
      const [pattern, channel, data] = kind === 'pmessage' ? (items.slice(1) as typeof words) : [undefined, ...words];
      const own = ownMessage({ channel, data, ...(pattern !== undefined && { pattern }) }, 'app[1]:');
      return own === undefined ? [] : [[own.pattern, own.channel, own.data]];
    });
    listener.close();
    await bare.configSet('notify-keyspace-events', '');
    const [bySpace, byEvent] = ['__keyspace@0__:user:1', '__keyevent@0__:del'];
    expect(seen.filter(([pattern]) => pattern === undefined)).toEqual([
      [undefined, bySpace, 'set'],
      [undefined, bySpace, 'del'],
      [undefined, byEvent, 'user:1'],
    ]);
    expect(seen.filter(([pattern]) => pattern === '__keyspace@*__:user:*').map((one) => one.slice(1))).toEqual([
      [bySpace, 'set'],
      [bySpace, 'del'],
    ]);
    expect(seen.filter(([pattern]) => pattern === '__key*__:*').map((one) => one.slice(1))).toEqual(
      expect.arrayContaining([
        [bySpace, 'set'],
        ['__keyevent@0__:set', 'user:1'],
        [bySpace, 'del'],
        [byEvent, 'user:1'],
      ]),
    );
  });
});

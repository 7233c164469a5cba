import { lastValueFrom, take } from 'rxjs';
import type { RedisCommands } from 'rxjs-redis';
import { set } from 'rxjs-redis/commands';
import { eventually, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { atLeast, untilKnown, useRealSentinels, watching } from '../../support/real-sentinels';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { batches, callsOf, fillHash, fillKeys, fillSet, gathered, names } from './data';

// What users of other clients and servers have run into, and where they told of it.
describe.each([2, 3] as const)('A scan as users want it, RESP%d', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
  const client = (options = {}) => make({ url: server().url, protocol, ...options });

  beforeEach(() => client().flushall());

  // redis/node-redis#1334, redis/redis#4886, redis/redis#2042
  it('finds every key that is to be deleted, while they are, and none that is not', async () => {
    const redis = client();
    await fillKeys(redis, [...names(20_000, 'old:'), ...names(2_000, 'new:')]);
    let deleted = 0;
    const scan = redis.scanStream({ MATCH: 'old:*', project: (keys) => redis.unlink(keys), concurrency: 4 });
    await scan.forEach((count) => void (deleted += count));
    expect([deleted, await redis.dbsize()]).toStrictEqual([20_000, 2_000]);
    for await (const keys of redis.scanStream()) await redis.unlink(keys);
    expect(await redis.dbsize()).toBe(0);
  });

  // redis/ioredis#169, redis/ioredis#1526, phpredis/phpredis#548
  it('brings names that its own client deletes, where that has a prefix', async () => {
    const redis = client({ prefix: 'mine:' });
    await fillKeys(redis, names(1_000));
    await fillKeys(client(), names(10, 'other:'));
    for await (const keys of redis.scanStream({ MATCH: 'user:*' })) await redis.unlink(keys);
    expect(await client().dbsize()).toBe(10);
  });

  it('takes words that options have for patterns, prefixes and types', async () => {
    const all = ['MATCH', 'COUNT', 'TYPE', ...names(300, 'type:')];
    for (const prefix of ['', 'MATCH', 'count']) {
      const redis = client({ prefix });
      await client().flushall();
      await fillKeys(redis, all);
      for (const MATCH of ['MATCH', 'COUNT', 'TYPE']) {
        expect(await gathered(redis.scanStream({ MATCH }))).toStrictEqual([MATCH]);
        expect(await gathered(redis.scanStream({ MATCH, TYPE: 'STRING' }))).toStrictEqual([MATCH]);
      }
      expect((await gathered(redis.scanStream())).sort()).toStrictEqual([...all].sort());
    }
  });

  // redis/redis#14830: some servers say so, others find nothing
  it('of a type that there is not finds nothing, or fails', async () => {
    const redis = client();
    await fillKeys(redis, names(100));
    const ended = await outcome(gathered(redis.scanStream({ TYPE: 'trie' })));
    if ('value' in ended) expect(ended.value).toStrictEqual([]);
    else expect(ended).toMatchObject({ error: { code: 'REPLY', command: 'SCAN' } });
  });

  // valkey-io/valkey#3955, redis/redis#1563
  it('of what is small brings everything as one batch, whatever COUNT says', async () => {
    const redis = client();
    const numbers = Array.from({ length: 400 }, (_, n) => String(n));
    await fillSet(redis, 'numbers', numbers);
    await redis.hset('hash', Object.fromEntries(names(100).map((name) => [name, '1'])));
    const [members, ...more] = await batches(redis.sscanStream('numbers', { COUNT: 1 }));
    expect([members?.sort(), more]).toStrictEqual([[...numbers].sort(), []]);
    expect((await batches(redis.hscanStream('hash', { COUNT: 1 }))).map((batch) => batch.length)).toStrictEqual([100]);
  });

  // redis/redis#2175, dragonflydb/dragonfly#892
  it('reads scores without end, and next to nothing', async () => {
    const redis = client();
    const scores: [number, string][] = [[Infinity, 'a'], [-Infinity, 'b'], [1.258724947414792e-295, 'c'], [-0.1, 'd'], [2 ** 53, 'e'], [0, 'f']]; // prettier-ignore
    await redis.zadd('scores', scores);
    const found = await gathered(redis.zscanStream('scores'));
    expect(new Map(found.map(({ member, score }) => [member, score]))).toStrictEqual(
      new Map(scores.map(([score, member]) => [member, score])),
    );
  });

  // fppt/jedis-mock#122
  it('has no key that has expired, although the server has not deleted it yet', async () => {
    const redis = client();
    await redis.pipeline(names(200, 'gone:').map((name) => set(name, '1', { PX: 1 })));
    await fillKeys(redis, names(10));
    await eventually(
      () => redis.exists(names(200, 'gone:')),
      (count) => count === 0,
    );
    expect((await gathered(redis.scanStream())).sort()).toStrictEqual(names(10));
  });

  it('ends where the database is emptied meanwhile', async () => {
    const redis = client();
    await fillKeys(redis, names(5_000));
    let read = 0;
    for await (const keys of redis.scanStream({ COUNT: 100 })) {
      read += keys.length;
      await redis.flushall();
    }
    expect(read).toBeLessThan(1_000);
  });

  // dragonflydb/dragonfly#5777
  it('ends where its hash is deleted meanwhile', async () => {
    const redis = client();
    await fillHash(redis, 'hash', names(2_000));
    let read = 0;
    for await (const fields of redis.hscanStream('hash', { COUNT: 100 })) {
      read += fields.length;
      await redis.unlink('hash');
    }
    expect(read).toBeLessThan(1_000);
  });

  // spring-projects/spring-data-redis#1035
  it('stays in the database of its client, over lost connections too', async () => {
    await fillKeys(client(), names(500, 'zero:'));
    await fillKeys(client({ database: 5 }), names(500, 'five:'));
    const redis = make({ url: proxy().url(), database: 5, protocol, reconnect: { initialDelay: 2 } });
    const seen: string[] = [];
    for await (const keys of redis.scanStream({ COUNT: 50 })) {
      seen.push(...keys);
      proxy().cut('reset');
    }
    expect(seen.sort()).toStrictEqual(names(500, 'five:').sort());
  });

  // redis/jedis#4323, spring-projects/spring-data-redis#2812
  it('keeps no connection of a pool, however it ends', async () => {
    await fillKeys(client(), names(2_000));
    const pool = makePool({ url: server().url, protocol, max: 1 });
    for await (const keys of pool.scanStream({ COUNT: 10 })) if (keys.length > 0) break;
    await lastValueFrom(pool.scanStream().pipe(take(1)));
    await failure(pool.scanStream({ project: () => Promise.reject(new Error('refused')) }).forEach(() => undefined));
    await failure(pool.scanStream({ signal: AbortSignal.abort() }).forEach(() => undefined));
    expect(await pool.use((connection) => connection.ping())).toBe('PONG');
    expect(pool.stats).toMatchObject({ active: 0, waiting: 0 });
  });

  // spring-projects/spring-data-redis#1035
  it('of a connection that was given back is none of who has it next', async () => {
    await fillKeys(client(), names(2_000));
    const pool = makePool({ url: server().url, protocol, max: 1 });
    const kept = await pool.use((connection) => Promise.resolve([connection.scanStream({ COUNT: 10 })]));
    await pool.use(async (connection) => {
      await connection.select(1);
      expect(await failure(gathered(kept[0]!))).toMatchObject({ code: 'DISCONNECTED' });
    });
  });

  // redis/ioredis#1815, sidekiq/sidekiq#3634, actionhero/node-resque#325
  it('of many keys needs few pages, and for the first of them one', async () => {
    const redis = client();
    await fillKeys(redis, names(20_000));
    await redis.configResetstat();
    await lastValueFrom(redis.scanStream().pipe(take(1)));
    expect(await callsOf(redis, 'scan')).toBe(1);
    expect(await gathered(redis.scanStream())).toHaveLength(20_000);
    expect(await callsOf(redis, 'scan')).toBeLessThan(30);
  });

  it.each(['a client', 'a pool'])('waits while a script keeps the server busy, and goes on: %s', async (what) => {
    const admin = client();
    await fillKeys(admin, names(2_000));
    await admin.configSet('lua-time-limit', '1');
    let refused = 0;
    const retry = (_attempt: number, { message }: Error) => {
      if (message.startsWith('BUSY')) refused++;
      return 5;
    };
    const options = { url: server().url, protocol, retry };
    const commands: Pick<RedisCommands, 'scanStream'> = what === 'a pool' ? makePool({ ...options, max: 2 }) : make(options); // prettier-ignore
    const seen: string[] = [];
    let script: Promise<unknown> | undefined;
    let killed: Promise<unknown> | undefined;
    for await (const keys of commands.scanStream({ COUNT: 100 })) {
      seen.push(...keys);
      if (script !== undefined) continue;
      // The page that the loop is ahead.
      await eventually(
        () => callsOf(admin, 'scan'),
        (calls) => calls > 1,
      );
      script = failure(client().eval('while true do end', []));
      await eventually(
        () => outcome(client({ retry: false }).ping()),
        (answer) => 'error' in answer,
      );
      killed = until(() => refused > 0).then(() => admin.scriptKill());
    }
    expect(await killed).toBe('OK');
    await script;
    expect(seen.sort()).toStrictEqual(names(2_000).sort());
  });
});

describe('A scan behind sentinels', () => {
  const real = useRealSentinels();
  const make = useClients();

  // redis/node-redis#2999
  it('has every key, although another server has become the master', async () => {
    const server = atLeast('redis-7.0');
    const named = server && { server };
    const master = await real.server(undefined, named);
    await fillKeys(make(master.url), names(3_000));
    const replica = await real.server(master, named);
    const one = await real.sentinel(watching('mymaster', master), named);
    await untilKnown(one, 'mymaster', 1);
    const redis = make({ sentinels: [one.address], service: 'mymaster', reconnect: { initialDelay: 5 } });
    const seen = new Set<string>();
    let pages = 0;
    for await (const keys of redis.scanStream({ COUNT: 50 })) {
      keys.forEach((key) => seen.add(key));
      if (++pages !== 20) continue;
      await one.admin.sentinelFailover('mymaster');
      await until(() => redis.inspect().address === `127.0.0.1:${replica.port}`);
    }
    expect(pages).toBeGreaterThan(60);
    expect(seen.size).toBe(3_000);
  });
});

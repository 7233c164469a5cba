import { lastValueFrom, toArray } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { reaches, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { callsOf, fillKeys, fillSortedSet, gathered, names } from './data';

const ALL = names(3_000);
const quick = { initialDelay: 2, maxDelay: 20 };

describe.each([2, 3] as const)('A scan whose connection is lost, RESP%d', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
  const client = (options: RedisOptions = {}) => make({ url: proxy().url(), protocol, reconnect: quick, ...options });
  const direct = () => make({ url: server().url, protocol });

  beforeAll(async () => {
    await direct().flushall();
    await fillKeys(direct(), ALL);
    await fillSortedSet(direct(), 'zset', ALL);
    await direct().aclSetuser('uninformed', ['reset', 'on', '>pw', '~*', '+@all', '-info']);
  });

  it('goes on at its place: it has each key once', async () => {
    const redis = client();
    const seen: string[] = [];
    let pages = 0;
    for await (const keys of redis.scanStream({ MATCH: 'user:*', COUNT: 100 })) {
      seen.push(...keys);
      if (++pages % 7 === 0) proxy().cut('reset');
    }
    expect(proxy().connections.total).toBeGreaterThan(3);
    expect(seen.sort()).toStrictEqual([...ALL].sort());
  });

  it('in the midst of a page goes on with that page', async () => {
    const redis = client();
    await redis.ping();
    for (const direction of ['toClient', 'toServer'] as const) {
      for (const after of [30, 500, 1_500]) {
        proxy().cutAfter(direction, after);
        const seen = await lastValueFrom(redis.scanStream({ MATCH: 'user:*', COUNT: 100 }).pipe(toArray()));
        expect(seen.flat().sort()).toStrictEqual([...ALL].sort());
      }
    }
    expect(proxy().connections.total).toBe(7);
    proxy().cutAfter('toClient', 2_000);
    expect(await gathered(redis.zscanStream('zset', { COUNT: 100 }))).toHaveLength(ALL.length);
  });

  it('with every page comes to its end', async () => {
    const redis = client();
    const seen: string[] = [];
    for await (const keys of redis.scanStream({ MATCH: 'user:*', COUNT: 300 })) {
      seen.push(...keys);
      proxy().cut('reset');
      await redis.ping();
    }
    expect(seen.sort()).toStrictEqual([...ALL].sort());
  });

  it('while the tables are rehashed has every key all the same', async () => {
    const [redis, other] = [client(), direct()];
    const seen = new Set<string>();
    let pages = 0;
    for await (const keys of redis.scanStream({ COUNT: 100 })) {
      keys.forEach((key) => seen.add(key));
      if (pages < 12) await fillKeys(other, names(1_000, `new:${pages}:`));
      else if (pages < 24) await other.unlink(names(1_000, `new:${pages - 12}:`));
      if (++pages % 5 === 0) proxy().cut('reset');
    }
    expect(ALL.filter((key) => !seen.has(key))).toStrictEqual([]);
    for (let n = 0; n < 12; n++) await other.unlink(names(1_000, `new:${n}:`));
  });

  it('goes on in a pool', async () => {
    const pool = makePool({ url: proxy().url(), protocol, reconnect: quick, max: 3 });
    const seen: string[] = [];
    let pages = 0;
    for await (const keys of pool.scanStream({ MATCH: 'user:*', COUNT: 100 })) {
      seen.push(...keys);
      if (++pages % 7 === 0) proxy().cut('reset');
    }
    expect(seen.sort()).toStrictEqual([...ALL].sort());
  });

  it('fails on a connection of its own, which is not made again', async () => {
    const redis = client();
    const lost = redis.dedicated(async (connection) => {
      for await (const keys of connection.scanStream({ COUNT: 100 })) if (keys.length > 0) proxy().cut('reset');
    });
    expect((await failure(lost)).code).toMatch(/^(CONNECTION|DISCONNECTED)$/);
  });

  it('fails where the server refuses to say who it is, and says why; a page alone, or a connection that stays, need no word', async () => {
    const redis = client({ username: 'uninformed', password: 'pw' });
    expect(await gathered(redis.scanStream({ MATCH: 'user:*', COUNT: 100 }))).toHaveLength(ALL.length);
    const cut = async () => {
      for await (const keys of redis.scanStream({ COUNT: 100 })) if (keys.length > 0) proxy().cut('reset');
    };
    const error = await failure(cut());
    expect(error).toMatchObject({ code: 'CONNECTION', command: 'SCAN', cause: { kind: 'NOPERM' } });
    expect(error.message).toMatch(/^scanStream: the connection was lost, .* because INFO was refused: /);
    const pool = makePool({ url: proxy().url(), protocol, username: 'uninformed', password: 'pw' });
    expect(await gathered(pool.zscanStream('zset', { COUNT: 100_000 }))).toHaveLength(ALL.length);
    expect((await failure(gathered(pool.scanStream({ COUNT: 100 })))).message).toMatch(/several connections/);
    const alone = pool.use((connection) => gathered(connection.scanStream({ MATCH: 'user:*', COUNT: 100 })));
    expect(await alone).toHaveLength(ALL.length);
  });

  it('asks who the server is once where no connection is lost, and not at all for a page', async () => {
    const redis = client();
    const calls = async (command: string) => callsOf(direct(), command);
    await direct().configResetstat();
    await gathered(redis.scanStream({ COUNT: 100 }));
    expect(await calls('info')).toBe(1);
    await direct().configResetstat();
    await gathered(redis.scanStream({ COUNT: 100_000 }));
    await redis.dedicated((connection) => gathered(connection.scanStream({ COUNT: 100 })));
    expect(await calls('info')).toBe(0);
  });

  it('gives up with a page whose time is up', async () => {
    const redis = client().withOptions({ commandTimeout: 100 });
    let pages = 0;
    const read = async () => {
      for await (const keys of redis.scanStream({ COUNT: 100 }))
        if (keys.length > 0 && ++pages === 2) proxy().blackhole(true);
    };
    expect(await failure(read())).toMatchObject({ code: 'TIMEOUT', command: 'SCAN' });
    proxy().blackhole(false);
  });
});

describe('A scan over a restart of the server', () => {
  const server = useServer({ args: ['--appendonly', 'yes'] });
  const make = useClients();
  const makePool = usePools();
  const client = (): Redis => make({ url: server().url, reconnect: quick });
  const pool = () => makePool({ url: server().url, reconnect: quick, max: 2 });

  beforeAll(() => fillKeys(client(), ALL));

  it('begins anew, because a cursor of before would leave keys out', async () => {
    const redis = client();
    const byHand = new Set<string>();
    let cursor = '0';
    for (let page = 1; page === 1 || cursor !== '0'; page++) {
      const [next, keys] = await redis.scan(cursor, { COUNT: 100 });
      keys.forEach((key) => byHand.add(key));
      cursor = next;
      if (page === 15) await server().restart();
    }
    expect(byHand.size).toBeLessThan(ALL.length);
  });

  it.each([
    ['a client', client],
    ['a pool', pool],
  ] as const)('has every key, on %s', async (_what, on) => {
    const seen: string[] = [];
    let pages = 0;
    for await (const keys of on().scanStream({ COUNT: 100 })) {
      seen.push(...keys);
      if (++pages === 15 || pages === 40) await server().restart();
    }
    expect(new Set(seen)).toStrictEqual(new Set(ALL));
    expect(seen.length).toBeGreaterThan(ALL.length);
  });

  it('that comes while a page is on the way has every key', async () => {
    const redis = client();
    const seen = new Set<string>();
    let pages = 0;
    let restarting: Promise<unknown> | undefined;
    const scan = redis.scanStream({ COUNT: 10 }).forEach((keys) => {
      keys.forEach((key) => seen.add(key));
      if (++pages === 50)
        restarting = server()
          .kill('SIGKILL')
          .then(() => server().restart());
    });
    await scan;
    await restarting;
    expect(restarting).toBeDefined();
    expect(seen).toStrictEqual(new Set(ALL));
  });

  it('has every key once with `unique`', async () => {
    const redis = client();
    const seen: string[] = [];
    let pages = 0;
    for await (const keys of redis.scanStream({ COUNT: 100, unique: true })) {
      expect(keys.length).toBeGreaterThan(0);
      seen.push(...keys);
      if (++pages === 15) await server().restart();
    }
    expect(seen.sort()).toStrictEqual([...ALL].sort());
    await reaches(redis, 'ready');
  });
});

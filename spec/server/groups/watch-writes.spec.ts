import type { Redis } from 'rxjs-redis';
import { hgetall } from 'rxjs-redis/commands';
import { eventually, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';

/** How a key of each type is filled, and what reads it. */
const TYPES: readonly (readonly [string, string, (redis: Redis, key: string) => PromiseLike<unknown>])[] = [
  ['hash', 'hgetall', (redis, key) => redis.hset(key, { f: '1' })],
  ['list', 'lrange', (redis, key) => redis.rpush(key, 'a')],
  ['set', 'smembers', (redis, key) => redis.sadd(key, 'a')],
  ['zset', 'zrange', (redis, key) => redis.zadd(key, { a: 1 })],
  ['stream', 'xrange', (redis, key) => redis.xadd(key, '*', { f: '1' })],
];

describe('The keys of a watch', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const connect = useClients();

  /** How often the server has run a command. */
  async function runs(admin: Redis, command: string): Promise<number> {
    const stats = await admin.call<string>('INFO', 'commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  /** Begins to watch where no reply comes, waits until the server has read the key by that command, and lets the replies come. */
  async function readsUnanswered(admin: Redis, command: string, watch: () => PromiseLike<unknown>): Promise<void> {
    const before = await runs(admin, command);
    proxy().stall('toClient', true);
    const watched = watch().then();
    await eventually(
      () => runs(admin, command),
      (now) => now === before + 1,
    );
    proxy().stall('toClient', false);
    await watched;
    expect(await runs(admin, command)).toBe(before + 1);
  }

  const READERS = TYPES.map(([, command]) => command);
  const counts = async (admin: Redis) =>
    Object.fromEntries(
      await Promise.all(READERS.map(async (command) => [command, await runs(admin, command)] as const)),
    );

  it.each(TYPES)('are read in one write with WATCH, before any reply: %s', async (_, command, fill) => {
    const [redis, admin] = [connect(proxy().url()), connect(server().url)];
    await redis.watch('none', () => null); // a connection is lent
    await admin.flushall();
    await fill(admin, command);
    const seen: unknown[] = [];
    const watch = () => redis.watch(command, (watched) => (seen.push(watched[command]), null));
    await readsUnanswered(admin, command, watch);
    await readsUnanswered(admin, command, watch);
    expect(seen[0]).not.toBeNull();
    expect(seen[1]).toEqual(seen[0]);
  });

  it('are read in one write where they are strings, or where it is said how', async () => {
    const [redis, admin] = [connect(proxy().url()), connect(server().url)];
    await admin.pipeline().set('text', 'v').hset('told', { f: '1' }).exec();
    await redis.watch('none', () => null);
    await readsUnanswered(admin, 'mget', () => redis.watch('text', () => null));
    await readsUnanswered(admin, 'hgetall', () => redis.watch('told', () => null, { read: { told: hgetall('told') } }));
  });

  it('are read in one write when they are made, though they were gone before', async () => {
    const [redis, admin] = [connect(proxy().url()), connect(server().url)];
    await redis.watch('made', () => null);
    await admin.hset('made', { f: '1' });
    await readsUnanswered(admin, 'hgetall', () => redis.watch('made', () => null));
  });

  it('are read by all readers the first time, and then by that of their type alone, also when they were gone meanwhile', async () => {
    const [redis, admin] = [connect(server().url), connect(server().url)];
    await admin.pipeline().hset('a hash', { f: '1' }).set('a string', 'v').exec();
    const keys = ['a hash', 'a string'];
    const reads = async () => {
      const before = await counts(admin);
      const seen: unknown[] = [];
      await redis.watch(keys, (watched) => (seen.push({ ...watched }), null));
      const after = await counts(admin);
      return [seen[0], READERS.map((command) => after[command]! - before[command]!)];
    };
    const values = { 'a hash': { f: '1' }, 'a string': 'v' };
    expect(await reads()).toEqual([values, [2, 2, 2, 2, 2]]);
    expect(await reads()).toEqual([values, [1, 0, 0, 0, 0]]);
    await admin.del('a hash', 'a string');
    expect(await reads()).toEqual([{ 'a hash': null, 'a string': null }, [1, 0, 0, 0, 0]]);
    await admin.pipeline().hset('a hash', { f: '1' }).set('a string', 'v').exec();
    expect(await reads()).toEqual([values, [1, 0, 0, 0, 0]]);
  });

  it('that have become something else take a second write, and are read as that in one from then on', async () => {
    const [redis, admin] = [connect(proxy().url()), connect(server().url)];
    await admin.set('k', 'v');
    const seen: unknown[] = [];
    const watch = () => redis.watch('k', ({ k }) => (seen.push(k), null));
    await watch();
    await admin.pipeline().del('k').rpush('k', 'a').exec();
    await watch();
    await readsUnanswered(admin, 'lrange', watch);
    expect(seen).toEqual(['v', ['a'], ['a']]);
  });

  it('are read for a user who may use some of the readers; that of another type is refused once, and that of the right type is the error', async () => {
    const admin = connect(server().url);
    const mayRead = ['+watch', '+unwatch', '+type', '+mget', '+hgetall', '+hello', '+client', '+ping', '+auth'];
    await admin.call('ACL', 'SETUSER', 'some', 'on', 'nopass', 'allkeys', '-@all', ...mayRead);
    const redis = connect({ url: server().url, username: 'some', password: 'any', clientInfo: false });
    await admin.pipeline().hset('h:1', { f: '1' }).hset('h:2', { f: '2' }).set('s', 'v').rpush('l', 'a').exec();
    await admin.call('ACL', 'LOG', 'RESET');
    const refusals = async () => {
      const log = await admin.aclLog();
      return (log as readonly { readonly count: number; readonly object: string }[])
        .map(({ count, object }) => `${object} ${count}`)
        .sort();
    };
    const seen: unknown[] = [];
    const watch = (...keys: string[]) => redis.watch(keys, (watched) => (seen.push({ ...watched }), null));
    await watch('h:1');
    await watch('h:2', 's', 'none');
    expect(seen).toEqual([{ 'h:1': { f: '1' } }, { 'h:2': { f: '2' }, s: 'v', none: null }]);
    const once = ['lrange 1', 'smembers 1', 'xrange 1', 'zrange 1'];
    expect(await refusals()).toEqual(once);
    expect(await failure(watch('l'))).toMatchObject({ kind: 'NOPERM', command: 'LRANGE' });
    await admin.call('ACL', 'SETUSER', 'some', '+lrange');
    await watch('l');
    expect(seen.at(-1)).toEqual({ l: ['a'] });
  });
});

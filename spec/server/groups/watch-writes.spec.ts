import type { Redis } from 'rxjs-redis';
import { hgetall } from 'rxjs-redis/commands';
import { eventually, useClients } from '../../support/clients';
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

  it.each(TYPES)(
    'are read in one write with WATCH from the second time on, before any reply: %s',
    async (_, command, fill) => {
      const [redis, admin] = [connect(proxy().url()), connect(server().url)];
      await fill(admin, command);
      const watch = () => redis.watch(command, () => null);
      await watch();
      await readsUnanswered(admin, command, watch);
    },
  );

  it('are read in one write the first time too where they are strings, or where it is said how', async () => {
    const [redis, admin] = [connect(proxy().url()), connect(server().url)];
    await admin.pipeline().set('text', 'v').hset('told', { f: '1' }).exec();
    await redis.watch('none', () => null); // a connection is lent
    await readsUnanswered(admin, 'mget', () => redis.watch('text', () => null));
    await readsUnanswered(admin, 'hgetall', () => redis.watch('told', () => null, { read: { told: hgetall('told') } }));
  });

  it('are asked for by no reader of another type: the first time the read waits until the type is known', async () => {
    const [redis, admin] = [connect(proxy().url()), connect(server().url)];
    await admin.hset('unknown', { f: '1' });
    await redis.watch('none', () => null);
    const READERS = ['hgetall', 'lrange', 'smembers', 'zrange', 'xrange'];
    const counts = async () => Promise.all(READERS.map((command) => runs(admin, command)));
    const [before, ...others] = await counts();
    const seen: unknown[] = [];
    proxy().stall('toClient', true);
    const mgets = await runs(admin, 'mget');
    const watched = redis.watch('unknown', ({ unknown }) => (seen.push(unknown), null)).then();
    await eventually(
      () => runs(admin, 'mget'),
      (now) => now === mgets + 1,
    );
    const unanswered = await counts();
    proxy().stall('toClient', false);
    await watched;
    expect(unanswered).toStrictEqual([before, ...others]);
    expect(await counts()).toStrictEqual([before! + 1, ...others]);
    expect(seen).toEqual([{ f: '1' }]);
  });
});

import { inspect } from 'node:util';
import { firstValueFrom } from 'rxjs';
import type { Inspection, Redis, RedisOptions } from 'rxjs-redis';
import { incr } from 'rxjs-redis/commands';
import { eventually, reaches, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { afterHandshake, useScriptedServers } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';

/** What a client does in the next turn of the event loop. */
const nextTurn = (redis: Redis): Promise<Inspection> =>
  new Promise((resolve) => setImmediate(() => resolve(redis.inspect())));

describe('inspect()', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
  const script = useScriptedServers();
  const client = (options: RedisOptions = {}): Redis =>
    make({ url: proxy().url(), reconnect: { initialDelay: 1, maxDelay: 5 }, ...options });
  /** A server that never answers GET. */
  const silent = () => script(afterHandshake((words) => (words[0] === 'GET' ? '' : '+OK\r\n')));

  it('shows a client that was not used yet, and opens nothing', async () => {
    const redis = client();
    const seen = redis.inspect();
    expect({ ...seen }).toStrictEqual({
      kind: 'Redis',
      address: `127.0.0.1:${proxy().port}`,
      state: 'idle',
      links: [expect.objectContaining({ role: 'commands', state: 'idle', readyFor: undefined, bytesRead: 0 })],
      queued: 0,
      inFlight: 0,
      toRepeat: 0,
      offlineQueue: 1_000,
      oldest: undefined,
      blocking: { count: 0, oldest: undefined },
      subscriptions: { channel: 0, pattern: 0, shard: 0 },
      leases: { active: 0, idle: 0, waiting: 0, total: 0, longestWait: undefined },
      sentinels: undefined,
      lastError: undefined,
    });
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
  });

  it('shows the connections, what the server says of itself and for how long they are there', async () => {
    const redis = client({ database: 2 });
    await redis.connect();
    redis.subscribe(['a', 'b']).subscribe({ error: () => undefined });
    redis.subscribe('news:*').subscribe({ error: () => undefined });
    await redis.publish('a', 'm');
    await redis.dedicated(async (connection) => {
      await connection.ping();
      const seen = redis.inspect();
      expect(seen.links.map(({ role, state }) => [role, state])).toStrictEqual([
        ['commands', 'ready'],
        ['messages', 'ready'],
        ['lease', 'ready'],
      ]);
      const [commands] = seen.links;
      expect(commands).toMatchObject({ id: await redis.clientId(), database: 2, isFull: false });
      expect(commands!.server).toStrictEqual({ version: expect.stringMatching(/^\d+\.\d+/) as string, role: 'master' });
      expect(commands!.readyFor).toBeGreaterThanOrEqual(0);
      expect(commands!.silentFor).toBeGreaterThanOrEqual(0);
      expect(commands!.bytesRead).toBeGreaterThan(0);
      expect(seen.subscriptions).toStrictEqual({ channel: 2, pattern: 1, shard: 0 });
      expect(seen.leases).toMatchObject({ active: 1, idle: 0, total: 1 });
    });
    expect(redis.inspect().leases).toMatchObject({ active: 0, idle: 1, total: 1 });
  });

  it('shows the command that has waited for longest, for how long, and what stands behind it', async () => {
    const { url } = await silent();
    const redis = make({ url, retry: false, commandTimeout: 60_000 });
    await redis.connect();
    const first = failure(redis.withOptions({ commandTimeout: 60_000 }).get('slow'));
    await eventually(
      () => nextTurn(redis),
      ({ inFlight }) => inFlight === 1,
    );
    const second = failure(redis.set('k', 'hunter2'));
    const before = redis.inspect();
    expect(before).toMatchObject({ queued: 1, inFlight: 1, toRepeat: 0 });
    expect(before.oldest).toMatchObject({ command: 'GET', statement: 'GET slow', stage: 'in flight', failures: 0 });
    const later = await eventually(
      () => nextTurn(redis),
      ({ oldest }) => oldest!.age! > before.oldest!.age!,
    );
    expect(later.oldest!.age).toBeLessThan(60_000);
    expect(String(later)).toContain('oldest: GET slow, in flight for');
    await redis.destroy();
    await Promise.all([first, second]);
  });

  it('has no age for a command without a limit, whose begin is not kept', async () => {
    const { url } = await silent();
    const redis = make({ url, commandTimeout: Infinity });
    await redis.connect();
    const waiting = failure(redis.get('slow'));
    expect(redis.inspect().oldest).toMatchObject({ statement: 'GET slow', stage: 'queued', age: undefined });
    await redis.destroy();
    await waiting;
  });

  it('shows what waits for a connection, and why there is none', async () => {
    await proxy().refuse(true);
    const redis = client({ offlineQueue: 7 });
    redis.events$.subscribe();
    const waiting = firstValueFrom(redis.set('k', 'hunter2'));
    await reaches(redis, 'reconnecting');
    const seen = redis.inspect();
    expect(seen).toMatchObject({ queued: 1, inFlight: 0, offlineQueue: 7 });
    expect(seen.oldest).toMatchObject({ statement: 'SET k ?', stage: 'queued' });
    expect(seen.lastError).toMatchObject({ name: 'ConnectionError', code: 'CONNECTION' });
    expect(seen.lastError!.age).toBeGreaterThanOrEqual(0);
    expect(inspect(redis, { depth: 1 })).toMatch(
      /^Redis <127\.0\.0\.1:\d+, \w+, 1 queued, oldest SET k \?, queued for \d+ ms, /,
    );
    await proxy().refuse(false);
    await waiting;
    // It is known still when the connection is there.
    const healed = redis.inspect();
    expect(healed).toMatchObject({ state: 'ready', queued: 0, lastError: { code: 'CONNECTION' } });
    expect(inspect(redis)).toBe(`Redis <127.0.0.1:${proxy().port}, ready>`);
  });

  it('shows what is to be sent again', async () => {
    const busy = await script(
      afterHandshake((words) =>
        words[0] === 'GET' ? '-LOADING Redis is loading the dataset in memory\r\n' : '+OK\r\n',
      ),
    );
    const redis = make({ url: busy.url, retry: { initialDelay: 60_000, maxDelay: 60_000 }, commandTimeout: 100_000 });
    const waiting = failure(redis.get('k'));
    const seen = await eventually(
      () => nextTurn(redis),
      ({ toRepeat }) => toRepeat === 1,
    );
    expect(seen).toMatchObject({
      queued: 0,
      inFlight: 0,
      oldest: { statement: 'GET k', stage: 'queued', failures: 1 },
    });
    await redis.destroy();
    await waiting;
  });

  it('shows what waits at the server on purpose, apart from what is slow', async () => {
    const redis = client();
    const waiting = failure(redis.blpop('inspect:none', 0));
    const seen = await eventually(
      () => nextTurn(redis),
      ({ blocking }) => blocking.oldest?.stage === 'in flight' && blocking.oldest.age! > 0,
    );
    expect(seen.blocking).toMatchObject({ count: 1, oldest: { statement: 'BLPOP inspect:none ?' } });
    expect(seen.oldest).toBeUndefined();
    expect(String(seen)).toContain('waiting at the server: 1, first BLPOP inspect:none ?');
    await redis.destroy();
    await waiting;
  });

  it('shows no argument but keys, and no password of the options', async () => {
    const { url } = await silent();
    const secretive = url.replace('redis://', 'redis://ann:hunter2@');
    const redis = make({ url: secretive, onConnect: [] });
    await redis.connect();
    const all = [
      redis.get('k'),
      redis.set('k', 'hunter2'),
      redis.auth('hunter2'),
      redis.configSet('masterauth', 'hunter2'),
    ];
    for (const one of all) {
      failure(one).catch(() => undefined);
      const seen = redis.inspect();
      const shown = [
        String(seen),
        JSON.stringify(seen),
        inspect(seen, { depth: null }),
        inspect({ ...seen }, { depth: null }),
        inspect(redis),
      ];
      expect(shown.join('\n')).not.toContain('hunter2');
    }
    await redis.destroy();
  });

  it('shows a pool: its connections, callers that wait and for how long, commands without a connection', async () => {
    const pool = makePool({ url: proxy().url(), max: 1 });
    expect(inspect(pool)).toBe(`RedisPool <127.0.0.1:${proxy().port}, 0 of 0 in use>`);
    const connection = await pool.acquire();
    await connection.ping();
    const next = firstValueFrom(pool.use((lent) => lent.ping()));
    const command = firstValueFrom(pool.set('k', 'hunter2'));
    const seen = pool.inspect();
    expect(seen).toMatchObject({ kind: 'RedisPool', state: 'ready', queued: 1, offlineQueue: undefined });
    expect(seen.links).toMatchObject([{ role: 'lease', state: 'ready' }]);
    expect(seen.leases).toMatchObject({ active: 1, idle: 0, waiting: 2, total: 1 });
    expect(seen.leases.longestWait).toBeGreaterThanOrEqual(0);
    expect(seen.oldest).toMatchObject({ statement: 'SET k ?', stage: 'queued' });
    expect(inspect(pool)).toContain('1 of 1 in use, 1 queued, 2 wait for a connection, oldest SET k ?');
    pool.release(connection);
    await Promise.all([next, command]);
    await pool.close();
    expect(pool.inspect()).toMatchObject({ state: 'closed', links: [] });
  });

  it('is said in several lines for people', async () => {
    const redis = client();
    await redis.multi(incr('inspect:n'));
    const text = String(redis.inspect());
    expect(text.split('\n').map((line) => line.replace(/:? .*/, ''))).toStrictEqual([
      'Redis',
      'commands',
      'oldest',
      'waiting',
      'subscriptions',
      'leases',
      'last',
      'commands',
    ]);
    expect(inspect(redis.inspect()).split('\n')).toHaveLength(8);
  });

  it('goes through a queue of any length to its first command alone', async () => {
    await proxy().refuse(true);
    const redis = client({ offlineQueue: 100_000 });
    redis.events$.subscribe();
    const many = Array.from({ length: 20_000 }, (_, n) => failure(redis.get(`k${n}`)));
    expect(redis.inspect()).toMatchObject({ queued: 20_000, oldest: { statement: 'GET k0' } });
    await redis.destroy();
    await Promise.all(many);
    await proxy().refuse(false);
  });
});

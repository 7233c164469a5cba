import type { Redis, RedisCommands } from 'rxjs-redis';
import { eventually, useClients, usePools } from '../../support/clients';
import { failure, outcome, thrownBy } from '../../support/outcomes';
import { useServer } from '../../support/server';

/** Commands that wait until the writes of their own connection are safe. */
const questions: [command: string, ask: (redis: RedisCommands) => PromiseLike<unknown>, untold: unknown][] = [
  ['wait', (redis) => redis.wait(1, 0), 0],
  ['waitaof', (redis) => redis.waitaof(1, 0, 0), [0, 0]],
  ['wait', (redis) => redis.call('WAIT', 1, 0), 0],
  ['waitaof', (redis) => redis.call('waitaof', 1, 0, 0), [0, 0]],
];

describe.each([2, 3] as const)('WAIT and WAITAOF (RESP%d)', (protocol) => {
  // Nothing is flushed to the disk unless the spec has it so, and WAITAOF is of Redis 7.2.
  const server = useServer({ own: true, args: ['--appendonly', 'yes', '--appendfsync', 'no'] }, '7.2');
  const make = useClients();
  const pools = usePools();
  let admin: Redis;
  const client = () => make({ url: server().url, protocol });
  /** Resolves when the connection with that id waits at the server by a command. */
  const waitsBy = async (id: number, command: string) =>
    eventually(
      () => admin.clientList(),
      (clients) => clients.some((one) => one.id === id && one.cmd === command && String(one.flags).includes('b')),
    );
  beforeEach(async () => {
    admin = make(server().url);
    await admin.configSet({ appendfsync: 'no' });
  });

  it.each(questions)('ask about the writes of the client, on its own connection: %s', async (command, ask, untold) => {
    const redis = client();
    const id = await redis.clientId();
    await redis.set('k', 'v');
    const waiting = outcome(ask(redis));
    await waitsBy(id, command);
    // What is behind it on this connection waits with it.
    const behind = outcome(redis.echo('behind'));
    expect(await admin.clientUnblock(id)).toBe(1);
    expect(await waiting).toStrictEqual({ value: untold });
    expect(await behind).toStrictEqual({ value: 'behind' });
  });

  it.each(questions)('ask about the writes of a lease, on its connection: %s', async (command, ask, untold) => {
    const redis = client();
    const own = await redis.clientId();
    const asked = outcome(
      redis.dedicated(async (connection) => {
        const id = await connection.clientId();
        await connection.set('k', 'v');
        const waiting = outcome(ask(connection));
        await waitsBy(id, command);
        expect(id).not.toBe(own);
        expect(await redis.ping()).toBe('PONG');
        await admin.clientUnblock(id);
        return waiting;
      }),
    );
    expect(await asked).toStrictEqual({ value: { value: untold } });
  });

  it('answer by WAITAOF when the writes are on the disk, and at once where the connection has written nothing', async () => {
    const redis = client();
    const id = await redis.clientId();
    await redis.set('k', 'v');
    const waiting = outcome(redis.waitaof(1, 0, 0));
    await waitsBy(id, 'waitaof');
    expect(await redis.dedicated((connection) => connection.waitaof(1, 0, 0))).toStrictEqual([1, 0]);
    await admin.configSet({ appendfsync: 'always' });
    await admin.set('k', 'flushed');
    expect(await waiting).toStrictEqual({ value: [1, 0] });
  });

  it('are refused on a pool, where they could not mean the connection of the writes: WAITAOF', () => {
    expect(thrownBy(() => pools({ url: server().url, protocol }).waitaof(1, 0, 0))).toMatch(
      /^TypeError: WAITAOF asks about the writes of its connection, and a pool has several: use use\(…\)/,
    );
  });

  it('ask on a connection that a pool lends', async () => {
    const pool = pools({ url: server().url, protocol });
    await admin.configSet({ appendfsync: 'always' });
    const saved = pool.use(async (connection) => {
      await connection.set('k', 'v');
      return connection.waitaof(1, 0, 0);
    });
    expect(await outcome(saved)).toStrictEqual({ value: [1, 0] });
  });

  it('fail by WAITAOF where nothing is appended to a file', async () => {
    await admin.configSet({ appendonly: 'no' });
    const error = await failure(client().waitaof(1, 0, 0));
    await admin.configSet({ appendonly: 'yes' });
    expect(error).toMatchObject({ kind: 'ERR', command: 'WAITAOF', delivery: 'answered' });
  });
});

describe('WAITAOF on a server before Redis 7.2', () => {
  const server = useServer({ server: 'redis-7.0' });
  const make = useClients();

  it('is refused by the server, and shifts no other reply', async () => {
    const redis = make(server().url);
    const refused = failure(redis.waitaof(1, 0, 0));
    expect(await redis.echo('behind')).toBe('behind');
    expect(await refused).toMatchObject({
      kind: 'ERR',
      message: expect.stringContaining('unknown command') as unknown,
    });
  });
});

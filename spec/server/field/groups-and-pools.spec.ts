import { setTimeout } from 'node:timers/promises';
import { NEVER, firstValueFrom } from 'rxjs';
import { AuthenticationError, type Redis, type RedisPool } from 'rxjs-redis';
import { call, get, incr, set } from 'rxjs-redis/commands';
import { Command } from '../../../src/commands/command';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

/** Runs for seconds, and writes nothing, so it can be killed. */
const LONG = 'while true do end';

describe.each([2, 3] as const)('What others have met with connections that are lent, in RESP%i:', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  const connect = () => make({ url: server().url, protocol });
  const pooled = (max = 1, more: object = {}): RedisPool =>
    pools({ url: server().url, protocol, clientName: 'pooled', min: 0, max, ...more });
  /** How many connections of pools the server has. */
  const pooledBy = (admin: Redis) => async () =>
    (await admin.clientList()).filter(({ name }) => name === 'pooled').length;
  /** The next callers get their own replies, and as many connections as there may be are lent. */
  const expectWhole = async (pool: RedisPool, max = 1) => {
    const words = Array.from({ length: max * 3 }, (_, n) => `word ${n}`);
    const echoes = words.map((word) => pool.use((connection) => connection.echo(word)));
    expect(await Promise.all(echoes.map((echo) => firstValueFrom(echo)))).toStrictEqual(words);
    const all = await Promise.all(Array.from({ length: max }, () => firstValueFrom(pool.acquire())));
    expect(pool.stats).toMatchObject({ active: max, idle: 0, waiting: 0, total: max });
    for (const one of all) pool.release(one);
    await until(() => pool.stats.active === 0);
  };

  beforeEach(() => connect().flushall());

  it('a caller that throws behind WATCH leaves nothing watched to the next', async () => {
    const pool = pooled();
    const thrown = await failure(
      pool.use(async (connection) => {
        await connection.watch('k');
        throw new Error('mine');
      }),
    );
    expect(thrown.message).toBe('mine');
    await connect().set('k', 'changed');
    expect(await pool.use((connection) => connection.multi(get('k')))).toStrictEqual(['changed']);
    await expectWhole(pool);
  });

  it('a reader that throws in the middle of a group leaves no reply behind', async () => {
    const pool = pooled();
    const { spec, args } = get('k');
    const broken = new Command(spec, args, () => {
      throw new Error('cannot be read');
    });
    for (const method of ['pipeline', 'multi'] as const) {
      const members = [set('k', 1), broken, get('k')];
      const values = await pool.use((connection) =>
        method === 'pipeline' ? connection.pipeline(members) : connection.multi(members),
      );
      expect(values).toMatchObject(['OK', { code: 'PROTOCOL' }, '1']);
      await expectWhole(pool);
    }
  });

  it('a connection that was killed while it was idle has its pipeline sent by another, and no reply is taken for the next', async () => {
    const admin = connect();
    const pool = pooled();
    const redis = make({ url: server().url, protocol, leases: { max: 1 } });
    await admin.set('k', 'v');
    for (let round = 0; round < 5; round++) {
      const id = await pool.use((connection) => connection.clientId());
      const own = await redis.dedicated((connection) => connection.clientId());
      await admin.call('CLIENT', 'KILL', 'ID', id);
      await admin.call('CLIENT', 'KILL', 'ID', own);
      const read = () => pool.use((connection) => connection.pipeline(get('k')));
      const readOwn = () => redis.dedicated((connection) => connection.pipeline(get('k')));
      // One that is killed in the very moment of its use is lost: its user is told so, and nothing else.
      for (const ended of [await outcome(read()), await outcome(readOwn())])
        if ('error' in ended) expect(ended.error.code).toBe('DISCONNECTED');
        else expect(ended.value).toStrictEqual(['v']);
      expect([await read(), await readOwn()]).toStrictEqual([['v'], ['v']]);
    }
    await expectWhole(pool);
  });

  it('a pipeline that was lost with its connection can be sent again, whole', async () => {
    const redis = make({ url: proxy().url(), protocol });
    const pipeline = redis.pipeline([incr('n'), incr('n'), incr('n')]);
    await redis.ping();
    proxy().stall('toClient', true);
    const lost = outcome(pipeline);
    await setTimeout(5);
    proxy().cut();
    proxy().stall('toClient', false);
    expect(await lost).toMatchObject({ error: { delivery: 'unknown' } });
    const before = Number((await connect().get('n')) ?? 0);
    expect(await firstValueFrom(pipeline)).toStrictEqual([before + 1, before + 2, before + 3]);
  });

  it('a pool with many idle connections closes all of them', async () => {
    const admin = connect();
    const pool = pooled(12, { min: 10 });
    await pool.connect();
    await eventually(pooledBy(admin), (count) => count >= 10);
    await pool.close();
    expect(pool.stats.total).toBe(0);
    await eventually(pooledBy(admin), (count) => count === 0);
  });

  it('callers whose time is up, and those that leave, cost no connection', async () => {
    const pool = pooled(2, { acquireTimeout: 50 });
    for (let round = 0; round < 3; round++) {
      const holders = [record(pool.use(() => NEVER)), record(pool.use(() => NEVER))];
      await until(() => pool.stats.active === 2);
      const late = Array.from({ length: 10 }, () => outcome(pool.use((connection) => connection.ping())));
      const left = Array.from({ length: 10 }, () => record(pool.use((connection) => connection.ping())));
      for (const one of left) one.stop();
      for (const ended of await Promise.all(late)) expect(ended).toMatchObject({ error: { code: 'TIMEOUT' } });
      for (const one of holders) one.stop();
      await expectWhole(pool, 2);
    }
  });

  it('a caller that leaves while its connection is cleaned, or before its reply has come, costs no connection', async () => {
    const pool = pooled();
    for (let round = 0; round < 30; round++) {
      const user = record(
        pool.use(async (connection) => {
          await connection.watch('k');
          return connection.get('k');
        }),
      );
      for (let turn = 0; turn < round % 6; turn++) await setTimeout(0);
      user.stop();
    }
    await expectWhole(pool);
  });

  it('a command that waits at the server keeps no other caller from its connection, also where it is left', async () => {
    const pool = pooled(3);
    const waits = record(pool.blpop('none', 0));
    for (let n = 0; n < 20; n++) {
      expect(await pool.use((connection) => connection.multi(incr('n')))).toStrictEqual([n + 1]);
      expect(await pool.get('n')).toBe(`${n + 1}`);
    }
    expect([waits.values, waits.ended]).toStrictEqual([[], undefined]);
    waits.stop();
    await pool.rpush('none', 'element');
    await expectWhole(pool, 3);
    expect(await pool.lrange('none', 0, -1)).toStrictEqual(['element']);
  });

  it('MULTI twice by hand is refused at once, and the connection is of use to the next', async () => {
    const pool = pooled();
    const [first, second] = await pool.use((connection) =>
      Promise.all([outcome(connection.call('MULTI')), outcome(connection.call('MULTI'))]),
    );
    expect(first).toStrictEqual({ value: 'OK' });
    expect(second).toHaveProperty('error');
    await expectWhole(pool);
  });

  it('commands of a transaction that is discarded by hand have ended', async () => {
    const pool = pooled();
    const ended = await pool.use((connection) =>
      Promise.all([connection.call('MULTI'), connection.set('k', 1), connection.get('k'), connection.discard()]),
    );
    expect(ended).toStrictEqual(['OK', 'QUEUED', 'QUEUED', 'OK']);
    expect(await pool.exists('k')).toBe(0);
    await expectWhole(pool);
  });

  it.each<[string, (redis: ReturnType<typeof connect>, member: Command) => PromiseLike<unknown>]>([
    [
      'a watched key that has changed',
      (redis, member) =>
        redis.dedicated(async (connection) => {
          await connection.watch('k');
          await redis.set('k', Math.random());
          expect(await connection.multi([member])).toBeNull();
        }),
    ],
    ['a command that is refused', (redis, member) => failure(redis.multi([member, call('NOSUCH')]))],
    [
      'DISCARD',
      (redis) =>
        redis.dedicated(async (connection) => {
          await connection.call('MULTI');
          await outcome(connection.script('return 7', { keys: 0 })([]));
          await connection.discard();
        }),
    ],
  ])('a script in a transaction that was discarded runs in the next one: %s', async (_title, discard) => {
    const redis = make({ url: server().url, protocol, leases: { max: 1 } });
    const script = redis.script('return 7', { keys: 0, reply: 'integer' });
    await redis.scriptFlush();
    for (let round = 0; round < 2; round++) {
      await discard(redis, script.command([]));
      expect(await redis.multi(script.command([]))).toStrictEqual([7]);
      expect(await redis.dedicated((connection) => connection.multi([script.command([])]))).toStrictEqual([7]);
      expect(await script([])).toBe(7);
      await redis.scriptFlush();
    }
  });

  it('callers of a server that is gone, and of one that is back, leave all connections to the next', async () => {
    const pool = pools({ url: proxy().url(), protocol, min: 0, max: 3, commandTimeout: 400, acquireTimeout: 400 });
    const use = () => outcome(pool.use((connection) => connection.pipeline(incr('n'), get('n'))));
    await use();
    for (let round = 0; round < 2; round++) {
      await proxy().refuse(true);
      proxy().cut();
      for (const ended of await Promise.all(Array.from({ length: 9 }, use))) expect(ended).toHaveProperty('error');
      expect(pool.stats).toMatchObject({ active: 0, waiting: 0 });
      await proxy().refuse(false);
      await eventually(use, (ended) => 'value' in ended);
    }
    await expectWhole(pool, 3);
  });

  it('a script that holds the server up and is killed costs no connection, and BUSY is over with it', async () => {
    const admin = connect();
    await admin.configSet('lua-time-limit', 20);
    const pool = pooled(4);
    await expectWhole(pool, 4);
    const long = outcome(pool.use((connection) => connection.eval(LONG, [], [])));
    const busy = await eventually(
      () => outcome(pool.use((connection) => connection.call('EVAL', 'return 1', 0))),
      (ended) => 'error' in ended && ended.error.message.startsWith('BUSY'),
    );
    expect(busy).toMatchObject({ error: { repeatable: true } });
    const waiting = Array.from({ length: 20 }, (_, n) => outcome(pool.echo(`${n}`)));
    await eventually(
      () => outcome(admin.withOptions({ idempotent: true }).call('SCRIPT', 'KILL')),
      (ended) => 'value' in ended || /NOTBUSY/.test(ended.error.message),
    );
    expect(await long).toHaveProperty('error');
    expect(await Promise.all(waiting)).toStrictEqual(waiting.map((_, n) => ({ value: `${n}` })));
    await expectWhole(pool, 4);
  });

  it('what a caller has no time for is answered to no other', async () => {
    const admin = connect();
    const pool = pooled(1, { commandTimeout: 60 });
    await admin.set('k', 'v');
    for (let round = 0; round < 3; round++) {
      const late = pool.use(async (connection) => {
        await connection.ping();
        await admin.call('CLIENT', 'PAUSE', 150);
        return connection.pipeline(get('k'), get('k'), get('k'));
      });
      expect(await failure(late)).toMatchObject({ code: 'TIMEOUT' });
      await eventually(
        () => outcome(pool.use((connection) => connection.echo('own'))),
        (ended) => {
          if ('value' in ended) expect(ended.value).toBe('own');
          return 'value' in ended;
        },
      );
    }
    await expectWhole(pool);
  });

  it('a user that is removed has its connections closed, is told why, and has others when it is back', async () => {
    const admin = connect();
    const create = () => admin.call('ACL', 'SETUSER', 'pool', 'on', '>pw', '~*', '+@all');
    await create();
    const pool = pooled(3, { username: 'pool', password: 'pw', min: 2, acquireTimeout: 1_000 });
    expect(await pool.use((connection) => connection.aclWhoami())).toBe('pool');
    await admin.call('ACL', 'DELUSER', 'pool');
    await eventually(
      () => outcome(pool.use((connection) => connection.ping())),
      (ended) => 'error' in ended && ended.error instanceof AuthenticationError,
    );
    await create();
    await eventually(
      () => outcome(pool.use((connection) => connection.ping())),
      (ended) => 'value' in ended,
    );
    await expectWhole(pool, 3);
  });

  it('a watch sends UNWATCH behind EXEC neither where it has run nor where a key has changed', async () => {
    const redis = make({ url: server().url, protocol, leases: { max: 1 } });
    const other = connect();
    const before = await unwatches();
    expect(await redis.watch('k', () => [set('k', 1)])).toStrictEqual(['OK']);
    const changed = redis.watch('k', async () => (await other.incr('k'), [get('k')]), { attempts: 2 });
    expect(await changed).toBeNull();
    await redis.dedicated((connection) => connection.ping());
    expect(await unwatches()).toBe(before);

    async function unwatches(): Promise<number> {
      const text = await other.call<string>('INFO', 'commandstats');
      return Number(/cmdstat_unwatch:calls=(\d+)/.exec(text)?.[1] ?? 0);
    }
  });

  it('a connection that is given back twice, at once and later, is lent once', async () => {
    const pool = pooled(2);
    const first = await firstValueFrom(pool.acquire());
    pool.release(first);
    expect(() => pool.release(first)).toThrow('was released before');
    const [one, two] = await Promise.all([firstValueFrom(pool.acquire()), firstValueFrom(pool.acquire())]);
    expect(() => pool.release(first)).toThrow('was released before');
    expect(await one.clientId()).not.toBe(await two.clientId());
    expect(pool.stats).toMatchObject({ active: 2, idle: 0, total: 2 });
    pool.release(one);
    pool.release(two);
    await expectWhole(pool, 2);
  });

  it('connections that are all killed while they are in use tell each caller once, and as many are made again as are kept', async () => {
    const admin = connect();
    const pool = pooled(8, { min: 4 });
    const users = Array.from({ length: 8 }, () => outcome(pool.use((connection) => connection.blpop('none', 0))));
    await eventually(
      () => admin.clientList(),
      (list) => list.filter(({ cmd }) => cmd === 'blpop').length === 8,
    );
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for (const ended of await Promise.all(users)) expect(ended).toMatchObject({ error: { delivery: 'unknown' } });
    await until(() => pool.stats.idle >= 4 && pool.stats.active === 0);
    await expectWhole(pool, 8);
  });

  it('a pool that shrinks closes its connections at the server too', async () => {
    const admin = connect();
    const pool = pooled(6, { min: 1, idleTimeout: 50 });
    await expectWhole(pool, 6);
    await until(() => pool.stats.total === 1);
    await eventually(pooledBy(admin), (count) => count === 1);
  });

  it('AUTH that is refused inside MULTI by hand shifts no reply', async () => {
    const pool = pooled(1, { commandTimeout: 1_000 });
    const ended = await outcome(
      pool.use((connection) =>
        Promise.all(
          [
            connection.call('MULTI'),
            connection.set('k', 'in the transaction'),
            connection.auth('nobody', 'wrong'),
            connection.exec(),
            connection.echo('own'),
            connection.get('k'),
          ].map((reply) => outcome(reply as PromiseLike<unknown>)),
        ),
      ),
    );
    if ('error' in ended) throw ended.error;
    const [, , , , echo, got] = ended.value;
    if ('value' in echo!) expect(echo.value).toBe('own');
    if ('value' in got!) expect(got.value).toBe('in the transaction');
    await expectWhole(pool);
  });
});

import { EMPTY, NEVER, concatMap, filter, firstValueFrom, merge, of } from 'rxjs';
import { RedisPool, type PoolStats, type Redis } from 'rxjs-redis';
import { get, hgetall, incr, set } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

/** How many clients the server has, the one that asks included. */
const clients = async (redis: Redis) => (await redis.call<string>('CLIENT LIST')).trim().split('\n').length;

describe('A pool', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();

  it('opens nothing before it is used, then as many connections as are kept', async () => {
    const redis = make(server().url);
    await redis.ping();
    const pool = pools({ url: server().url, min: 3 });
    expect([await clients(redis), pool.stats]).toStrictEqual([1, { active: 0, idle: 0, waiting: 0, total: 0 }]);
    await pool.connect();
    await eventually(
      () => clients(redis),
      (count) => count === 4,
    );
    await until(() => pool.stats.idle === 3);
    expect(pool.stats).toStrictEqual({ active: 0, idle: 3, waiting: 0, total: 3 });
  });

  it('lends connections up to its most, first come first served, and tells how many wait', async () => {
    const pool = pools({ url: server().url, min: 0, max: 2 });
    const order: number[] = [];
    const work = (n: number) =>
      record(
        pool.use(() => {
          order.push(n);
          return merge(of(n), NEVER);
        }),
      );
    const users = [0, 1, 2, 3].map(work);
    await until(() => order.length === 2);
    expect(pool.stats).toStrictEqual({ active: 2, idle: 0, waiting: 2, total: 2 });
    users[1]!.stop();
    await until(() => order.length === 3);
    users[0]!.stop();
    await until(() => order.length === 4);
    expect(order).toStrictEqual([0, 1, 2, 3]);
    expect(pool.stats).toStrictEqual({ active: 2, idle: 0, waiting: 0, total: 2 });
    for (const user of users) user.stop();
    await until(() => pool.stats.active === 0);
  });

  it('gives a connection back when the work completes, errors or is unsubscribed from', async () => {
    const pool = pools({ url: server().url, min: 0, max: 1 });
    expect(await pool.use((connection) => connection.set('k', 'v'))).toBe('OK');
    expect(await pool.use(() => EMPTY)).toBeUndefined();
    await expect(pool.use(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    const thrown = pool.use((): Promise<never> => {
      throw new Error('mine too');
    });
    await expect(thrown).rejects.toThrow('mine too');
    const left = record(pool.use((connection) => merge(connection.ping(), NEVER)));
    await until(() => left.values.length === 1);
    expect(pool.stats.active).toBe(1);
    left.stop();
    expect(await pool.use((connection) => connection.get('k'))).toBe('v');
    expect(pool.stats).toStrictEqual({ active: 0, idle: 1, waiting: 0, total: 1 });
  });

  it('lends a connection until it is released, once', async () => {
    const pool = pools({ url: server().url, min: 0, max: 1 });
    const connection = await pool.acquire();
    expect(pool.stats.active).toBe(1);
    await connection.set('k', 'v');
    pool.release(connection);
    expect(pool.stats.active).toBe(0);
    expect(await failure(connection.get('k'))).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
    expect(() => pool.release(connection)).toThrow(
      new TypeError('release: this connection was not acquired from this pool, or was released before'),
    );
    expect(await pool.use((other) => other.get('k'))).toBe('v');
  });

  it('lends no connection to a caller that has left the line', async () => {
    const pool = pools({ url: server().url, min: 0, max: 1 });
    const connection = await pool.acquire();
    const waiting = record(pool.acquire());
    expect(pool.stats.waiting).toBe(1);
    waiting.stop();
    expect(pool.stats.waiting).toBe(0);
    pool.release(connection);
    expect(waiting.values).toStrictEqual([]);
    expect(pool.stats).toStrictEqual({ active: 0, idle: 1, waiting: 0, total: 1 });
  });

  it('fails a caller that has waited for too long, and says what to do', async () => {
    const pool = pools({ url: server().url, min: 0, max: 1, acquireTimeout: 500 });
    const connection = await pool.acquire();
    expect(await failure(pool.use((other) => other.ping()))).toMatchObject({
      code: 'TIMEOUT',
      message:
        "No connection was free within 500 ms: the only one is in use. Give it back sooner, or raise the option 'max'",
    });
    pool.release(connection);
    expect(await pool.use((other) => other.ping())).toBe('PONG');
  });

  it('tells its numbers to Observers, now and when they change, until it is closed', async () => {
    const pool = pools({ url: server().url, min: 0, max: 1 });
    const told = record<PoolStats>(pool.stats$);
    expect(told.values).toStrictEqual([{ active: 0, idle: 0, waiting: 0, total: 0 }]);
    const connection = await pool.acquire();
    await until(() => told.values.some(({ active }) => active === 1));
    pool.release(connection);
    await until(() => told.values.at(-1)!.active === 0);
    expect(told.values.at(-1)).toStrictEqual({ active: 0, idle: 1, waiting: 0, total: 1 });
    await pool.close();
    await until(() => told.ended === 'complete');
    expect(told.values.at(-1)).toStrictEqual({ active: 0, idle: 0, waiting: 0, total: 0 });
  });

  it('makes connections again that are lost, as many as are kept', async () => {
    const redis = make(server().url);
    const pool = pools({ url: server().url, min: 3, clientName: 'pooled' });
    await pool.connect();
    const pooled = async () =>
      (await redis.call<string>('CLIENT LIST'))
        .split('\n')
        .filter((line) => line.includes('name=pooled'))
        .map((line) => /id=(\d+)/.exec(line)![1]!);
    const before = await eventually(pooled, (ids) => ids.length === 3);
    for (const id of before) await redis.call('CLIENT KILL', 'ID', id);
    const after = await eventually(pooled, (ids) => ids.length === 3 && !ids.some((id) => before.includes(id)));
    expect(after).toHaveLength(3);
    expect(pool.stats.total).toBe(3);
  });

  it('makes them again after an outage as well', async () => {
    const pool = pools({ url: proxy().url(), min: 2, reconnect: { initialDelay: 5, maxDelay: 20 } });
    await pool.connect();
    await until(() => pool.stats.idle === 2);
    await proxy().refuse(true);
    proxy().cut();
    expect(await failure(pool.withOptions({ commandTimeout: 50 }).get('k'))).toMatchObject({ code: 'TIMEOUT' });
    await proxy().refuse(false);
    expect(await pool.set('k', 'v')).toBe('OK');
    await until(() => pool.stats.idle === 2 && pool.stats.total === 2);
  });

  it('closes connections that are idle for long, but for those that are kept', async () => {
    const pool = pools({ url: server().url, min: 1, max: 4, idleTimeout: 20 });
    const connections = await Promise.all([0, 1, 2, 3].map(() => pool.acquire()));
    expect(pool.stats.total).toBe(4);
    for (const connection of connections) pool.release(connection);
    await until(() => pool.stats.total === 1);
    expect(await pool.get('k')).not.toBeUndefined();
  });

  it('asks a connection whether it lives only when that was idle for a while', async () => {
    const redis = make(server().url);
    const pool = pools({ url: server().url, min: 1, max: 1 });
    const pings = async () =>
      Number(/cmdstat_ping:calls=(\d+)/.exec(await redis.call<string>('INFO', 'commandstats'))?.[1] ?? 0);
    await pool.get('k');
    const before = await pings();
    for (let n = 0; n < 20; n++) await pool.use((connection) => connection.get('k'));
    expect(await pings()).toBe(before);
  });

  it('hands no connection on with what its caller has left', async () => {
    const pool = pools({ url: server().url, min: 1, max: 1 });
    await pool.use((connection) => connection.watch('k').pipe(concatMap(() => connection.call('MULTI'))));
    await pool.use((connection) => connection.select(1));
    await pool.use((connection) => connection.clientSetname('mine'));
    const [id, list] = await pool.use(async (connection) => [
      await connection.clientId(),
      await connection.clientList(),
    ]);
    const own = list.find((one) => one.id === id);
    expect(own).toMatchObject({ name: '', db: 0, flags: 'N' });
    expect(await pool.set('k', 'v')).toBe('OK');
  });

  describe('with commands of its own', () => {
    it('has the surface of a client: commands, groups, scripts, watch, bytes, options', async () => {
      const pool = pools({ url: server().url, prefix: 'p:' });
      await pool.hset('h', { f: 'v' });
      expect(await pool.pipeline(set('a', '1'), incr('a'))).toStrictEqual(['OK', 2]);
      expect(await pool.multi().incr('a').get('a').exec()).toStrictEqual([3, '3']);
      expect(await pool.bytes.get('a')).toStrictEqual(Buffer.from('3'));
      expect(await pool.withOptions({ idempotent: true }).incr('a')).toBe(4);
      const double = pool.script("return 2 * redis.call('GET', KEYS[1])", { keys: 1, reply: 'integer' });
      expect(await double(['a'])).toBe(8);
      const read = { h: hgetall('h') };
      expect(await pool.watch('h', ({ h }) => [set('b', String(h?.['f']))], { read })).toStrictEqual(['OK']);
      expect(await pool.pipeline([get('b')])).toStrictEqual(['v']);
      expect(await pool.publish('c', 'm')).toBe(0);
      expect(await pool.call('GET', 'b')).toBe('v');
      expect(await make(server().url).get('p:b')).toBe('v');
    });

    it('refuses what would change a connection that others share', () => {
      const pool = pools({ url: server().url });
      expect(() => pool.call('SELECT', 1)).toThrow(
        "SELECT would change one connection of the pool alone: use the option 'database'",
      );
      expect(() => pool.bytes.clientNoEvict('ON')).toThrow('use use(…), which lends a connection');
      expect(() => pool.call('MULTI')).toThrow('MULTI would change the connection for all who share it');
    });

    it('spreads them over its connections, and takes one more when each has many', async () => {
      const pool = pools({ url: server().url, min: 2, max: 4 });
      await pool.connect();
      const few = () => Promise.all([pool.clientId(), pool.clientId(), pool.clientId()]);
      await eventually(few, (ids) => new Set(ids).size === 2);
      const many = () => Promise.all(Array.from({ length: 2_000 }, () => pool.clientId()));
      await eventually(many, (ids) => new Set(ids).size === 4);
      await until(() => pool.stats.active === 0);
      expect(pool.stats.total).toBe(4);
    });

    it('lends connections to callers that wait, however many commands are sent', async () => {
      const pool = pools({ url: server().url, min: 1, max: 1 });
      let isOver = false;
      let sent = 0;
      const commands = (async () => {
        while (!isOver) {
          const batch = Array.from({ length: 50 }, () => pool.incr('n'));
          await Promise.all(batch);
          sent += batch.length;
        }
      })();
      await until(() => sent > 0);
      for (let n = 0; n < 20; n++) await pool.use((connection) => connection.incr('n'));
      isOver = true;
      await commands;
      expect(Number(await pool.get('n'))).toBeGreaterThanOrEqual(sent + 20);
    });

    it('sends them in their turn, however many callers wait', async () => {
      const pool = pools({ url: server().url, min: 1, max: 1, acquireTimeout: Infinity });
      let isOver = false;
      const user = async () => {
        while (!isOver) await pool.use((connection) => connection.ping());
      };
      const users = [user(), user(), user()];
      await until(() => pool.stats.waiting >= 2);
      const replies = Array.from({ length: 20 }, () => pool.incr('turn').then());
      await Promise.all(replies);
      for (let n = 0; n < 20; n++) await pool.incr('turn');
      isOver = true;
      await Promise.all(users);
      expect(Number(await pool.get('turn'))).toBeGreaterThanOrEqual(40);
    });

    it('lets no command wait behind one that waits at the server', async () => {
      const pool = pools({ url: server().url, min: 1, max: 2 });
      await pool.del('jobs');
      const job = outcome(pool.blpop('jobs', 0));
      for (let n = 0; n < 10; n++) expect(await pool.incr('beside')).toBeGreaterThan(0);
      const many = Array.from({ length: 100 }, () => pool.incr('beside'));
      expect(Math.max(...(await Promise.all(many)))).toBeGreaterThanOrEqual(110);
      await pool.rpush('jobs', 'first');
      expect(await job).toStrictEqual({ value: ['jobs', 'first'] });
      await until(() => pool.stats.active === 0);
      const left = record(pool.blpop('jobs', 0));
      await until(() => pool.stats.active === 1);
      left.stop();
      await until(() => pool.stats.active === 0);
      await pool.rpush('jobs', 'second');
      expect(await pool.lpop('jobs')).toBe('second');
    });

    it.each(['get', 'blpop'] as const)('fail at once where a pool does not reconnect: %s', async (name) => {
      await proxy().refuse(true);
      const pool = pools({ url: proxy().url(), reconnect: false });
      const reply = name === 'get' ? pool.get('k') : pool.blpop('k', 0);
      expect(await failure(reply)).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
      await proxy().refuse(false);
    });

    it('repeats on another connection what may be repeated when one is lost, and fails the rest once', async () => {
      const redis = make(server().url);
      const pool = pools({ url: proxy().url(), min: 2, max: 4, reconnect: { initialDelay: 2, maxDelay: 10 } });
      await redis.set('n', '0');
      await pool.connect();
      const reads: Promise<unknown>[] = [];
      const counts: Promise<object>[] = [];
      for (let round = 0; round < 20; round++) {
        for (let n = 0; n < 50; n++) {
          reads.push(pool.get('n').then());
          counts.push(outcome(pool.incr('n')));
        }
        proxy().cut();
        await Promise.allSettled([reads.at(-1), counts.at(-1)]);
      }
      await Promise.all(reads);
      const ends = await Promise.all(counts);
      const failed = ends.filter((ended) => 'error' in ended);
      expect(failed).toMatchObject(failed.map(() => ({ error: { delivery: 'unknown', command: 'INCR' } })));
      const n = Number(await redis.get('n'));
      expect(n).toBeGreaterThanOrEqual(1_000 - failed.length);
      expect(n).toBeLessThanOrEqual(1_000);
      await until(() => pool.stats.active === 0);
      expect(pool.stats.total).toBeLessThanOrEqual(4);
    });

    it('keeps the time of a command that waits for a connection', async () => {
      const pool = pools({ url: server().url, min: 0, max: 1 });
      const connection = await pool.acquire();
      expect(await failure(pool.withOptions({ commandTimeout: 20 }).get('k'))).toMatchObject({
        code: 'TIMEOUT',
        delivery: 'unsent',
        command: 'GET',
        message: expect.stringContaining('waited for a connection of the pool'),
      });
      pool.release(connection);
      expect(await pool.get('k')).not.toBeUndefined();
    });

    it('keeps the time that its user gives a command that waits at the server, for a connection too', async () => {
      const pool = pools({ url: server().url, min: 0, max: 1, acquireTimeout: Infinity });
      const connection = await pool.acquire();
      expect(await failure(pool.withOptions({ commandTimeout: 20 }).blpop('none', 0))).toMatchObject({
        code: 'TIMEOUT',
        delivery: 'unsent',
        command: 'BLPOP',
        message: expect.stringContaining('waited for a connection of the pool'),
      });
      expect(pool.stats.waiting).toBe(0);
      pool.release(connection);
    });

    it('forgets a command whose Observer leaves while all connections are lent', async () => {
      const pool = pools({ url: server().url, min: 0, max: 1, acquireTimeout: Infinity });
      const connection = await pool.acquire();
      const unlimited = pool.withOptions({ commandTimeout: Infinity });
      for (let n = 0; n < 1_000; n++) {
        unlimited.incr('left').subscribe().unsubscribe();
        unlimited.blpop('left', 0).subscribe().unsubscribe();
      }
      expect([pool['spread']['waiting'].size, pool.stats.waiting]).toStrictEqual([0, 0]);
      pool.release(connection);
      expect(await pool.exists('left')).toBe(0);
    });

    it('leaves the line with the last command that waits for a connection: it leaves, or its time is up', async () => {
      const pool = pools({ url: server().url, min: 0, max: 1, acquireTimeout: Infinity });
      const connection = await pool.acquire();
      const [one, other] = [record(pool.get('k')), record(pool.get('k'))];
      one.stop();
      expect(pool.stats.waiting).toBe(1);
      other.stop();
      expect(pool.stats.waiting).toBe(0);
      await failure(pool.withOptions({ commandTimeout: 20 }).get('k'));
      expect(pool.stats.waiting).toBe(0);
      pool.release(connection);
      expect(pool.stats).toStrictEqual({ active: 0, idle: 1, waiting: 0, total: 1 });
    });

    it('leaves nothing on a connection that it gives back', async () => {
      const pool = pools({ url: server().url, min: 1, max: 1 });
      const observers = async () => {
        await until(() => pool.stats.idle === 1);
        const { state$, line } = pool['leases']['lists'].idle.oldest!.item.connection;
        return [state$.observers.length, line.drain.idle$.observers.length, line.residents.count];
      };
      await pool.get('k');
      const before = await observers();
      for (let n = 0; n < 20; n++) {
        await pool.get('k');
        expect(await observers()).toStrictEqual(before);
      }
      await pool.blpop('none', 0.001);
      expect(await observers()).toStrictEqual(before);
    });

    it('fails them when no connection is free within acquireTimeout', async () => {
      const pool = pools({ url: server().url, min: 0, max: 1, acquireTimeout: 500 });
      const connection = await pool.acquire();
      expect(await failure(pool.get('k'))).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', command: 'GET' });
      pool.release(connection);
    });
  });

  describe('that is closed', () => {
    it('waits for connections that are lent, and lends nothing more', async () => {
      const redis = make(server().url);
      const pool = pools({ url: server().url, min: 2, clientName: 'closing' });
      const connection = await pool.acquire();
      const closed = record(pool.close());
      expect(await failure(pool.use((other) => other.ping()))).toMatchObject({ code: 'DISCONNECTED' });
      expect(await failure(pool.get('k'))).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
      expect(await connection.set('k', 'v')).toBe('OK');
      expect(closed.ended).toBeUndefined();
      pool.release(connection);
      await until(() => closed.ended === 'complete');
      await eventually(
        () => redis.call<string>('CLIENT LIST'),
        (list) => !list.includes('name=closing'),
      );
    });

    it('waits for replies to its own commands', async () => {
      const pool = pools({ url: server().url });
      const replies = Array.from({ length: 500 }, () => outcome(pool.incr('n')));
      await pool.close();
      expect((await Promise.all(replies)).every((ended) => 'value' in ended)).toBe(true);
    });

    it('waits for its own commands that wait for a connection', async () => {
      const pool = pools({ url: server().url, max: 1 });
      const connection = await pool.acquire();
      const waiting = outcome(pool.set('last', 'v'));
      const closed = record(pool.close());
      expect(await connection.get('last')).not.toBe('v');
      expect(closed.ended).toBeUndefined();
      pool.release(connection);
      expect(await waiting).toStrictEqual({ value: 'OK' });
      await until(() => closed.ended === 'complete');
    });

    it('fails callers that wait at once, also while its own commands wait for a connection', async () => {
      const pool = pools({ url: server().url, max: 1, acquireTimeout: Infinity });
      const connection = await pool.acquire();
      let begun = 0;
      const users = [outcome(pool.use(() => of(++begun))), outcome(pool.acquire())];
      const own = outcome(pool.set('k', 'v'));
      const later = outcome(pool.watch('k', () => of([get('k')])));
      const closed = record(pool.close({ timeout: Infinity }));
      for (const user of await Promise.all([...users, later]))
        expect(user).toMatchObject({ error: { code: 'DISCONNECTED' } });
      expect(closed.ended).toBeUndefined();
      pool.release(connection);
      expect(await own).toStrictEqual({ value: 'OK' });
      await until(() => closed.ended === 'complete');
      expect(begun).toBe(0);
    });

    it('sends no command that would wait at the server', async () => {
      const redis = make(server().url);
      await redis.del('closing:jobs');
      const pool = pools({ url: server().url, max: 1, acquireTimeout: Infinity });
      const connection = await pool.acquire();
      const job = outcome(pool.blpop('closing:jobs', 0));
      const closed = record(pool.close({ timeout: Infinity }));
      await connection.rpush('closing:jobs', 'kept');
      pool.release(connection);
      expect(await job).toMatchObject({ error: { code: 'DISCONNECTED', command: 'BLPOP', delivery: 'unsent' } });
      await until(() => closed.ended === 'complete');
      expect(await redis.lpop('closing:jobs')).toBe('kept');
    });

    it('waits for replies that are owed on a connection that is given back', async () => {
      const pool = pools({ url: server().url, max: 1 });
      const connection = await pool.acquire();
      const closed = record(pool.close());
      const reply = outcome(connection.set('k', 'v'));
      await new Promise((resolve) => process.nextTick(resolve));
      pool.release(connection);
      expect(await reply).toStrictEqual({ value: 'OK' });
      await until(() => closed.ended === 'complete');
    });

    it('does not wait for commands that wait at the server', async () => {
      const pool = pools({ url: server().url, max: 2 });
      const job = outcome(pool.blpop('none', 0));
      await until(() => pool.stats.active === 1);
      const value = outcome(pool.set('k', 'v'));
      await pool.close({ timeout: Infinity });
      expect(await value).toStrictEqual({ value: 'OK' });
      expect(await job).toMatchObject({ error: { code: 'DISCONNECTED', command: 'BLPOP', delivery: 'answered' } });
    });

    it('is told by what is wanted of it later', async () => {
      const pool = pools({ url: server().url });
      await pool.close();
      expect((await failure(pool.get('k'))).message).toBe('GET was not sent: the pool is closed');
      const wants = [
        pool.use((connection) => connection.ping()),
        pool.acquire(),
        pool.watch('k', () => null),
        pool.connect(),
      ];
      for (const want of wants) expect((await failure(want)).message).toBe('Nothing can be sent: the pool is closed');
    });

    it('waits no longer than it is told to', async () => {
      const pool = pools({ url: server().url });
      const work = outcome(pool.use((connection) => merge(connection.ping(), NEVER)));
      await firstValueFrom(pool.stats$.pipe(filter(({ active }) => active === 1)));
      await pool.close({ timeout: 20 });
      expect(pool.stats.total).toBe(0);
      void work;
      expect(() => pool.close({ timeout: -1 })).toThrow(TypeError);
      expect(() => pool.close(100 as never)).toThrow('close: options were expected, got a number');
      expect(() => pool.close({ timout: 100 } as never)).toThrow("close: there is no option 'timout'");
    });

    it('at once fails what is pending', async () => {
      const pool = pools({ url: server().url, max: 1 });
      await pool.connect();
      const connection = await pool.acquire();
      const pending = failure(connection.blpop('none', 0));
      const waiting = failure(pool.acquire());
      await pool.destroy();
      expect(await pending).toMatchObject({ code: 'DISCONNECTED' });
      expect(await waiting).toMatchObject({ code: 'DISCONNECTED' });
    });
  });

  it('refuses options that are wrong', () => {
    const wrong = (options: object) => () => new RedisPool(options);
    expect(wrong({ min: 3, max: 2 })).toThrow(TypeError);
    expect(wrong({ max: 0 })).toThrow(TypeError);
    expect(wrong({ acquireTimeout: -1 })).toThrow(TypeError);
    expect(wrong({ leases: { max: 2 } })).toThrow("A pool has no option 'leases'");
    expect(wrong({ hots: 'x' })).toThrow("There is no option 'hots'");
    expect(() => new RedisPool(5 as unknown as string)).toThrow('new RedisPool: a URL or options were expected');
  });

  it('has no password in what a log shows of it', () => {
    const pool = pools({ url: server().url });
    expect(JSON.stringify(pool)).toMatch(/^\{"address":".*","active":0,"idle":0,"waiting":0,"total":0\}$/);
  });
});

describe('A pool of a server that takes no more connections', () => {
  const server = useServer({ own: true });
  const pools = usePools();

  it('lends a caller what another gives back; one that has waited for too long fails, and is told why', async () => {
    const pool = pools({ url: server().url, min: 0, max: 5, acquireTimeout: 2_000 });
    const events = record(pool.events$);
    const held = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    const [first, second] = held;
    // Once all three are there: what has asked whether the server runs may still be counted.
    await Promise.all(held.map((connection) => connection.ping()));
    await first.configSet({ maxclients: 3 });
    const id = await second.clientId();
    const waiting = outcome(pool.use((connection) => connection.clientId()));
    await until(() => events.values.some(({ type }) => type === 'error'));
    expect(pool.stats).toStrictEqual({ active: 3, idle: 0, waiting: 1, total: 4 });
    pool.release(second);
    expect(await waiting).toStrictEqual({ value: id });
    const again = await pool.acquire();
    expect(await again.clientId()).toBe(id);
    expect(await outcome(pool.use((connection) => connection.ping()))).toMatchObject({
      error: {
        code: 'TIMEOUT',
        message: expect.stringMatching(
          /^No connection was free within 2000 ms: 3 of 5 are in use, and .*max number of clients reached/,
        ) as string,
      },
    });
  });
});

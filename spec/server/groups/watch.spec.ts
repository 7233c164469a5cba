import { AsyncLocalStorage } from 'node:async_hooks';
import { defer, map, of, timer } from 'rxjs';
import {
  ReplyError,
  type ClientInfo,
  type ConnectionEvent,
  type DedicatedConnection,
  type Redis,
  type RedisOptions,
} from 'rxjs-redis';
import { append, decrby, del, get, hgetall, hset, incr, incrby, lpush, set, type Command } from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

/** The connections of the clients that watch have this name; none but leased ones are opened by `watch`. */
const clientName = 'watcher';

describe.each([2, 3] as const)('A watch, in RESP%i,', (protocol) => {
  const server = useServer({ own: true });
  afterEach(nothingIsWatched); // before the clients are destroyed
  const proxy = useProxy(server);
  const make = useClients();
  const connect = (options: RedisOptions = {}) => make({ url: server().url, protocol, ...options });
  const watcher = (options: RedisOptions = {}) => connect({ clientName, ...options });
  beforeEach(() => connect().flushall());

  /** Servers that do not tell what a connection watches tell its last command; one that has gone watches nothing. */
  async function nothingIsWatched(): Promise<void> {
    const redis = connect();
    const watches = ({ name, watch, cmd }: ClientInfo) =>
      name === clientName &&
      (watch === undefined
        ? !/^(exec|unwatch|discard|ping|hello|auth|select|client.*)$/i.test(String(cmd))
        : Number(watch) > 0);
    await eventually(
      () => redis.clientList(),
      (all) => !all.some(watches),
    );
  }

  it('reads each key by its type', async () => {
    const redis = watcher();
    const other = connect();
    await other.pipeline().set('string', 'v').hset('hash', { f: '1' }).rpush('list', 'a', 'b').sadd('set', 'm').exec();
    await other.zadd('sorted', { ann: 1.5 });
    const id = await other.xadd('stream', '*', { event: 'e' });
    const keys = ['string', 'hash', 'list', 'set', 'sorted', 'stream', 'none'] as const;
    let seen: unknown;
    const values = await redis.watch(keys, (watched) => {
      seen = watched;
      return [get('string')];
    });
    expect(values).toStrictEqual(['v']);
    expect(seen).toEqual({
      string: 'v',
      hash: { f: '1' },
      list: ['a', 'b'],
      set: ['m'],
      sorted: [{ member: 'ann', score: 1.5 }],
      stream: [{ id, fields: { event: 'e' } }],
      none: null,
    });
  });

  it('reads keys whose types it knows without an error on the server, and what has got another type as what it is', async () => {
    const redis = watcher();
    const other = connect();
    const seen: unknown[] = [];
    const wrongTypes = async () => (await other.call<string>('INFO', 'errorstats')).match(/errorstat_WRONGTYPE.*/)?.[0];
    const look = () => redis.watch(['a', 'b', 'c'], ({ a, b, c }) => (seen.push([a, b, c]), null));
    await other.pipeline(hset('a', { f: '1' }), lpush('b', 'e'), set('c', 's')).then();
    await look();
    const before = await wrongTypes();
    await look();
    await look();
    expect(await wrongTypes()).toStrictEqual(before);
    await other.pipeline(del('a'), lpush('a', 'x'), set('b', 'v')).then();
    await look();
    await look();
    await other.del('a', 'b', 'c');
    await look();
    const values = [{ f: '1' }, ['e'], 's'];
    const ends = [['x'], 'v', 's'];
    expect(seen).toEqual([values, values, values, ends, ends, [null, null, null]]);
  });

  it('reads as it is told to, by names of the caller', async () => {
    const redis = watcher();
    await connect().hset('user:1', { name: 'Ann', visits: '7' });
    const values = await redis.watch(
      'user:1',
      ({ user }) => [hset('user:1', { visits: Number(user.visits) + 1 }), hgetall('user:1')],
      { read: { user: hgetall('user:1') } },
    );
    expect(values).toEqual([0, { name: 'Ann', visits: '8' }]);
  });

  it('reads binary keys under a name, and gives bytes where bytes are wanted', async () => {
    const { bytes } = watcher();
    const key = Buffer.of(0xff, 0x00);
    await connect().set(key, Buffer.of(0xfe));
    const values = await bytes.watch(key, ({ value }) => [append(key, value!), get(key)], {
      read: { value: get(key) },
    });
    expect(values).toStrictEqual([2, Buffer.of(0xfe, 0xfe)]);
    await connect().hset('h', { f: 'é' });
    let seen: unknown;
    await bytes.watch(['h', Buffer.from('text')], async (watched, connection) => {
      seen = watched;
      expect(await connection.hget('h', 'f')).toStrictEqual(Buffer.from('é'));
      return null;
    });
    expect(seen).toEqual({ h: new Map([[Buffer.from('f'), Buffer.from('é')]]), text: null });
  });

  it('puts the prefix before all keys', async () => {
    const redis = watcher({ prefix: 'p:' });
    const other = connect();
    await other.mset({ 'p:k': 'mine', k: 'other' });
    let calls = 0;
    const change = async ({ k }: { k: string | null }, connection: DedicatedConnection) => {
      if (calls++ === 0) await other.set('p:k', 'changed');
      const copied = await connection.exists('k');
      return [set('copy', `${k} ${copied}`), get('copy')] as const;
    };
    const values = await redis.watch(['k'], change, { read: { k: get('k') } });
    expect(values).toStrictEqual(['OK', 'changed 1']);
    expect(calls).toBe(2);
    expect(await other.get('p:copy')).toBe('changed 1');
  });

  it('begins anew with the new values when a key has changed meanwhile', async () => {
    const redis = watcher();
    const other = connect();
    const events = record<ConnectionEvent>(redis.events$);
    await other.set('n', 1);
    const seen: unknown[] = [];
    const values = await redis.watch('n', async ({ n }) => {
      seen.push(n);
      if (seen.length < 3) await other.incrby('n', 10);
      return [incr('n')];
    });
    expect(seen).toStrictEqual(['1', '11', '21']);
    expect(values).toStrictEqual([22]);
    expect(events.values).toContainEqual({
      connection: 'dedicated',
      type: 'watch',
      keys: 1,
      attempts: 3,
      outcome: 'executed',
    });
  });

  it('gives null when each attempt has met a change, and nothing has run', async () => {
    const redis = watcher();
    const other = connect();
    let calls = 0;
    const change = async () => {
      calls++;
      await other.incr('n');
      return [set('n', 'lost')];
    };
    expect(await redis.watch('n', change, { attempts: 3 })).toBeNull();
    expect(calls).toBe(3);
    expect(await other.get('n')).toBe('3');
  });

  it.each([
    ['an array', (commands: Command<number>[]) => commands],
    ['a Promise', (commands: Command<number>[]) => Promise.resolve(commands)],
    ['an Observable', (commands: Command<number>[]) => timer(0).pipe(map(() => commands))],
    ['an Observable that does not end', (commands: Command<number>[]) => defer(() => of(commands, null, commands))],
  ])('takes its commands from %s', async (_what, give) => {
    const redis = watcher();
    expect(await redis.watch('n', () => give([incr('n'), incr('n')]))).toStrictEqual([1, 2]);
  });

  it('reads more on its connection, by promises and by Observables', async () => {
    const redis = watcher();
    await connect().mset({ pointer: 'target', target: '5' });
    const values = await redis.watch(['pointer', 'target'], (_watched, connection) =>
      connection.get('target').pipe(map((target) => [set('pointer', Number(target) + 1)])),
    );
    expect(values).toStrictEqual(['OK']);
    expect(await connect().get('pointer')).toBe('6');
  });

  it.each<[string, (connection: DedicatedConnection) => unknown]>([
    ['a transaction', (connection) => connection.multi(get('other'), get('another'))],
    ['the chain of one', (connection) => connection.multi().get('other').exec()],
    ['MULTI', (connection) => connection.call('MULTI')],
    ['EXEC', (connection) => connection.exec()],
    ['DISCARD', (connection) => connection.discard()],
    ['UNWATCH', (connection) => connection.unwatch()],
    ['RESET', (connection) => connection.reset()],
    ['SELECT', (connection) => connection.select(1)],
    ['QUIT', (connection) => connection.quit()],
    ['CLIENT REPLY', (connection) => connection.clientReply('OFF')],
    ['MONITOR', (connection) => connection.monitor()],
  ])('refuses %s on its connection, behind which changes of its keys would not be found', async (_what, ends) => {
    const redis = watcher();
    const other = connect();
    const watching = redis.watch('n', async (_watched, connection) => {
      await other.incr('n');
      await ends(connection);
      return [set('n', 'lost')];
    });
    await expect(watching).rejects.toThrow(/^watch: (multi|[A-Z]+) .* watched/);
    expect(await other.get('n')).toBe('1');
  });

  it('leaves everything as it is where its function gives null', async () => {
    const redis = watcher();
    await connect().set('n', 1);
    expect(await redis.watch('n', () => null)).toBeNull();
    expect(await redis.watch('n', () => Promise.resolve(null))).toBeNull();
    expect(await redis.watch('n', () => of(null))).toBeNull();
    expect(await connect().get('n')).toBe('1');
  });

  it('has the error of a command in its place, or fails with it', async () => {
    const redis = watcher();
    await connect().set('text', 'a');
    const give = () => [lpush('text', 'x'), get('text')] as const;
    const values = await redis.watch('text', give);
    expect(values).toMatchObject([{ kind: 'WRONGTYPE', command: 'LPUSH' }, 'a']);
    const error = await failure(redis.watch('text', give, { failFast: true }));
    expect(error).toMatchObject({ kind: 'WRONGTYPE', command: 'LPUSH' });
    expect(error.results).toMatchObject([{ kind: 'WRONGTYPE' }, 'a']);
  });

  it.each<[string, () => never[] | PromiseLike<never[]>]>([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('fails with the error of its function that %s', async (_what, give) => {
    const redis = watcher();
    await expect(redis.watch('n', give)).rejects.toThrow('mine');
  });

  it('is sent once per subscription, and once however often it is awaited', async () => {
    const redis = watcher();
    const counted = redis.watch('n', () => [incr('n')]);
    expect([await counted, await counted]).toStrictEqual([[1], [1]]);
    const again = record(counted);
    await until(() => again.ended !== undefined);
    expect(again).toMatchObject({ values: [[2]], ended: 'complete' });
  });

  it('fails when the server refuses to watch or to read', async () => {
    await connect().aclSetuser('nowatch', 'on', 'nopass', 'allkeys', '+@all', '-watch');
    await connect().aclSetuser('noread', 'on', 'nopass', 'allkeys', '+@all', '-hgetall');
    await connect().hset('h', { f: '1' });
    const noWatch = watcher({ username: 'nowatch', password: 'any' });
    const noRead = watcher({ username: 'noread', password: 'any' });
    const error = await failure(noWatch.watch('h', () => [incr('n')]));
    expect(error).toMatchObject({ kind: 'NOPERM', command: 'WATCH' });
    expect(await failure(noRead.watch('h', () => [incr('n')]))).toMatchObject({ kind: 'NOPERM', command: 'HGETALL' });
    const read = { h: hgetall('h') };
    expect(await failure(noRead.watch('h', () => [incr('n')], { read }))).toMatchObject({ kind: 'NOPERM' });
    // The connections were given back: they are lent again.
    for (const redis of [noWatch, noRead]) await redis.dedicated((connection) => connection.ping());
    expect(await connect().exists('n')).toBe(0);
  });

  it('says which commands the server refused beforehand', async () => {
    await connect().aclSetuser('noincr', 'on', 'nopass', 'allkeys', '+@all', '-incr');
    const limited = watcher({ username: 'noincr', password: 'any' });
    const error = await failure(limited.watch('n', () => [set('n', 1), incr('n')]));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ kind: 'EXECABORT', causes: [{ index: 1, command: 'INCR' }] });
    expect(await connect().exists('n')).toBe(0);
  });

  it('begins anew when the server is busy with a script', async () => {
    const admin = connect();
    await admin.configSet({ 'lua-time-limit': 10 });
    const owner = connect({ retry: false });
    await owner.connect();
    const refused: unknown[] = [];
    const redis = watcher({
      retry: (_attempt, { repeatable }, { spec }) => {
        refused.push([repeatable, spec.name]);
        killed = outcome(admin.scriptKill());
        return 1;
      },
    });
    let script: Promise<unknown> | undefined;
    let killed: Promise<unknown> | undefined;
    const seen: unknown[] = [];
    const values = await redis.watch('n', async ({ n }) => {
      seen.push(n);
      if (script === undefined) {
        script = outcome(owner.eval('while true do end', []));
        const probe = connect({ retry: false });
        await eventually(
          () => outcome(probe.get('n')),
          (answer) => 'error' in answer,
        );
      }
      return [incr('n')];
    });
    await Promise.all([script, killed]);
    expect(refused[0]).toStrictEqual([true, 'MULTI']);
    expect(seen.length).toBeGreaterThan(1); // its function was called again
    expect(values).toStrictEqual([1]);
    expect(await admin.get('n')).toBe('1');
  });

  it('begins anew when its connection is lost before EXEC was written', async () => {
    const redis = watcher({ url: proxy().url() });
    const seen: unknown[] = [];
    const values = await redis.watch('n', async ({ n }, connection) => {
      seen.push(n);
      if (seen.length === 1) {
        await connect().set('n', 5);
        proxy().cut();
        await connection.get('n'); // is lost as well
      }
      return [incr('n')];
    });
    expect(values).toStrictEqual([6]);
    expect(seen).toStrictEqual([null, '5']);
  });

  it('fails when its connection is lost behind EXEC, for it may have run', async () => {
    const redis = watcher({ url: proxy().url() });
    let received = 0;
    const failed = failure(
      redis.watch('n', () => {
        proxy().stall('toClient', true);
        received = proxy().bytes.toServer;
        return [incr('n')];
      }),
    );
    await until(() => received > 0 && proxy().bytes.toServer > received);
    proxy().cut();
    expect(await failed).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', command: 'MULTI' });
  });

  it('keeps to the limits of its view', async () => {
    const redis = watcher({ url: proxy().url() });
    const hasty = redis.withOptions({ commandTimeout: 50 });
    const failed = failure(
      hasty.watch('n', () => {
        proxy().stall('toClient', true);
        return [incr('n')];
      }),
    );
    expect(await failed).toMatchObject({ code: 'TIMEOUT', command: 'MULTI' });
  });

  it('that is unsubscribed from in mid-flight is released', async () => {
    const redis = watcher();
    const pending = new Promise<never>(() => undefined);
    let asked = 0;
    const watches = Array.from({ length: 5 }, () => record(redis.watch('n', () => (asked++, pending))));
    await until(() => asked === watches.length);
    const list = await connect().clientList();
    expect(list.filter(({ name }) => name === clientName)).toHaveLength(watches.length);
    for (const watch of watches) watch.stop();
    await nothingIsWatched();
  });

  it('fails when its client is destroyed meanwhile', async () => {
    const redis = watcher();
    let asked = false;
    const failed = failure(redis.watch('n', () => ((asked = true), new Promise<never>(() => undefined))));
    await until(() => asked);
    await redis.destroy();
    expect(await failed).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('calls its function in the context of AsyncLocalStorage of its subscription, in each attempt', async () => {
    const redis = watcher();
    const other = connect();
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const change = async () => {
      seen.push(storage.getStore());
      if (seen.length === 1) await other.incr('n');
      return [incr('n')];
    };
    await storage.run('mine', () => redis.watch('n', change).then());
    expect(seen).toStrictEqual(['mine', 'mine']);
  });

  it('500 times at once on one key counts each once', async () => {
    const redis = watcher({ leases: { acquireTimeout: Infinity } }); // however slow the machine is
    const count = (from: Redis) =>
      from.watch('n', ({ n }) => [set('n', Number(n) + 1), incrby('total', 1)], { attempts: Infinity });
    const all = await Promise.all(Array.from({ length: 500 }, () => count(redis)));
    const totals = all.map((values) => values?.[1]).sort((one, other) => Number(one) - Number(other));
    expect(totals).toStrictEqual(Array.from({ length: 500 }, (_, n) => n + 1));
    expect(await connect().get('n')).toBe('500');
  });

  it('moves what is there from one account to another, and never more, however many do it at once', async () => {
    const redis = watcher();
    await connect().mset({ 'account:1': 30, 'account:2': 0 });
    const transfer = () =>
      redis.watch(
        ['account:1', 'account:2'],
        (watched) => (Number(watched['account:1']) < 10 ? null : [decrby('account:1', 10), incrby('account:2', 10)]),
        { attempts: Infinity },
      );
    const all = await Promise.all(Array.from({ length: 10 }, transfer));
    expect(all.filter((values) => values !== null)).toHaveLength(3);
    expect(await connect().mget('account:1', 'account:2')).toStrictEqual(['0', '30']);
  });
});

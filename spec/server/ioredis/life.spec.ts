import { once } from 'node:events';
import type { Redis } from 'rxjs-redis';
import { IORedis, toIORedis } from '../../../src/ioredis';
import { eventually, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

describe('A client in the shape of ioredis', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const made: IORedis[] = [];
  const client = (...given: ConstructorParameters<typeof IORedis>) => {
    const redis = new IORedis(...given);
    made.push(redis);
    return redis;
  };
  afterEach(() => made.splice(0).forEach((redis) => redis.disconnect()));
  /** The events of a client, in their order. */
  const eventsOf = (redis: IORedis) => {
    const seen: string[] = [];
    for (const name of ['connecting', 'connect', 'ready', 'close', 'reconnecting', 'end'])
      redis.on(name, () => seen.push(name));
    return seen;
  };

  it('connects when it is made, tells of it, and ends with quit', async () => {
    const redis = client(server().url);
    const seen = eventsOf(redis);
    expect(redis.status).toBe('connecting');
    await once(redis, 'ready');
    expect(redis.status).toBe('ready');
    expect(await redis.quit()).toBe('OK');
    expect(redis.status).toBe('end');
    expect(seen).toStrictEqual(['connecting', 'connect', 'ready', 'close', 'end']);
    await expect(redis.get('a')).rejects.toThrow('Connection is closed.');
    await expect(redis.quit()).rejects.toThrow('Connection is closed.');
  });

  it('connects when it is told to, or used, where that is left for later', async () => {
    const [first, second] = [client(server().url, { lazyConnect: true }), client(server().url, { lazyConnect: true })];
    expect([first.status, second.status]).toStrictEqual(['wait', 'wait']);
    await first.connect();
    expect(first.status).toBe('ready');
    await expect(first.connect()).rejects.toThrow('Redis is already connecting/connected');
    expect(await second.set('a', 1)).toBe('OK');
    expect(second.status).toBe('ready');
  });

  it('connects once more after its end', async () => {
    const redis = client(server().url);
    await redis.set('a', 1);
    redis.disconnect();
    await once(redis, 'end');
    await redis.connect();
    expect(await redis.get('a')).toBe('1');
  });

  it('outlives a lost connection, and its messages go on', async () => {
    const { host, port } = proxy();
    const redis = client(port, host, { retryStrategy: () => 5 });
    const seen = eventsOf(redis);
    const errors: Error[] = [];
    redis.on('error', (error: Error) => errors.push(error));
    const messages: string[] = [];
    redis.on('message', (channel: string, data: string) => messages.push(`${channel} ${data}`));
    expect(await redis.subscribe('c', 'd')).toBe(2);
    await redis.publish('c', 'before');
    await until(() => messages.length === 1);
    proxy().cut();
    await until(() => seen.filter((name) => name === 'ready').length === 2);
    await eventually(
      () => redis.publish('c', 'after'),
      (count) => count === 1,
    );
    await until(() => messages.includes('c after'));
    expect(messages[0]).toBe('c before');
    expect(seen.slice(0, 8)).toStrictEqual([
      ...['connecting', 'connect', 'ready', 'close'],
      ...['reconnecting', 'connecting', 'connect', 'ready'],
    ]);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('ends where the strategy gives no delay, and says why', async () => {
    const redis = client(1, '127.0.0.1', { retryStrategy: () => null });
    const errors: Error[] = [];
    redis.on('error', (error: Error) => errors.push(error));
    await until(() => redis.status === 'end');
    expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED' });
    await expect(redis.get('a')).rejects.toThrow('Connection is closed.');
  });

  it('has messages of channels, patterns and bytes as events, and counts what it is subscribed to', async () => {
    const redis = client(server().url);
    const seen: unknown[] = [];
    for (const name of ['message', 'pmessage', 'messageBuffer', 'pmessageBuffer'])
      redis.on(name, (...what: unknown[]) => seen.push([name, ...what]));
    expect([await redis.subscribe('a*'), await redis.psubscribe('a*'), await redis.subscribe('b')]).toStrictEqual([
      1, 2, 3,
    ]);
    await redis.publish('a*', 'x');
    await until(() => seen.length === 4);
    expect(seen).toEqual(
      expect.arrayContaining([
        ['message', 'a*', 'x'],
        ['messageBuffer', Buffer.from('a*'), Buffer.from('x')],
        ['pmessage', 'a*', 'a*', 'x'],
        ['pmessageBuffer', 'a*', Buffer.from('a*'), Buffer.from('x')],
      ]),
    );
    expect([await redis.unsubscribe('b'), await redis.punsubscribe(), await redis.unsubscribe()]).toStrictEqual([
      2, 1, 0,
    ]);
    expect(await redis.set('still', 'sends commands')).toBe('OK');
  });

  describe('at a server that has channels of shards', () => {
    const withShards = useServer({ own: true }, '7.0');

    it('has messages of shards, which are counted by themselves', async () => {
      const redis = client(withShards().url);
      const seen: unknown[] = [];
      for (const name of ['smessage', 'smessageBuffer'])
        redis.on(name, (...what: unknown[]) => seen.push([name, ...what]));
      expect([await redis.subscribe('a'), await redis.ssubscribe('s'), await redis.ssubscribe('t')]).toStrictEqual([
        1, 1, 2,
      ]);
      expect(await redis.spublish('s', 'x')).toBe(1);
      await until(() => seen.length === 2);
      expect(seen).toEqual([
        ['smessage', 's', 'x'],
        ['smessageBuffer', Buffer.from('s'), Buffer.from('x')],
      ]);
      expect([await redis.sunsubscribe('s'), await redis.sunsubscribe(), await redis.unsubscribe()]).toStrictEqual([
        1, 0, 0,
      ]);
    });
  });

  it('tells callbacks of connect and quit, reconnects when it is told to, and ends by end', async () => {
    const redis = client(server().url, { lazyConnect: true });
    await new Promise<void>((resolve, reject) => {
      void redis.connect((error) => (error === null ? resolve() : reject(error)));
    });
    const id = await redis.client('ID');
    redis.disconnect(true);
    await once(redis, 'ready');
    expect(await redis.client('ID')).not.toBe(id);
    const quitted = new Promise((resolve) => void redis.quit((...told) => resolve(told)));
    expect(await quitted).toEqual([null, 'OK']);
    const other = client(server().url, { scripts: { twice: { lua: 'return ARGV[1] * 2', numberOfKeys: 0 } } });
    expect(await (other as never as { twice(n: number): Promise<number> }).twice(4)).toBe(8);
    other.end();
    await once(other, 'end');
  });

  it('has scans as streams', async () => {
    const redis = client(server().url);
    await redis.flushall();
    await redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`key:${n}`, n])));
    await redis.hset('hash', { a: 1, b: 2 });
    const found: string[] = [];
    for await (const keys of redis.scanStream({ match: 'key:*', count: 50 })) found.push(...(keys as string[]));
    expect(new Set(found).size).toBe(300);
    const fields: string[] = [];
    for await (const page of redis.hscanStream('hash')) fields.push(...(page as string[]));
    expect(fields).toStrictEqual(['a', '1', 'b', '2']);
    const broken = redis.sscanStream('hash');
    await expect(once(broken, 'data')).rejects.toThrow('WRONGTYPE');
  });

  it('asks for pages of a scan with the options that it was given, and with nothing else, as ioredis does', async () => {
    const admin = make(server().url);
    await admin.flushall();
    await admin.mset(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`key:${n}`, n])));
    await admin.configSet('slowlog-log-slower-than', '0');
    await admin.configSet('slowlog-max-len', '1000');
    const redis = client(server().url);
    for (const [options, words] of [
      [undefined, []],
      [{ match: 'key:*' }, ['MATCH', 'key:*']],
      [{ count: 50 }, ['COUNT', '50']],
    ] as const) {
      await admin.slowlogReset();
      const found: unknown[] = [];
      for await (const keys of redis.scanStream(options)) found.push(...(keys as unknown[]));
      expect(found).toHaveLength(300);
      const asked = (await admin.slowlogGet(1_000)).map((slow) => slow.arguments);
      const scans = asked.filter(([name]) => name!.toUpperCase() === 'SCAN');
      expect(scans.length).toBeGreaterThan(4);
      for (const [, , ...more] of scans) expect(more).toStrictEqual(words);
    }
    await admin.configSet({ 'slowlog-log-slower-than': '10000' });
  });

  it('puts its prefix before keys, also in pipelines and scripts', async () => {
    const [redis, other] = [client(server().url, { keyPrefix: 'p:' }), client(server().url)];
    await redis.set('a', 1);
    await redis.pipeline().set('b', 2).exec();
    redis.defineCommand('put', { numberOfKeys: 1, lua: "return redis.call('set', KEYS[1], ARGV[1])" });
    await (redis as unknown as { put(key: string, value: number): Promise<string> }).put('c', 3);
    expect(await other.mget('p:a', 'p:b', 'p:c')).toStrictEqual(['1', '2', '3']);
  });

  it('has a duplicate with its options and others', async () => {
    const redis = client(server().url, { db: 2 });
    const other = redis.duplicate({ connectionName: 'other' });
    made.push(other);
    expect(await other.client('GETNAME')).toBe('other');
    await other.set('in', 'two');
    expect(await redis.get('in')).toBe('two');
    expect(other.options).toMatchObject({ db: 2, connectionName: 'other', maxRetriesPerRequest: 20 });
  });

  it('stands over a client that is there, and leaves it alone when it ends', async () => {
    const redis = make({ url: server().url, protocol: 2 });
    const shape = toIORedis(redis);
    const seen: string[] = [];
    shape.on('message', (_channel: string, data: string) => seen.push(data));
    await shape.subscribe('over');
    await shape.duplicate().publish('over', 'x');
    await until(() => seen.length === 1);
    await shape.quit();
    expect(shape.status).toBe('end');
    await eventually(
      () => redis.publish('over', 'nobody'),
      (count) => count === 0,
    );
    expect(await redis.set('a', 'still there')).toBe('OK');
  });

  it('refuses what it cannot stand over, and options that would mean something else', async () => {
    expect(() => toIORedis({} as Redis)).toThrow(new TypeError('toIORedis: a client was expected'));
    const shape = toIORedis(make({ url: server().url, protocol: 3 }));
    const [error] = (await once(shape, 'end').then(
      () => [],
      (reason: Error) => [reason],
    )) as Error[];
    expect(error).toEqual(
      new TypeError('toIORedis: the client speaks RESP3, and replies have the form of RESP2: give it protocol: 2'),
    );
    expect(() => new IORedis({ sentinels: [{ host: 'a', port: 1 }], preferredSlaves: [] })).toThrow(
      "IORedis: there is no option 'preferredSlaves' here",
    );
    expect(() => new IORedis({ sentinels: ['a:1'] })).toThrow(
      new TypeError("IORedis: 'sentinels' need the option 'name': by that they know the master"),
    );
    expect(() => new IORedis({ replyMapping: 'resp3' })).toThrow("IORedis: 'replyMapping' is 'legacy' here");
    expect(() => new IORedis({ lazyConnect: true }).multi({ pipeline: false })).toThrow(
      'multi({ pipeline: false }) is not there',
    );
    expect(() => new IORedis({ lazyConnect: true }).defineCommand('x', {} as never)).toThrow(
      "the command 'x' needs 'lua'",
    );
    await expect(client(server().url).watch()).rejects.toThrow('WATCH belongs to a connection');
    await expect(client(server().url).monitor()).rejects.toThrow('MONITOR takes a whole connection');
  });

  it('reads ports, hosts, URLs and paths as ioredis does', () => {
    const of = (...given: ConstructorParameters<typeof IORedis>) => {
      const { host, port, db, username, password, tls, path } = new IORedis(...given, { lazyConnect: true }).options;
      return { host, port, db, username, password, tls, path };
    };
    expect(of(6380)).toMatchObject({ host: 'localhost', port: 6380 });
    expect(of('6380', 'h')).toMatchObject({ host: 'h', port: 6380 });
    expect(of('rediss://u:p%40@h:7/3')).toMatchObject({
      host: 'h',
      port: 7,
      db: 3,
      username: 'u',
      password: 'p@',
      tls: {},
    });
    expect(of('redis://[::1]/?db=4')).toMatchObject({ host: '::1', port: 6379, db: 4 });
    expect(of('/tmp/redis.sock')).toMatchObject({ path: '/tmp/redis.sock' });
    expect(() => new IORedis(true as never)).toThrow(
      'IORedis: options, a port, a host or a URL were expected, got boolean',
    );
  });
});

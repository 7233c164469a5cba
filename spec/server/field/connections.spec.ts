import { once } from 'node:events';
import Theirs from 'ioredis';
import { firstValueFrom } from 'rxjs';
import { RedisPubSubClient, RedisPubSubServer } from 'rxjs-redis/nestjs';
import { IORedis, toIORedis } from '../../../src/ioredis';
import { useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { failure } from '../../support/outcomes';
import { useServer } from '../../support/server';
import { useTlsServer } from '../../support/tls-server';
import { until } from '../../support/until';

type Given = ConstructorParameters<typeof IORedis>;

const server = useServer({ own: true });
const make = useClients();
const made: { disconnect(): void }[] = [];
const shape = (...given: Given) => {
  const redis = new IORedis(...given);
  made.push(redis);
  return redis;
};
afterEach(() => made.splice(0).forEach((redis) => redis.disconnect()));
const port = () => Number(new URL(server().url).port);

describe('An address in the shape of ioredis', () => {
  const NAMES = ['host', 'port', 'db', 'username', 'password', 'path', 'family', 'keyPrefix', 'connectionName', 'tls'];
  /** What counts of the options, in either client. */
  const read = (Client: typeof Theirs, given: Given) => {
    const redis = new Client(...([...given, { lazyConnect: true }] as unknown as []));
    made.push(redis);
    const options = redis.options as unknown as Record<string, unknown>;
    return Object.fromEntries(NAMES.filter((name) => Boolean(options[name])).map((name) => [name, options[name]]));
  };

  it.each<{ given: Given }>([
    { given: ['127.0.0.1:6380'] },
    { given: ['user:p%40w@h:1'] },
    { given: ['//h:1/3'] },
    { given: ['REDIS://h:1'] },
    { given: ['redis://h/'] },
    { given: ['redis://only@h'] },
    { given: ['redis://:p%25@h'] },
    { given: ['redis://[::1]:7'] },
    { given: ['redis://h?family=6'] },
    { given: ['redis://h/1?keyPrefix=a:&connectionName=x&db=2'] },
    { given: ['redis://h:1?password=pw&db=3'] },
    { given: ['/tmp/x.sock?db=2'] },
    { given: ['rediss://h', { tls: { rejectUnauthorized: false } }] },
    { given: [{ host: 'h', port: '6380', db: '3' } as never] },
    { given: [6380, 'h', { db: 1 }] },
  ])('is read as ioredis reads it: $given', ({ given }) => {
    expect(read(IORedis as unknown as typeof Theirs, given)).toEqual(read(Theirs, given));
  });

  it('may be what ioredis cannot read', () => {
    const of = (given: Given) => read(IORedis as unknown as typeof Theirs, given);
    expect(of(['valkeys://h:2/1'])).toEqual({ host: 'h', port: 2, db: 1, tls: {} });
    expect(of(['h:2/1'])).toEqual({ host: 'h', port: 2, db: 1 });
    expect(of([7, '::1'])).toEqual({ host: '::1', port: 7 });
  });

  it.each(['redis://:S3#cret@h', 'redis://:S3/cret@h:1', 'redis://:S3%cret@h', 'http://:S3cret@h'])(
    'shows no password where it cannot be read',
    (url) => {
      let thrown: unknown;
      try {
        shape(url);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(TypeError);
      expect(thrown).toMatchObject({ message: expect.stringMatching(/^IORedis: a URL reads redis:/) as string });
      expect(JSON.stringify(Object.values(Object.getOwnPropertyDescriptors(thrown)))).not.toMatch(/cret/);
    },
  );

  it('takes null for what is not given, and numbers that come as text', async () => {
    const nothing = { tls: null, db: null, family: null, keyPrefix: null, connectTimeout: null };
    expect(await shape(port(), '127.0.0.1', nothing as never).ping()).toBe('PONG');
    const texts = { host: '127.0.0.1', port: String(port()), db: '2', commandTimeout: '20000' } as never;
    expect(await shape(texts).client('LIST')).toContain(' db=2 ');
  });

  it('refuses a URL among the options, which would count for nothing', () => {
    expect(() => shape({ url: 'redis://h' })).toThrow("IORedis: there is no option 'url' here");
  });
});

describe('TLS in the shape of ioredis', () => {
  const tls = useTlsServer('--tls-auth-clients', 'no');

  it('has the details that stand beside a URL of the scheme rediss', async () => {
    const url = `rediss://localhost:${tls().tlsPort}`;
    expect(await shape(url, { tls: { ca: tls().certificates.ca } }).ping()).toBe('PONG');
    expect(await shape(url, { tls: { rejectUnauthorized: false } }).ping()).toBe('PONG');
    const refused = shape(url, { retryStrategy: null });
    expect(await failure(refused.ping())).toMatchObject({
      message: expect.stringContaining('self-signed certificate') as string,
    });
  });
});

describe('A client in the shape of ioredis', () => {
  const down = { port: 1, host: '127.0.0.1', maxRetriesPerRequest: null, lazyConnect: true };

  it('answers a subscription that is left before it is confirmed', async () => {
    const redis = shape(port());
    expect(await Promise.all([redis.subscribe('a', 'b'), redis.unsubscribe('a')])).toStrictEqual([1, 1]);
    const over = toIORedis(make({ url: server().url, protocol: 2 }));
    const joined = over.psubscribe('c');
    over.disconnect();
    expect(await failure(joined)).toMatchObject({ message: 'Connection is closed.' });
  });

  it.each([
    { maxRetriesPerRequest: 20, commandTimeout: 50 },
    { client: { commandTimeout: 50 }, commandTimeout: 60_000 },
  ])('rejects a subscription that is not confirmed in time, as it does a command: %j', async (limits) => {
    const redis = shape({ ...down, ...limits, retryStrategy: () => 5 });
    redis.on('error', () => undefined);
    const both = await Promise.all([failure(redis.subscribe('a')), failure(redis.get('k'))]);
    expect(both).toMatchObject([
      { code: 'TIMEOUT', command: 'SUBSCRIBE', message: 'SUBSCRIBE was not confirmed within 50 ms' },
      { code: 'TIMEOUT', command: 'GET' },
    ]);
    // Nothing is left that would be confirmed later.
    expect(await redis.unsubscribe()).toBe(0);
  });

  it('is made by createClient as well', async () => {
    const redis = IORedis.createClient(port(), { maxRetriesPerRequest: null });
    expect([redis, await redis.ping()]).toStrictEqual([expect.any(IORedis), 'PONG']);
    await redis.quit();
  });

  it('rejects connect() when the first attempt fails, and goes on trying', async () => {
    const redis = shape({ ...down, retryStrategy: () => 5 });
    const attempts: unknown[] = [];
    redis.on('reconnecting', (delay: number) => attempts.push(delay));
    expect(await failure(redis.connect())).toMatchObject({
      message: 'Connection is closed.',
      cause: { cause: { code: 'ECONNREFUSED' } },
    });
    await until(() => attempts.length > 1);
    expect(attempts[0]).toBe(5);
  });

  it('tells of each attempt as ioredis does', async () => {
    const all = [Theirs, IORedis as unknown as typeof Theirs].map(async (Client) => {
      const redis = new Client({ ...down, lazyConnect: false, retryStrategy: (n) => (n < 3 ? 5 * n : null) });
      const seen: unknown[] = [];
      for (const name of ['connecting', 'connect', 'ready', 'close', 'reconnecting', 'end'])
        redis.on(name, (...what: unknown[]) => seen.push([name, ...what].filter((one) => one !== undefined)));
      redis.on('error', () => undefined);
      await once(redis, 'end').catch(() => until(() => redis.status === 'end'));
      await until(() => seen.at(-1)?.toString() === 'end');
      return seen;
    });
    const [theirs, ours] = await Promise.all(all);
    expect(ours).toEqual(theirs);
  });

  it('warns once of a server that cannot be reached, where nothing listens to its errors', async () => {
    const told = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const attempts: unknown[] = [];
    const redis = shape({ ...down, lazyConnect: false, retryStrategy: () => 5 });
    redis.on('reconnecting', () => attempts.push(1));
    await until(() => attempts.length > 3);
    expect(told.mock.calls).toEqual([
      [expect.stringMatching(/ECONNREFUSED.*'error'/), expect.objectContaining({ code: 'REDIS_UNREACHABLE' })],
    ]);
    told.mockRestore();
  });

  it('has the scripts of its options, and so has its duplicate', async () => {
    const redis = shape(port(), { scripts: { mine: { lua: 'return ARGV[1]', numberOfKeys: 0 } } });
    const copy = redis.duplicate();
    made.push(copy);
    for (const one of [redis, copy]) expect(await (one as unknown as { mine(a: string): unknown }).mine('x')).toBe('x');
  });
});

describe('A prefix in the shape of ioredis', () => {
  it('stands before keys alone, and not before channels and what KEYS and SCAN look for', async () => {
    const admin = make(server().url);
    const seen: unknown[] = [];
    const redis = shape(port(), { keyPrefix: 'p:' });
    redis.on('message', (channel: string, data: string) => seen.push([channel, data]));
    expect([await redis.subscribe('c'), await redis.psubscribe('d*')]).toEqual([1, 2]);
    expect(await admin.publish('c', 'from outside')).toBe(1);
    expect(await redis.publish('c', 'alone')).toBe(1);
    expect(await redis.pipeline().set('k:1', 1).publish('c', 'in a pipeline').exec()).toEqual([
      [null, 'OK'],
      [null, 1],
    ]);
    expect(await redis.multi().publish('c', 'in a transaction').keys('p:k:*').exec()).toEqual([
      [null, 1],
      [null, ['p:k:1']],
    ]);
    await until(() => seen.length === 4);
    expect(seen.at(-1)).toEqual(['c', 'in a transaction']);
    expect(await redis.keys('p:k:*')).toEqual(['p:k:1']);
    expect(await redis.pubsub('NUMSUB', 'c')).toEqual(['c', 1]);
    const found: string[] = [];
    for await (const keys of redis.scanStream({ match: 'p:k:*' })) found.push(...(keys as string[]));
    expect(found).toEqual(['p:k:1']);
    const over = toIORedis(make({ url: server().url, protocol: 2, prefix: 'p:' }));
    expect([await over.get('k:1'), await over.keys('p:k:*'), await over.publish('c', 'x')]).toEqual([
      '1',
      ['p:k:1'],
      1,
    ]);
  });
});

describe('A user without rights to CLIENT', () => {
  it.each(['auto', 2, 3] as const)(
    'is let in although the connection has a name, as for ioredis (%s)',
    async (protocol) => {
      await make(server().url).call('ACL SETUSER', 'ann', 'reset', 'on', '>pw', '~*', '+@all', '-client');
      const ann = { url: server().url, username: 'ann', password: 'pw', clientName: 'me', reconnect: false } as const;
      expect(await make({ ...ann, protocol }).set('k', 1)).toBe('OK');
      const theirs = { port: port(), username: 'ann', password: 'pw', connectionName: 'me', retryStrategy: null };
      expect(await shape(theirs).get('k')).toBe('1');
    },
  );
});

describe('The transport over channels', () => {
  const { logged, compile, closes } = useNest();

  it('goes on behind a text on its channel of answers that is none, and says so', async () => {
    const deserializer = {
      deserialize: (text: unknown) => {
        if (text === 'odd') throw new Error('it is odd');
        return text;
      },
    };
    const module = await compile({});
    const strategy = new RedisPubSubServer({ url: server().url });
    strategy.addHandler('double', (n: number) => Promise.resolve((2 * n) as never), false);
    await closes(module.createNestMicroservice({ strategy })).listen();
    const client = closes(new RedisPubSubClient({ url: server().url, deserializer } as never));
    await client.connect();
    const admin = make(server().url);
    for (const channel of await admin.pubsubChannels('nest:reply:*')) await admin.publish(channel, 'odd');
    await until(() => logged().lines.some((line) => line.includes('An answer cannot be read: it is odd')));
    expect(await firstValueFrom(client.send('double', 4))).toBe(8);
  });

  it('goes on behind a text in the list of its group that is no message, and says so', async () => {
    const strategy = new RedisPubSubServer({ url: server().url, group: 'g' });
    const handled: unknown[] = [];
    strategy.addHandler('x', (data: unknown) => Promise.resolve(void handled.push(data) as never), true);
    const module = await compile({});
    await closes(module.createNestMicroservice({ strategy })).listen();
    const message = JSON.stringify({ route: 'x', channel: 'x', text: JSON.stringify({ pattern: 'x', data: 1 }) });
    await make(server().url).rpush('nest:group:{g}', ['no JSON', 'null', '5', '{}', message]);
    await until(() => handled.length === 1);
    expect(logged().lines.filter((line) => line.includes('no message'))).toHaveLength(4);
  });
});

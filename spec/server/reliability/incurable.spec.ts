import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { startServer } from '../../../infra/servers';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { ScriptedServer, afterHandshake } from '../../support/scripted-server';
import { useServer } from '../../support/server';
import { useTlsServer } from '../../support/tls-server';
import { until } from '../../support/until';

const quick = { initialDelay: 1, maxDelay: 5 };

describe('What no repetition cures', () => {
  const server = useServer({ own: true });
  const tls = useTlsServer();
  const make = useClients();
  const open: Server[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) server.close();
  });
  const listen = async (server: Server): Promise<string> => {
    open.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const loop = async (messages: AsyncIterable<unknown>) => {
    for await (const message of messages) throw new Error(`There is a message: ${String(message)}`);
  };
  /** A command that waits, `connect()` and Observers of messages fail before any limit of time; the client goes on trying. */
  const fails = async (options: RedisOptions, expected: object) => {
    const redis = make({ reconnect: quick, commandTimeout: Infinity, ...options });
    const states = record(redis.state$);
    const observed = record(redis.subscribe('c'));
    const looped = failure(loop(redis.subscribe('d')));
    const [connected, waiting] = [failure(redis.connect()), failure(redis.incr('n'))];
    expect(await connected).toMatchObject(expected);
    expect(await waiting).toMatchObject({ ...expected, command: 'INCR', delivery: 'unsent', repeatable: false });
    expect(await looped).toMatchObject(expected);
    expect(observed.ended).toMatchObject(expected);
    await until(() => states.values.filter(({ kind }) => kind === 'reconnecting').length > 1);
    expect(states.values.map(({ kind }) => kind)).not.toContain('closed');
  };
  const says = (text: string) => ({ code: 'PROTOCOL', message: expect.stringContaining(text) as string });

  it('is a database that the server does not have', () =>
    fails(
      { url: server().url, database: 9_999 },
      { code: 'REPLY', kind: 'ERR', message: expect.stringMatching(/out of range|invalid/) as string },
    ));

  it('is told at once to a command that is called while the failure is told', async () => {
    const redis = make({ url: server().url, database: 9_999, reconnect: quick });
    const told: unknown[] = [];
    redis.state$.subscribe(({ kind }) => told.push(kind));
    redis.incr('n').subscribe({ error: () => redis.incr('n').subscribe({ error: (error) => told.push(error) }) });
    await until(() => told.includes('reconnecting'));
    expect(told.slice(0, 4)).toMatchObject([
      'idle',
      'connecting',
      { code: 'REPLY', delivery: 'unsent' },
      'reconnecting',
    ]);
  });

  it('is a database in a cluster, which has one', async () => {
    const node = await startServer({ own: true, args: ['--cluster-enabled', 'yes'] });
    await fails({ url: node.url, database: 1 }, { code: 'REPLY', kind: 'ERR', command: expect.anything() as string });
    await node.stop();
  });

  it.each([2, 3] as const)('is a database that the user may not select (RESP%d)', async (protocol) => {
    await make(server().url).call('ACL SETUSER', 'still', 'reset', 'on', '>pw', '~*', '+@all', '-select');
    await fails(
      { url: server().url, username: 'still', password: 'pw', database: 1, protocol },
      { code: 'REPLY', kind: 'NOPERM', message: expect.stringMatching(/select/) as string },
    );
  });

  it.each([
    "ERR unknown command 'SELECT'",
    'ERR unknown command `SELECT`, with args beginning with: `1`',
    'ERR SELECT is not allowed in cluster mode',
    'ERR SELECT is not supported by this proxy',
  ])('is a server without databases: %s', async (words) => {
    const scripted = await ScriptedServer.start(
      afterHandshake(([word]) => (word === 'SELECT' ? `-${words}\r\n` : '+OK\r\n')),
    );
    await fails(
      { url: scripted.url, database: 1 },
      { code: 'REPLY', message: expect.stringContaining(words.split(',')[0]!) as string },
    );
    await scripted.stop();
  });

  it.each([2, 3, 'auto'] as const)('is a server of HTTP (RESP%s)', async (protocol) => {
    const address = await listen(createHttpServer((_, response) => response.end('hello')));
    await fails({ url: `redis://${address}`, protocol }, says(`${address} is no Redis: it speaks HTTP`));
  });

  it.each([
    ['SMTP', '220 mail ready\r\n'],
    ['IMAP', '* OK IMAP4rev1 ready\r\n'],
    ['POP3', '+OK POP3 ready\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9\r\n'],
    ['MySQL', 'J\0\0\0\n8.0.33\0'],
    ['MySQL, whose length looks like an array', '*\0\0\0\n8.0.33\0'],
    ['memcached', 'ERROR\r\n'],
  ])('is a server of another protocol: %s', async (_, banner) => {
    const address = await listen(createServer((socket) => socket.on('error', () => undefined).write(banner)));
    await fails({ url: `redis://${address}` }, says(`${address} is no Redis: it does not speak RESP`));
  });

  it('is a server of another protocol whose bytes could begin a reply, and that hangs up', async () => {
    const address = await listen(
      createServer((socket) => socket.on('error', () => undefined).end('+\0\0\0\n8.0.33\0')),
    );
    await fails({ url: `redis://${address}` }, says(`${address} is no Redis: it does not speak RESP`));
  });

  it('is a reply to HELLO that contradicts itself', async () => {
    const peer = await ScriptedServer.start(([word]) => (word === 'HELLO' ? '*2\r\n+proto\r\n:3\r\n' : '+OK\r\n'));
    await fails({ url: peer.url }, says('The reply to HELLO contradicts itself: an array that says RESP3'));
    await peer.stop();
  });

  it('is a host name that no resolver takes', () =>
    fails(
      { host: 'x'.repeat(300) },
      { code: 'CONNECTION', message: expect.stringMatching(/getaddrinfo E/) as string },
    ));

  it('is TLS where none is spoken', async () => {
    const address = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end('-ERR Protocol error: unbalanced quotes in request\r\n'));
      }),
    );
    await fails({ url: `rediss://${address}` }, says(`${address} does not speak TLS`));
  });

  it('is a host that does not exist, also in a subscription that comes later', async () => {
    const redis = make({ host: 'no.such.host.invalid', reconnect: quick, commandTimeout: Infinity });
    const expected = { code: 'CONNECTION', message: expect.stringMatching(/ENOTFOUND/) as string };
    for (const observed of [redis.subscribe('c'), redis.bytes.psubscribe('d')])
      expect(await failure(loop(observed))).toMatchObject(expected);
    expect(await failure(redis.publish('c', 'x'))).toMatchObject(expected);
  });

  it('is not what answers in place of a server that was a Redis before: Observers wait for that as commands do', async () => {
    let speaksHttp = false;
    const { port } = server();
    const address = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        if (speaksHttp) socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
        else {
          const redis = connect(port, '127.0.0.1').on('error', () => undefined);
          socket.pipe(redis).pipe(socket);
        }
      }),
    );
    const redis = make({ url: `redis://${address}`, reconnect: quick });
    await redis.connect();
    speaksHttp = true;
    const refusals = record(redis.events$);
    const observed = record(redis.subscribe('c'));
    await until(() => refusals.values.filter(({ type }) => type === 'error').length > 2);
    speaksHttp = false;
    await redis.publish('c', 'x');
    await eventually(
      () => redis.publish('c', 'x'),
      () => observed.values.length > 0,
    );
    expect(observed.ended).toBeUndefined();
  });

  it('is perhaps TLS where none is spoken and a server is silent, as Redis is: the reason says so', async () => {
    const address = `127.0.0.1:${server().port}`;
    const redis = make({ url: `rediss://${address}`, connectTimeout: 200, reconnect: quick });
    redis.incr('n').forget();
    expect(await reaches(redis, 'reconnecting')).toMatchObject({
      error: {
        code: 'TIMEOUT',
        message: `${address} accepted, and did not answer the TLS handshake within 200 ms: is it the port without TLS?`,
      },
    });
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>, string]>([
    ['a command', (redis) => redis.incr('n'), 'INCR could not be sent within 200 ms (commandTimeout)'],
    ['connect()', (redis) => redis.connect(), '127.0.0.1:PORT could not be reached within 200 ms'],
  ])('is perhaps TLS where none is spoken: %s says so whose time is up before', async (_, send, what) => {
    const redis = make({ url: `rediss://127.0.0.1:${server().port}`, commandTimeout: 200, reconnect: quick });
    const { message } = await failure(send(redis));
    const why = '127.0.0.1:PORT accepted, and did not answer the TLS handshake for N ms: is it the port without TLS?';
    expect(message.replaceAll(String(server().port), 'PORT').replace(/for \d+/, 'for N')).toBe(`${what}: ${why}`);
  });

  it('is perhaps a peer that says nothing: a command whose time is up says what was going on', async () => {
    const address = await listen(createServer((socket) => socket.on('error', () => undefined)));
    const redis = make({ url: `redis://${address}`, commandTimeout: 200, reconnect: quick });
    const { message } = await failure(redis.incr('n'));
    const what = 'INCR could not be sent within 200 ms (commandTimeout)';
    expect(message.replace(/for \d+/, 'for N')).toBe(`${what}: handshake with ${address} for N ms`);
  });

  it('is perhaps no TLS where a server resets the connection without a word, as Redis does: the reason says so', async () => {
    const redis = make({ url: `redis://127.0.0.1:${tls().tlsPort}`, reconnect: quick });
    redis.incr('n').forget();
    expect(await reaches(redis, 'reconnecting')).toMatchObject({
      error: {
        code: 'CONNECTION',
        message: expect.stringMatching(/before a single byte came: if it speaks TLS, use rediss:/) as string,
      },
    });
  });

  it('is no TLS where it is spoken', async () => {
    const address = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])));
      }),
    );
    await fails({ url: `redis://${address}` }, says(`${address} speaks TLS: use rediss:// or the option 'tls'`));
  });

  it('is a certificate that cannot be trusted', async () => {
    const { tlsPort } = tls();
    await fails(
      { url: `rediss://127.0.0.1:${tlsPort}` },
      { code: 'CONNECTION', message: expect.stringMatching(/certificate/) as string },
    );
  });

  it('is not a server that is down: what waits goes on waiting, and connect() names the last reason and its age', async () => {
    const address = await listen(createServer());
    open.splice(0).forEach((server) => server.close());
    const redis = make({ url: `redis://${address}`, reconnect: quick, commandTimeout: 200 });
    const error = await failure(redis.connect());
    expect(error).toMatchObject({ code: 'TIMEOUT', cause: { code: 'CONNECTION' } });
    expect(error.message).toMatch(
      new RegExp(`^${address} could not be reached within 200 ms: .*ECONNREFUSED.* \\(\\d+ ms ago\\)$`),
    );
  });
});

describe('The first failure to connect', () => {
  const make = useClients();
  const nowhere = 'redis://127.0.0.1:1';
  let told: jest.SpyInstance;
  beforeEach(() => {
    told = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  });
  afterEach(() => told.mockRestore());

  it('is told once by a warning of the process where nothing listens', async () => {
    const redis = make({ url: nowhere, reconnect: quick, commandTimeout: 100 });
    await failure(redis.connect());
    expect(told.mock.calls).toStrictEqual([
      [
        expect.stringMatching(/^127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/),
        { type: 'RedisWarning', code: 'REDIS_UNREACHABLE' },
      ],
    ]);
  });

  it.each(['state$', 'events$'] as const)('is not told where %s is listened to', async (stream) => {
    const redis = make({ url: nowhere, reconnect: quick, commandTimeout: 100 });
    record<unknown>(redis[stream]);
    await failure(redis.connect());
    expect(told).not.toHaveBeenCalled();
  });

  it('is told again where nothing listens any more', async () => {
    const redis = make({ url: nowhere, reconnect: quick, commandTimeout: 100 });
    record(redis.state$).stop();
    await failure(redis.connect());
    expect(told).toHaveBeenCalledTimes(1);
  });
});

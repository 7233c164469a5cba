import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  Redis,
  TimeoutError,
  type RedisOptions,
} from 'rxjs-redis';
import { version } from '../../package.json';
import { greeting, ScriptedServer } from '../support/scripted-server';
import { useProxy, useServer } from '../support/server';

/** Of both overloads. */
type Arguments = [url: string, options?: RedisOptions] | [options: RedisOptions];

describe('Connecting', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const clients: Redis[] = [];
  const client = (...args: Arguments) => {
    const redis = new Redis(...(args as [url: string]));
    clients.push(redis);
    return redis;
  };
  afterEach(() => Promise.all(clients.splice(0).map((redis) => redis.destroy())));

  it('opens nothing before the first subscription', async () => {
    const redis = client(proxy().url());
    const reply = redis.call('PING');
    void redis.call('PING');
    redis.subscribe('news');
    await new Promise(setImmediate);
    expect(proxy().connections.total).toBe(0);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
    expect(await reply).toBe('PONG');
    expect(proxy().connections.total).toBe(1);
  });

  it('opens the connection on connect()', async () => {
    const redis = client(proxy().url());
    await redis.connect();
    expect(proxy().connections.total).toBe(1);
    expect(await firstValueFrom(redis.state$)).toMatchObject({ kind: 'ready', protocol: 3 });
  });

  it.each<[string, () => Arguments]>([
    ['a URL', () => [server().url]],
    ['options', () => [{ host: server().host, port: server().port }]],
    ['options with a URL', () => [{ url: server().url }]],
    ['a URL and options that take precedence', () => ['redis://127.0.0.1:1', { port: server().port }]],
  ])('takes %s', async (_, args) => {
    expect(await client(...args()).call('PING')).toBe('PONG');
  });

  it('goes through its states, the current one first and closed last', async () => {
    const redis = client(server().url);
    const states = lastValueFrom(redis.state$.pipe(toArray()));
    await redis.connect();
    await redis.close();
    expect((await states).map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready', 'closed']);
    expect(await lastValueFrom(redis.state$.pipe(toArray()))).toStrictEqual([{ kind: 'closed' }]);
  });

  it('names itself and selects its database in the handshake', async () => {
    const redis = client({ url: server().url, clientName: 'rx', database: 3 });
    expect(await redis.call('CLIENT GETNAME')).toBe('rx');
    expect(await redis.call('CLIENT LIST')).toMatch(/ name=rx .* db=3 /);
  });

  it('tells the server which library it is', async () => {
    const scripted = await ScriptedServer.start((words) => (words[0] === 'HELLO' ? greeting : '+OK\r\n'));
    await client(scripted.url).connect();
    expect(scripted.seen).toContainEqual(['CLIENT', 'SETINFO', 'LIB-NAME', 'rxjs-redis']);
    expect(scripted.seen).toContainEqual(['CLIENT', 'SETINFO', 'LIB-VER', version]);
    await scripted.stop();
  });

  it('sends the whole handshake in one write', async () => {
    const scripted = await ScriptedServer.start((words) => (words[0] === 'HELLO' ? greeting : '+OK\r\n'));
    const redis = client({ url: scripted.url, username: 'u', password: 'p', clientName: 'n', database: 2 });
    await redis.connect();
    expect(scripted.reads).toStrictEqual([1]);
    expect(scripted.seen[0]).toStrictEqual(['HELLO', '3', 'AUTH', 'u', 'p', 'SETNAME', 'n']);
    expect(scripted.seen[1]).toStrictEqual(['SELECT', '2']);
    await scripted.stop();
  });

  it('fails connect() and what waits when the first dial fails and it may not dial again', async () => {
    const redis = client({ url: 'redis://127.0.0.1:1', reconnect: false });
    const waiting = redis.call('PING').then(
      () => undefined,
      (error: unknown) => error,
    );
    await expect(redis.connect()).rejects.toThrow(DisconnectedError);
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent', command: 'PING' });
    expect(await waiting).toHaveProperty('cause', expect.any(ConnectionError));
  });

  it('gives up on a server that accepts and never greets', async () => {
    const silent = await ScriptedServer.start(() => undefined);
    const redis = client({ url: silent.url, connectTimeout: 50, reconnect: false });
    await expect(redis.connect()).rejects.toHaveProperty('cause', expect.any(TimeoutError));
    await silent.stop();
  });

  it('counts an unexpected greeting as a protocol error', async () => {
    const web = await ScriptedServer.start(() => 'HTTP/1.1 400 Bad Request\r\n\r\n');
    const redis = client({ url: web.url, reconnect: false });
    await expect(redis.connect()).rejects.toHaveProperty('cause.code', 'PROTOCOL');
    await web.stop();
  });

  it('does not need anybody to listen to errors', async () => {
    const redis = client({ url: 'redis://127.0.0.1:1', reconnect: { initialDelay: 1, maxAttempts: 2 } });
    await expect(redis.connect()).rejects.toThrow(/gave up/);
  });
});

describe('Signing in', () => {
  const server = useServer({ args: ['--requirepass', 'se cret'] });

  it('signs in with a password alone', async () => {
    const redis = new Redis(`redis://:se%20cret@${server().host}:${server().port}`);
    expect(await redis.call('ACL WHOAMI')).toBe('default');
    await redis.close();
  });

  it('signs in with user name and password, in RESP2 and RESP3', async () => {
    const admin = new Redis({ url: server().url, password: 'se cret' });
    await admin.call('ACL SETUSER', 'ann', 'on', '>pw', '+@all');
    for (const protocol of [2, 3] as const) {
      const redis = new Redis({ url: server().url, username: 'ann', password: 'pw', protocol });
      expect(await redis.call('ACL WHOAMI')).toBe('ann');
      await redis.close();
    }
    await admin.close();
  });

  it.each([2, 3] as const)(
    'fails what waits with an AuthenticationError that holds no password (RESP%d)',
    async (protocol) => {
      const redis = new Redis({ url: server().url, password: 'wrong-one', protocol });
      const error = await redis.call('PING').then(
        () => undefined,
        (error: unknown) => error as AuthenticationError,
      );
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS' });
      expect(JSON.stringify(error) + error!.message + error!.stack).not.toContain('wrong-one');
      await redis.destroy();
    },
  );

  it('says NOAUTH when a password is missing', async () => {
    const redis = new Redis(server().url);
    await expect(redis.connect()).rejects.toMatchObject({ code: 'AUTHENTICATION', kind: 'NOAUTH' });
    await redis.destroy();
  });
});

describe('A server that refuses HELLO', () => {
  const server = useServer({ args: ['--rename-command', 'HELLO', '', '--requirepass', 'pw'] });

  it('is spoken to in RESP2, signed in, named and on its database', async () => {
    const redis = new Redis({ url: server().url, password: 'pw', clientName: 'two', database: 1 });
    await redis.connect();
    expect(await firstValueFrom(redis.state$.pipe(take(1)))).toMatchObject({ kind: 'ready', protocol: 2 });
    expect(await redis.call('CLIENT GETNAME')).toBe('two');
    expect(await redis.call('HSET', 'h', 'a', '1')).toBe(1);
    expect(await redis.call('HGETALL', 'h')).toStrictEqual(['a', '1']);
    await redis.close();
  });

  it('is an error where RESP3 is demanded', async () => {
    const redis = new Redis({ url: server().url, password: 'pw', protocol: 3, reconnect: false });
    await expect(redis.connect()).rejects.toHaveProperty('cause.command', 'HELLO');
  });
});

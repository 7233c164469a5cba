import { firstValueFrom } from 'rxjs';
import type { RedisOptions } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { greeting, useScriptedServers, type ScriptedServer } from '../../support/scripted-server';
import { useServer } from '../../support/server';

const quick = { initialDelay: 1, maxDelay: 5 };

describe('What the server is told of the client', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const serve = useScriptedServers();
  /** A proxy that hangs up on commands it does not know. */
  const proxy = (...unknown: string[]) =>
    serve((words, socket) => {
      if (unknown.some((command) => words.join(' ').startsWith(command))) {
        socket.destroy();
        return undefined;
      }
      return words[0] === 'HELLO' ? greeting : '+OK\r\n';
    });
  const lines = ({ seen }: ScriptedServer) => seen.map((words) => words.slice(0, 3).join(' '));

  it.each<[string, RedisOptions['clientInfo'], string[]]>([
    ['its name and version', undefined, ['CLIENT SETINFO LIB-NAME rxjs-redis', 'CLIENT SETINFO LIB-VER']],
    [
      'a tag behind its name',
      { tag: 'orders' },
      ['CLIENT SETINFO LIB-NAME rxjs-redis(orders)', 'CLIENT SETINFO LIB-VER'],
    ],
    ['nothing, where it is turned off', false, []],
  ])('is %s', async (_, clientInfo, expected) => {
    const server = await serve(([word]) => (word === 'HELLO' ? greeting : '+OK\r\n'));
    for (const protocol of [2, 3] as const) {
      const redis = make({ url: server.url, protocol, ...(clientInfo !== undefined && { clientInfo }) });
      record(redis.subscribe('news'));
      await redis.connect();
    }
    const told = server.seen.filter(([word]) => word === 'CLIENT').map((words) => words.join(' '));
    expect(new Set(told.map((line) => line.replace(/ \d+\.\d+\.\d+$/, '')))).toStrictEqual(new Set(expected));
  });

  it('may hold any printable character in its tag, by the rules of every server', async () => {
    const tag = '!"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~';
    const redis = make({ url: server().url, clientInfo: { tag } });
    const list = await redis.call<string>('CLIENT LIST');
    const [major = 0, minor = 0] = server().version.split('.').map(Number);
    if (major > 7 || (major === 7 && minor >= 2)) expect(list).toContain(` lib-name=rxjs-redis(${tag}) `);
    else expect(list).not.toContain('lib-name');
  });

  it.each<[string, unknown, string]>([
    ['text', 'orders', "The option 'clientInfo' is a boolean or an object, got a string"],
    ['an unknown part', { name: 'orders' }, "There is no option 'clientInfo.name'"],
    ['a number', { tag: 5 }, "The option 'clientInfo.tag' is a string, got a number"],
    ['spaces', { tag: 'a b' }, "The option 'clientInfo.tag' holds printable ASCII characters alone"],
    ['nothing', { tag: '' }, "The option 'clientInfo.tag' holds printable ASCII characters alone, at least one"],
    ['umlauts', { tag: 'ä' }, "The option 'clientInfo.tag' holds printable ASCII characters alone"],
  ])('is refused when it is %s', (_, clientInfo, message) => {
    expect(() => make({ clientInfo: clientInfo as boolean })).toThrow(new RegExp(`^${message}`));
  });

  it.each([
    ['HELLO', ['HELLO']],
    ['CLIENT SETINFO', ['CLIENT SETINFO']],
    ['both', ['HELLO', 'CLIENT SETINFO']],
  ])('is left out after two connections that a proxy ended for it: %s', async (_, unknown) => {
    const server = await proxy(...unknown);
    const redis = make({ url: server.url, reconnect: quick });
    const states = record(redis.state$);
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(states.values.filter(({ kind }) => kind === 'reconnecting')).toHaveLength(2);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 2 });
    expect(server.reads).toHaveLength(3);
  });

  it('keeps the name, which the user has asked for', async () => {
    const server = await proxy('HELLO', 'CLIENT SETINFO');
    const redis = make({ url: server.url, clientName: 'web', reconnect: quick });
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(lines(server)).toContain('CLIENT SETNAME web');
  });

  it('is left out by the connections that follow as well, those for messages and leases too', async () => {
    const server = await proxy('HELLO', 'CLIENT SETINFO');
    const redis = make({ url: server.url, reconnect: quick });
    await redis.connect();
    server.seen.length = 0;
    expect(await redis.dedicated((connection) => connection.set('k', 'v'))).toBe('OK');
    const subscribed = server.next('SUBSCRIBE');
    record(redis.subscribe('news'));
    (await subscribed).socket.destroy();
    const [command] = [server.next('SET')];
    void redis.set('k', 'v').then();
    (await command).socket.destroy();
    await reaches(redis, 'reconnecting');
    await redis.connect();
    expect(lines(server).filter((line) => /HELLO|SETINFO/.test(line))).toStrictEqual([]);
  });

  it("leaves out CLIENT SETINFO alone where the option 'protocol' asks for 3", async () => {
    const server = await proxy('CLIENT SETINFO');
    const redis = make({ url: server.url, protocol: 3, reconnect: quick });
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 3 });
  });

  it('is told again by a client whose server was told before: a proxy may hang up because the server behind it is gone', async () => {
    const ended = new Set<unknown>();
    const isGone = () => ended.size > 0 && ended.size < 3;
    const server = await serve(([word], socket) => {
      if (word === 'SET' && ended.size === 0) ended.add(socket);
      if (isGone() || ended.has(socket)) {
        ended.add(socket);
        socket.destroy();
        return undefined;
      }
      return word === 'HELLO' ? greeting : '+OK\r\n';
    });
    const redis = make({ url: server.url, reconnect: quick });
    await redis.connect();
    const states = record(redis.state$);
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(states.values.filter(({ kind }) => kind === 'reconnecting')).toHaveLength(3);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 3 });
  });

  it('is told again when the connection without it ended as well: a server that starts slowly is not taken for a proxy', async () => {
    let endings = 3;
    const server = await serve(([word], socket) => {
      if (endings > 0) {
        endings--;
        socket.destroy();
        return undefined;
      }
      return word === 'HELLO' ? greeting : '+OK\r\n';
    });
    const redis = make({ url: server.url, reconnect: quick });
    await redis.connect();
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 3 });
  });

  it('is told again to a server that turned clients away', async () => {
    let farewells = 2;
    const server = await serve(([word], socket) => {
      if (farewells > 0) {
        farewells--;
        socket.end('-ERR max number of clients reached\r\n');
        return undefined;
      }
      return word === 'HELLO' ? greeting : '+OK\r\n';
    });
    const redis = make({ url: server.url, reconnect: quick });
    await redis.connect();
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 3 });
  });
});

describe('A server that wants a password', () => {
  const server = useServer({ args: ['--requirepass', 'secret'] });
  const make = useClients();

  it.each([
    [2, true],
    [2, false],
    [3, true],
    [3, false],
    ['auto', true],
    ['auto', false],
  ] as const)('refuses the connection that brings none (RESP%s, clientInfo %s)', async (protocol, clientInfo) => {
    const redis = make({ url: server().url.replace(/\/\/.*@/, '//'), protocol, clientInfo });
    const states = record(redis.state$);
    const [waiting, connected] = [failure(redis.set('k', 'v')), failure(redis.connect())];
    const refused = { code: 'AUTHENTICATION', kind: 'NOAUTH' };
    const { message } = await connected;
    expect(await connected).toMatchObject(refused);
    expect(message).toMatch(/^The server wants credentials: give the option 'password'/);
    expect(await waiting).toMatchObject({ ...refused, delivery: 'unsent', message: `SET was not sent: ${message}` });
    expect(states.values.map(({ kind }) => kind)).not.toContain('ready');
  });

  it.each([2, 3] as const)(
    'fails every command at once, however long it waits to try again (RESP%d)',
    async (protocol) => {
      const reconnect = { initialDelay: 1e9, maxDelay: 1e9, maxDelayWaiting: 1e9 };
      const url = server().url.replace(/\/\/.*@/, '//');
      const redis = make({ url, password: 'wrong', protocol, reconnect, commandTimeout: Infinity });
      const refused = { code: 'AUTHENTICATION', kind: 'WRONGPASS' };
      for (let n = 0; n < 3; n++)
        expect(await failure(redis.incr('n'))).toMatchObject({ ...refused, delivery: 'unsent', command: 'INCR' });
      await reaches(redis, 'reconnecting');
      expect(await failure(redis.connect())).toMatchObject(refused);
    },
  );

  it('is tried again soon where commands fail for it, and then lets them through', async () => {
    const url = server().url.replace(/\/\/.*@/, '//');
    const reconnect = { initialDelay: 1, maxDelay: 1e9, factor: 1e9, jitter: 0, maxDelayWaiting: 1 };
    let password = 'wrong';
    const redis = make({ url, credentials: () => ({ password }), reconnect });
    await failure(redis.incr('n'));
    password = 'secret';
    await eventually(
      () => new Promise(setImmediate).then(() => outcome(redis.set('k', 'v'))),
      (ended) => 'value' in ended,
    );
  });

  it('may refuse PING to a user without one, who is signed in all the same', async () => {
    const open = make({ url: server().url, password: 'secret' });
    await open.call('ACL SETUSER', 'default', 'nopass', '-ping');
    const redis = make({ url: server().url.replace(/\/\/.*@/, '//'), protocol: 2 });
    expect(await redis.set('k', 'v')).toBe('OK');
    await open.call('ACL SETUSER', 'default', 'resetpass', '>secret', '+ping');
  });
});

describe('A password that the server does not need', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const serve = useScriptedServers();
  const refused = {
    code: 'AUTHENTICATION',
    command: 'AUTH',
    kind: 'ERR',
    message: expect.stringMatching(/^The server has no password, and was given one/) as string,
  };

  it.each([2, 3, 'auto'] as const)('is refused at once, and the message says so (RESP%s)', async (protocol) => {
    const redis = make({ url: server().url, password: 'superfluous', protocol });
    const waiting = failure(redis.set('k', 'v'));
    const error = await failure(redis.connect());
    expect(error).toMatchObject(refused);
    expect(error.message).not.toContain('superfluous');
    const message = `SET was not sent: ${error.message}`;
    expect(await waiting).toMatchObject({ ...refused, command: 'SET', delivery: 'unsent', message });
  });

  it.each([
    [2, 'ERR AUTH <password> called without any password configured for the default user.'],
    ['auto', 'ERR AUTH <password> called without any password configured for the default user.'],
    ['auto', 'ERR Client sent AUTH, but no password is set'],
  ] as const)('is refused at once by servers without HELLO as well (RESP%s, "%s")', async (protocol, refusal) => {
    const old = await serve(([word]) =>
      word === 'AUTH' ? `-${refusal}\r\n` : word === 'HELLO' ? "-ERR unknown command 'HELLO'\r\n" : '+OK\r\n',
    );
    const redis = make({ url: old.url, password: 'superfluous', protocol });
    expect(await failure(redis.connect())).toMatchObject(refused);
  });
});

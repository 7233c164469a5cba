import { firstValueFrom } from 'rxjs';
import { reaches, record, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { ScriptedServer, type Script } from '../../support/scripted-server';
import { until } from '../../support/until';

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const array = (...words: string[]) => `*${words.length}\r\n${words.map(bulk).join('')}`;

describe('The reply to HELLO', () => {
  const make = useClients();
  const servers: ScriptedServer[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  const serve = async (hello: string, script: Script = () => '+OK\r\n') => {
    const server = await ScriptedServer.start((words, socket) =>
      words[0] === 'HELLO' ? hello : script(words, socket),
    );
    servers.push(server);
    return server;
  };

  const flat = '*6\r\n$5\r\nproto\r\n:2\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$4\r\nrole\r\n$6\r\nmaster\r\n';
  /** A server behind a proxy that speaks RESP2 alone, whatever it is asked for. */
  const resp2: Script = (words, socket) => {
    const [word, first, second] = words;
    switch (word) {
      case 'ECHO':
        return bulk(first!);
      case 'LRANGE':
        return array('message', 'news', 'no message');
      case 'SUBSCRIBE':
        setImmediate(() => socket.write(array('message', first!, 'hello')));
        return `*3\r\n${bulk('subscribe')}${bulk(first!)}:1\r\n`;
      default:
        return second === undefined ? '+PONG\r\n' : '+OK\r\n';
    }
  };

  it('that is a flat array of RESP2 is believed: replies and messages are read as RESP2', async () => {
    const server = await serve(flat, resp2);
    const redis = make({ url: server.url });
    const messages = record(redis.subscribe('news'));
    const echoes = ['a', 'b', 'c'].map((text) => redis.echo(text).then());
    expect(await Promise.all(echoes)).toStrictEqual(['a', 'b', 'c']);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 2 });
    await until(() => messages.values.length > 0);
    expect(messages.values).toMatchObject([{ channel: 'news', data: 'hello' }]);
  });

  it('that is a flat array leaves a list that reads like a message to the command that asked for it', async () => {
    const redis = make({ url: (await serve(flat, resp2)).url });
    const messages = record(redis.subscribe('news'));
    await until(() => messages.values.length > 0);
    expect(await redis.lrange('list', 0, -1)).toStrictEqual(['message', 'news', 'no message']);
    expect(messages.values).toHaveLength(1);
  });

  it("that is a flat array of RESP2 is an error where the option 'protocol' asks for 3", async () => {
    const redis = make({ url: (await serve(flat)).url, protocol: 3, reconnect: false });
    expect(await failure(redis.connect())).toMatchObject({
      code: 'DISCONNECTED',
      cause: { code: 'PROTOCOL', command: 'HELLO', message: expect.stringContaining('RESP2') as string },
    });
  });

  it.each([
    "ERR unknown command 'HELLO'",
    'NOPROTO unsupported protocol version',
    'NOPERM this user has no permissions to run the hello command',
    'UNKNOWN command',
    'unknown command: HELLO',
    'DISABLED by the operator',
  ])('that is a refusal in whatever words leads to RESP2: %s', async (words) => {
    for (const password of [undefined, 'pw']) {
      const server = await serve(`-${words}\r\n`, resp2);
      const redis = make({ url: server.url, password, clientName: 'me' });
      expect(await redis.echo('a')).toBe('a');
      expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 2 });
      const seen = server.seen.map(([word, second]) => (word === 'CLIENT' ? second : word));
      expect(seen.filter((word) => word === 'SETNAME')).toHaveLength(1);
      expect(seen.includes('AUTH')).toBe(password !== undefined);
    }
  });

  it.each(['NOPERM no permissions', 'ERR credentials belong into AUTH', 'NOAUTH Authentication required.'])(
    'that is a refusal of its credentials is asked for again behind AUTH, where RESP3 is wanted: %s',
    async (words) => {
      const spoken = await ScriptedServer.start((seen, socket) => {
        if (seen[0] !== 'HELLO') return resp2(seen, socket);
        return seen.includes('AUTH') ? `-${words}\r\n` : '%1\r\n$5\r\nproto\r\n:3\r\n';
      });
      servers.push(spoken);
      const redis = make({
        url: spoken.url,
        protocol: 3,
        username: 'ann',
        password: 'pw',
        clientName: 'me',
        database: 2,
      });
      await redis.connect();
      expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 3 });
      expect(spoken.seen.filter(([word]) => word === 'HELLO' || word === 'AUTH')).toStrictEqual([
        ['HELLO', '3', 'AUTH', 'ann', 'pw', 'SETNAME', 'me'],
        ['AUTH', 'ann', 'pw'],
        ['HELLO', '3', 'SETNAME', 'me'],
      ]);
    },
  );

  it.each([
    ["ERR unknown command 'HELLO'", undefined],
    ["ERR unknown command 'HELLO'", 'pw'],
    ['NOPERM no permissions', 'pw'],
  ])(
    'that is a refusal is the error where RESP3 is wanted and cannot be had: %s, password %s',
    async (words, password) => {
      const redis = make({ url: (await serve(`-${words}\r\n`)).url, protocol: 3, password, reconnect: false });
      expect(await failure(redis.connect())).toMatchObject({
        code: 'DISCONNECTED',
        cause: { code: 'REPLY', command: 'HELLO', message: words },
      });
    },
  );

  it('that is a refusal for the moment is asked for again', async () => {
    let refusals = 2;
    const server = await ScriptedServer.start((words, socket) => {
      if (words[0] !== 'HELLO') return resp2(words, socket);
      return refusals-- > 0 ? '-LOADING Redis is loading the dataset in memory\r\n' : '%1\r\n$5\r\nproto\r\n:3\r\n';
    });
    servers.push(server);
    const redis = make({ url: server.url, reconnect: { initialDelay: 1, maxDelay: 5 } });
    expect(await redis.echo('a')).toBe('a');
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: 3 });
  });

  it.each([
    ['a map that says RESP2', '%1\r\n$5\r\nproto\r\n:2\r\n', 'a map that says RESP2'],
    ['an array that says RESP3', '*2\r\n$5\r\nproto\r\n:3\r\n', 'an array that says RESP3'],
    ['+OK', '+OK\r\n', 'no array that names no version of RESP'],
    ['a map that says nothing', '%1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n', 'a map that names no version of RESP'],
    ['an array that says nothing', '*0\r\n', 'an array that names no version of RESP'],
    ['null', '_\r\n', 'no array that names no version of RESP'],
  ])('that contradicts itself ends the connection: %s', async (_, hello, said) => {
    const server = await serve(hello);
    for (const protocol of [3, 'auto'] as const) {
      const redis = make({ url: server.url, protocol });
      record(redis.subscribe('news'));
      const gone = server.gone();
      redis.echo('a').forget();
      const { error } = (await reaches(redis, 'reconnecting')) as { error: Error };
      expect(error).toMatchObject({
        code: 'PROTOCOL',
        message: `The reply to HELLO contradicts itself: ${said}`,
      });
      await gone;
      expect(server.seen.map(([word]) => word)).not.toContain('ECHO');
      await redis.destroy();
    }
  });
});

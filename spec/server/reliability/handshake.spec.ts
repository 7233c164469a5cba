import { filter, firstValueFrom } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { call, clientNoEvict, clientTracking, select, set, type ClientKillFilter } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { greeting, useScriptedServers, type Script } from '../../support/scripted-server';
import { useServer } from '../../support/server';

const quick = { initialDelay: 1, maxDelay: 5 };

/** What each connection was sent, in an order that does not depend on which was quicker. */
function sorted(seenOn: readonly string[][][]): readonly string[][][] {
  return [...seenOn].sort((one, other) => String(one.at(-1)).localeCompare(String(other.at(-1))));
}

describe('The handshake', () => {
  const make = useClients();
  const serve = useScriptedServers();
  const modern: Script = ([word, ...args]) => {
    if (word === 'HELLO') return greeting;
    if (word !== 'SUBSCRIBE') return '+OK\r\n';
    return args.map((name) => `>3\r\n$9\r\nsubscribe\r\n$${name.length}\r\n${name}\r\n:1\r\n`).join('');
  };
  /** Knows neither HELLO nor CLIENT SETINFO, and nobody before he has signed in. */
  const ancient = (): Script => {
    const known = new Set<unknown>();
    return ([word, subcommand], socket) => {
      if (word === 'HELLO') return "-ERR unknown command 'HELLO'\r\n";
      if (word === 'AUTH') known.add(socket);
      if (!known.has(socket)) return '-NOAUTH Authentication required.\r\n';
      return subcommand === 'SETINFO' ? '-ERR unknown subcommand\r\n' : '+OK\r\n';
    };
  };
  const everything: RedisOptions = {
    username: 'ann',
    password: 'pw',
    clientName: 'web',
    database: 3,
    onConnect: [call('ONE'), call('TWO')],
    reconnect: quick,
  };

  it('signs in, selects, introduces the library, then sends what the user wants, subscriptions and the queue', async () => {
    const server = await serve(modern);
    const redis = make({ url: server.url, ...everything });
    const subscribed = server.next('SUBSCRIBE');
    record(redis.subscribe('news'));
    await redis.set('k', 'v');
    await subscribed;
    const introduction = [
      ['HELLO', '3', 'AUTH', 'ann', 'pw', 'SETNAME', 'web'],
      ['SELECT', '3'],
      ['CLIENT', 'SETINFO', 'LIB-NAME', 'rxjs-redis'],
      ['CLIENT', 'SETINFO', 'LIB-VER', expect.stringMatching(/^\d+\.\d+\.\d+/)],
      ['ONE'],
      ['TWO'],
    ];
    // Messages have a connection of their own, which is introduced in the same way.
    expect(sorted(server.seenOn)).toStrictEqual([
      [...introduction, ['SET', 'k', 'v']],
      [...introduction, ['SUBSCRIBE', 'news']],
    ]);
  });

  it('is one round trip up to the subscriptions', async () => {
    const server = await serve(modern);
    await make({ url: server.url, ...everything }).connect();
    expect(server.reads).toStrictEqual([1]);
  });

  it('is the same again on the next connection, before what waits', async () => {
    const server = await serve(modern);
    const redis = make({ url: server.url, ...everything });
    const [set, subscribed] = [server.next('SET'), server.next('SUBSCRIBE')];
    record(redis.subscribe('news'));
    await redis.set('k', 'v');
    const arrived = await Promise.all([set, subscribed]);
    const first = sorted(server.seenOn.splice(0));
    const again = server.next('SUBSCRIBE');
    for (const { socket } of arrived) socket.destroy();
    await reaches(redis, 'reconnecting');
    await redis.set('k', 'v');
    await again;
    expect(sorted(server.seenOn)).toStrictEqual(first);
  });

  it('falls back to RESP2 where HELLO is refused, and sends nothing twice that was accepted', async () => {
    const server = await serve(ancient());
    const redis = make({ url: server.url, ...everything });
    await redis.set('k', 'v');
    expect(server.seen.map((words) => words.join(' '))).toStrictEqual([
      'HELLO 3 AUTH ann pw SETNAME web',
      'SELECT 3',
      'CLIENT SETINFO LIB-NAME rxjs-redis',
      expect.stringContaining('CLIENT SETINFO LIB-VER'),
      'ONE',
      'TWO',
      'AUTH ann pw',
      'CLIENT SETNAME web',
      'SELECT 3',
      'CLIENT SETINFO LIB-NAME rxjs-redis',
      expect.stringContaining('CLIENT SETINFO LIB-VER'),
      'ONE',
      'TWO',
      'SET k v',
    ]);
    expect(await firstValueFrom(redis.state$)).toMatchObject({ kind: 'ready', protocol: 2 });
  });

  it.each([
    ['does not know that version', 'NOPROTO unsupported protocol version'],
    ['does not know HELLO', 'ERR unknown command'],
    ['hides HELLO from who has not signed in', 'NOAUTH HELLO must be called with the client already authenticated'],
  ])('falls back to RESP2 where a server %s', async (_, refusal) => {
    const server = await serve((words, socket) => (words[0] === 'HELLO' ? `-${refusal}\r\n` : modern(words, socket)));
    const redis = make({ url: server.url, ...everything });
    await redis.connect();
    expect(await firstValueFrom(redis.state$)).toMatchObject({ kind: 'ready', protocol: 2 });
    expect(server.seen.map((words) => words.join(' '))).toContain('AUTH ann pw');
  });

  it.each(['DENIED Redis is running in protected mode', 'ERR max number of clients reached'])(
    'that a server turns away with "%s" is a lost connection, whatever was asked',
    async (farewell) => {
      let turns = 1;
      const server = await serve((words, socket) => {
        if (turns-- <= 0) return modern(words, socket);
        socket.end(`-${farewell}\r\n`);
        return undefined;
      });
      const redis = make({ url: server.url, ...everything });
      const states = record(redis.state$);
      expect(await redis.set('k', 'v')).toBe('OK');
      expect(states.values.find(({ kind }) => kind === 'reconnecting')).toMatchObject({
        error: { code: 'CONNECTION', message: `The server turns the client away: ${farewell}` },
      });
    },
  );

  it('outlives connectTimeout once it is over', async () => {
    const server = await serve(modern);
    const redis = make({ url: server.url, connectTimeout: 40, reconnect: false });
    await redis.connect();
    // A timer that is set later and lasts as long goes off behind one that was forgotten.
    await new Promise((resolve) => setTimeout(resolve, 41));
    expect(await redis.set('k', 'v')).toBe('OK');
  });

  it('is the same over IPv6', async () => {
    const server = await serve(modern, '::1');
    expect(server.url).toMatch(/^redis:\/\/\[::1\]:\d+$/);
    const redis = make({ url: server.url, ...everything });
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(redis.toJSON().address).toMatch(/^\[::1\]:\d+$/);
  });

  it('puts the prefix before the keys of what the user wants', async () => {
    const server = await serve(modern);
    await make({ url: server.url, prefix: 'app:', onConnect: [set('k', 'v'), call('ONE', 'k')] }).connect();
    expect(server.seen.slice(-2)).toStrictEqual([
      ['SET', 'app:k', 'v'],
      ['ONE', 'k'],
    ]);
  });

  it('asks for RESP2 in its own words where that is what the user wants', async () => {
    const server = await serve(modern);
    await make({ url: server.url, ...everything, protocol: 2 }).connect();
    expect(server.seen.map(([word, second]) => `${word} ${second ?? ''}`.trim())).toStrictEqual([
      'AUTH ann',
      'CLIENT SETNAME',
      'SELECT 3',
      'CLIENT SETINFO',
      'CLIENT SETINFO',
      'ONE',
      'TWO',
    ]);
  });

  it('lets nothing of the queue through before it is over', async () => {
    let release: (() => void) | undefined;
    const server = await serve((words, socket) => {
      if (words[0] === 'TWO') release = () => socket.write('+OK\r\n');
      return words[0] === 'TWO' ? undefined : modern(words, socket);
    });
    const redis = make({ url: server.url, ...everything });
    const asked = server.next('TWO');
    const waiting = outcome(redis.set('k', 'v'));
    await asked;
    await new Promise(setImmediate);
    expect(server.seen.map(([word]) => word)).not.toContain('SET');
    expect(await firstValueFrom(redis.state$)).toMatchObject({ kind: 'connecting' });
    release!();
    expect(await waiting).toStrictEqual({ value: 'OK' });
  });

  it('counts as a failed connection when the user is refused what he wants on it', async () => {
    let refusals = 2;
    const server = await serve((words, socket) =>
      words[0] === 'TWO' && refusals-- > 0 ? '-ERR not yet\r\n' : modern(words, socket),
    );
    const redis = make({ url: server.url, ...everything });
    const states = record(redis.state$);
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(states.values.filter(({ kind }) => kind === 'reconnecting')).toMatchObject([
      { attempt: 1, error: { message: 'ERR not yet', command: 'TWO' } },
      { attempt: 2, error: { message: 'ERR not yet', command: 'TWO' } },
    ]);
  });

  it('fails before anything is sent when the user wants on it what has an option of its own', async () => {
    const server = await serve(modern);
    const onConnect = () => [call('ONE'), select(3)];
    const redis = make({ url: server.url, ...everything, onConnect, reconnect: false });
    expect(await failure(redis.connect())).toMatchObject({
      code: 'DISCONNECTED',
      cause: {
        code: 'CONNECTION',
        message: "The option 'onConnect' takes no SELECT: use the option 'database'",
        cause: new TypeError("The option 'onConnect' takes no SELECT: use the option 'database'"),
      },
    });
    expect(server.seen).toStrictEqual([]);
  });

  it('names onConnect where that throws, and not what it says', async () => {
    const server = await serve(modern);
    const thrown = new RangeError('the password is geheim');
    const onConnect = (): never => {
      throw thrown;
    };
    const redis = make({ url: server.url, onConnect, reconnect: false });
    const error = (await failure(redis.connect())) as Error;
    expect(error).toMatchObject({
      cause: { message: "The function of the option 'onConnect' threw an object (RangeError)", cause: thrown },
    });
    expect(error.message).not.toContain('geheim');
  });

  it('does not mind a server that does not know libraries', async () => {
    const server = await serve((words, socket) =>
      words[1] === 'SETINFO' ? "-ERR Unknown subcommand 'SETINFO'\r\n" : modern(words, socket),
    );
    await make({ url: server.url, ...everything }).connect();
  });

  it('that a server breaks off is tried again', async () => {
    let breaks = 3;
    const server = await serve((words, socket) => {
      if (words[0] !== 'SELECT' || breaks-- <= 0) return modern(words, socket);
      socket.destroy();
      return undefined;
    });
    const redis = make({ url: server.url, ...everything });
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(server.reads).toHaveLength(4);
    expect(server.seen.filter(([word]) => word === 'SET')).toHaveLength(1);
  });
});

describe('What the user wants on every connection', () => {
  const server = useServer({}, '7.0');
  const make = useClients();
  const kill = async (redis: Redis) => {
    const filter: ClientKillFilter = { ID: await redis.clientId() };
    await make(server().url).clientKill(filter);
    await reaches(redis, 'reconnecting');
  };

  it('is there before the first command, and again after each loss', async () => {
    let connections = 0;
    const onConnect = () => [set('connections', String(++connections)), clientTracking('ON', { NOLOOP: true })];
    const redis = make({ url: server().url, onConnect, reconnect: quick });
    for (let n = 1; n <= 3; n++) {
      expect(await redis.get('connections')).toBe(String(n));
      expect(await redis.clientTrackinginfo()).toMatchObject({ flags: ['on', 'noloop'] });
      await kill(redis);
    }
  });

  it('is there on the connection of RESP2 messages as well', async () => {
    const redis = make({ url: server().url, protocol: 2, clientName: 'messages', onConnect: [call('INCR', 'met')] });
    await redis.del('met');
    record(redis.subscribe('news'));
    await eventually(
      () => redis.get('met'),
      (met) => met === '1',
    );
  });

  it('leaves to the user what he says later', async () => {
    const wanted = [clientNoEvict('ON')];
    const redis = make({ url: server().url, onConnect: () => wanted, reconnect: quick });
    const isExempt = async () => / flags=\w*e/.test(await redis.call<string>('CLIENT INFO'));
    expect(await isExempt()).toBe(true);
    wanted[0] = clientNoEvict('OFF');
    await kill(redis);
    expect(await isExempt()).toBe(false);
    await redis.clientNoEvict('ON');
    await kill(redis);
    expect(await isExempt()).toBe(true);
  });

  it('fails connect() when it is refused', async () => {
    for (const wrong of [{ onConnect: [call('NO-SUCH-COMMAND')] }, { database: 1_000_000 }]) {
      const redis = make({ url: server().url, reconnect: quick, ...wrong });
      expect(await failure(redis.connect())).toMatchObject({ code: 'REPLY', kind: 'ERR', delivery: 'answered' });
    }
  });

  it('is told as an event when it is refused', async () => {
    const redis = make({ url: server().url, onConnect: [call('NO-SUCH-COMMAND')], reconnect: false });
    const told = firstValueFrom(redis.events$.pipe(filter(({ type }) => type === 'error')));
    void redis.connect();
    expect(await told).toMatchObject({ type: 'error', error: { code: 'REPLY', command: 'NO-SUCH-COMMAND' } });
    expect(await reaches(redis, 'closed')).toMatchObject({ error: { command: 'NO-SUCH-COMMAND' } });
  });
});

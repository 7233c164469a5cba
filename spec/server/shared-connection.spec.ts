import {
  NEVER,
  concatMap,
  concatWith,
  defer,
  firstValueFrom,
  forkJoin,
  ignoreElements,
  lastValueFrom,
  mergeWith,
  toArray,
} from 'rxjs';
import { call, clientTracking } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients } from '../support/clients';
import { failure, outcome } from '../support/outcomes';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

describe('The shared connection', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it.each([
    ['MULTI', 'dedicated'],
    ['exec', 'dedicated'],
    ['DISCARD', 'dedicated'],
    ['WATCH', 'watch'],
    ['MONITOR', 'dedicated'],
    ['CLIENT REPLY', 'dedicated'],
    ['RESET', 'dedicated'],
    ['QUIT', 'close'],
    ['HELLO', 'protocol'],
    ['SUBSCRIBE', 'subscribe'],
    ['PSUBSCRIBE', 'psubscribe'],
    ['SSUBSCRIBE', 'ssubscribe'],
  ])('is not changed through call: %s is refused and %s is named', async (command, instead) => {
    const redis = make(server().url);
    expect(() => redis.call(command, 'x')).toThrow(TypeError);
    expect(() => redis.call(command, 'x')).toThrow(new RegExp(`${command.toUpperCase()}.*use .*${instead}`));
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
  });

  it('keeps replies apart from a command whose bytes were given away before it was written', async () => {
    const redis = make(server().url);
    await redis.set('k', 'old');
    const bytes = new Uint8Array([1, 2, 3]);
    const set = failure(redis.set('k', bytes));
    const echoes = ['a', 'b', 'c'].map((text) => redis.echo(text).then());
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(await Promise.all(echoes)).toStrictEqual(['a', 'b', 'c']);
    expect(await set).toMatchObject({ code: 'PROTOCOL', delivery: 'unsent', repeatable: false, command: 'SET' });
    expect(await redis.get('k')).toBe('old');
    expect(await redis.set('k', new Uint8Array())).toBe('OK');
  });

  it('sees through a name in bytes, and is no debugger of scripts', async () => {
    const redis = make(server().url);
    for (const word of [Buffer.from('REPLY'), new Uint8Array(Buffer.from('reply'))]) {
      expect(() => redis.call('CLIENT', word, 'SKIP')).toThrow('CLIENT REPLY would change the connection');
    }
    expect(() => redis.call('SCRIPT', 'DEBUG', 'YES')).toThrow('SCRIPT DEBUG would change the connection');
    expect('scriptDebug' in redis).toBe(false);
    expect(await redis.echo('a')).toBe('a');
  });

  it('takes no argument for a part of a name, for errors tell the name', () => {
    const redis = make(server().url);
    expect(() => redis.call('AUTH hunter2')).toThrow('call: AUTH takes its arguments one by one, behind its name');
    expect(() => redis.call('get secret')).toThrow('call: GET takes its arguments one by one, behind its name');
    expect(() => redis.call('CLIENT REPLY OFF')).toThrow('call: CLIENT REPLY takes its arguments one by one');
    expect(() => redis.call('ACL SETUSER bob >secret')).toThrow('call: ACL SETUSER takes its arguments one by one');
    expect(() => redis.call('CONFIG SET requirepass secret')).toThrow(
      'call: CONFIG SET takes its arguments one by one',
    );
    expect(() => redis.call('client list')).not.toThrow();
    expect(() => redis.call('NO-SUCH COMMAND')).not.toThrow();
  });

  it('sends no name that is not printable ASCII, for it would break the framing', async () => {
    const redis = make(server().url);
    const refusal = (at: number) => `call: the name of a command is printable ASCII, which character ${at} is not`;
    for (const [name, at] of [
      ['G\u0415T', 2],
      ['JSON.G\u00c9T', 7],
      ['CL\u0131ENT', 3],
      ['CLIENT \u0000', 8],
    ] as const) {
      expect(() => redis.call(name, 'k')).toThrow(new TypeError(refusal(at)));
      expect(() => call(name, 'k')).toThrow(new TypeError(refusal(at)));
    }
    const lent = redis.dedicated((connection) => connection.call('G\u0415T', 'k'));
    expect(await failure(firstValueFrom(lent))).toMatchObject({ message: refusal(2) });
    expect(await redis.echo('a')).toBe('a');
  });

  it('sees through a name in two words', () => {
    const redis = make(server().url);
    expect(() => redis.call('client', 'reply', 'off')).toThrow(/CLIENT REPLY/);
    expect(() => redis.call(' Client  Reply ', 'off')).toThrow(/CLIENT REPLY/);
  });

  it('keeps SELECT and CLIENT SETNAME over a reconnect', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await redis.select(4);
    await redis.clientSetname('kept');
    await redis.set('only-in', 'four');
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.get('only-in')).toBe('four');
    expect(await redis.clientGetname()).toBe('kept');
  });

  it('keeps AUTH over a reconnect', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await redis.call('ACL SETUSER', 'late', 'on', '>pw', '+@all', '~*');
    await redis.auth('late', 'pw');
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.aclWhoami()).toBe('late');
  });

  it('keeps a SELECT that is spelt in bytes', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await redis.call('SELECT', new Uint8Array([0x33]));
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.call<string>('CLIENT LIST')).toContain(' db=3 ');
  });

  it('forgets a SELECT that the server refused', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await expect(redis.select(9999)).rejects.toMatchObject({ kind: 'ERR' });
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('A dedicated connection', () => {
  const server = useServer();
  const make = useClients();

  it('runs WATCH, MULTI and EXEC by hand', async () => {
    const redis = make(server().url);
    const outcome = redis.dedicated((connection) =>
      connection.watch('balance').pipe(
        concatMap(() => connection.call('MULTI')),
        concatMap(() => forkJoin([connection.incr('balance'), connection.call('INCR', 'balance')])),
        concatMap(() => connection.exec()),
      ),
    );
    expect(await lastValueFrom(outcome)).toStrictEqual([1, 2]);
  });

  it('keeps the reply of a transaction apart from the invalidations that come with it', async () => {
    const redis = make({ url: server().url, onConnect: [clientTracking('ON', { BCAST: true })] });
    const other = make(server().url);
    const values = Array.from({ length: 200 }, (_, n) => String(n));
    await other.del(['list', 'n']);
    await other.rpush('list', values);
    const transactions = redis.dedicated(async (connection) => {
      const replies: unknown[] = [];
      for (let n = 1; n <= 50; n++) {
        const noise = Array.from({ length: 20 }, (_, i) => other.set(`noise:${i}`, n).then());
        const sent = [
          connection.call('MULTI'),
          connection.incr('n'),
          connection.set('touched', n),
          connection.lrange('list', 0, -1),
          connection.exec(),
          connection.echo(n),
        ].map((reply): PromiseLike<unknown> => reply.then());
        replies.push(await Promise.all(sent));
        await Promise.all(noise);
      }
      return replies;
    });
    expect(await lastValueFrom(transactions)).toStrictEqual(
      Array.from({ length: 50 }, (_, n) => ['OK', 'QUEUED', 'QUEUED', 'QUEUED', [n + 1, 'OK', values], String(n + 1)]),
    );
  });

  it('allows through call what the shared one refuses', async () => {
    const redis = make(server().url);
    const queued = redis.dedicated((connection) =>
      connection.call('MULTI').pipe(
        concatMap(() => connection.call('SET', 'k', 'v')),
        concatMap(() => connection.call('DISCARD')),
        toArray(),
      ),
    );
    expect(await lastValueFrom(queued)).toStrictEqual(['OK']);
    expect(await redis.get('k')).toBeNull();
  });

  it.each(['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'unsubscribe', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE'])(
    'is not subscribed, for it delivers no messages: %s is refused before anything is sent',
    async (command) => {
      for (const protocol of [2, 3] as const) {
        const redis = make({ url: server().url, protocol });
        const replies = redis.dedicated((connection) => {
          const refusal = new RegExp(`${command.toUpperCase()} .*dedicated connection,.*use redis.subscribe`);
          for (const names of [[], ['a', 'b']]) expect(() => connection.call(command, ...names)).toThrow(refusal);
          return forkJoin([connection.echo('x'), connection.echo('y')]);
        });
        expect(await lastValueFrom(replies)).toStrictEqual(['x', 'y']);
      }
    },
  );

  it('is signed in, on the database of the client, and free when the work is done, fails or is left', async () => {
    const redis = make({ url: server().url, database: 2, clientName: 'owner', leases: { max: 1 } });
    const others = async () => (await redis.call<string>('CLIENT LIST')).trim().split('\n').length - 1;
    await redis.ping();
    const list = await lastValueFrom(redis.dedicated((connection) => connection.call<string>('CLIENT LIST')));
    expect(list.match(/ name=owner .* db=2 /g)).toHaveLength(2);
    await expect(
      lastValueFrom(
        redis.dedicated((connection) => connection.incr('owner:text').pipe(concatMap(() => connection.call('NOSUCH')))),
      ),
    ).rejects.toMatchObject({ kind: 'ERR' });
    expect(await others()).toBe(1);
    const left = redis.dedicated((connection) => connection.blpop('nothing', 0)).subscribe();
    await eventually(
      () => redis.call<string>('CLIENT LIST'),
      (clients) => clients.includes('cmd=blpop'),
    );
    left.unsubscribe();
    await eventually(others, (count) => count === 0);
    expect(await redis.dedicated((connection) => connection.echo('free'))).toBe('free');
  });
});

describe('CLIENT REPLY', () => {
  const server = useServer({ own: true });
  const make = useClients();
  /** A client whose user may send nothing of CLIENT. */
  const forbidden = async () => {
    await make(server().url).call('ACL SETUSER', 'bob', 'reset', 'on', '>pw', '~*', '+@all', '-client');
    return make({ url: server().url, username: 'bob', password: 'pw' });
  };
  const lost = { code: 'CONNECTION', message: expect.stringMatching(/CLIENT REPLY .*refused/) as unknown };

  it.each(['SKIP', 'OFF'] as const)(
    '%s that is refused costs the connection, and no command another reply',
    async (mode) => {
      const redis = await forbidden();
      const outcomes = redis.dedicated((connection) =>
        Promise.all([
          outcome(connection.echo('before')),
          outcome(connection.clientReply(mode)),
          outcome(connection.echo('muted')),
          outcome<unknown>(mode === 'OFF' ? connection.clientReply('ON') : connection.echo('behind')),
          outcome(connection.echo('last')),
        ]),
      );
      expect(await lastValueFrom(outcomes)).toMatchObject([
        { value: 'before' },
        { value: undefined },
        { value: undefined },
        { error: lost },
        { error: lost },
      ]);
    },
  );

  it('that is refused while nothing is owed costs the connection', async () => {
    const redis = await forbidden();
    const ended = redis.dedicated((connection) =>
      connection
        .monitor()
        .pipe(ignoreElements(), mergeWith(defer(() => connection.clientReply('SKIP').pipe(concatWith(NEVER))))),
    );
    expect(await failure(lastValueFrom(ended))).toMatchObject(lost);
  });

  it.each(['SKIP', 'OFF'] as const)('%s inside a transaction costs the connection', async (mode) => {
    const outcomes = make(server().url).dedicated((connection) =>
      Promise.all([
        outcome(connection.call('MULTI')),
        outcome(connection.clientReply(mode)),
        outcome(connection.echo('muted')),
        outcome(connection.exec()),
        outcome(connection.clientReply('ON')),
        outcome(connection.echo('behind')),
      ]),
    );
    const [multi, , , exec, on, behind] = await lastValueFrom(outcomes);
    expect(multi).toStrictEqual({ value: 'OK' });
    expect(mode === 'SKIP' ? exec : on).toMatchObject({ error: lost });
    expect(behind).toMatchObject({ error: lost });
  });

  it('costs the connection as well where the error that comes first may be that of a command', async () => {
    const outcomes = make(server().url).dedicated(async (connection) => {
      await connection.set('text', 'a');
      return Promise.all([
        outcome(connection.clientReply('SKIP')),
        outcome(connection.echo('muted')),
        outcome(connection.incr('text')),
      ]);
    });
    expect((await lastValueFrom(outcomes))[2]).toMatchObject({ error: { ...lost, delivery: 'unknown' } });
  });

  it('that is taken leaves errors to the commands that they belong to', async () => {
    const replies = make(server().url).dedicated(async (connection) => {
      await connection.set('text', 'a');
      const sent = [
        outcome(connection.clientReply('SKIP')),
        outcome(connection.echo('muted')),
        outcome(connection.echo('behind')),
        outcome(connection.incr('text')),
        outcome(connection.echo('last')),
      ];
      return Promise.all(sent);
    });
    expect(await lastValueFrom(replies)).toMatchObject([
      { value: undefined },
      { value: undefined },
      { value: 'behind' },
      { error: { code: 'REPLY', command: 'INCR' } },
      { value: 'last' },
    ]);
  });

  it('that is taken minds no value that reads as what a transaction answers', async () => {
    const replies = make(server().url).dedicated((connection) => {
      const sent = [connection.clientReply('SKIP'), connection.set('k', 'QUEUED'), connection.get('k')];
      return Promise.all(sent.map((reply) => outcome<unknown>(reply)));
    });
    expect((await lastValueFrom(replies))[2]).toStrictEqual({ value: 'QUEUED' });
  });

  it('that is taken for MONITOR takes no line for a reply', async () => {
    const admin = make(server().url);
    const replies = make(server().url).dedicated(async (connection) => {
      connection.clientReply('SKIP').subscribe();
      const lines = record(connection.monitor());
      await connection.ping();
      await admin.echo('seen by all');
      await until(() => lines.values.some((line) => line.includes('seen by all')));
      return [await connection.echo('a'), await connection.echo('b')];
    });
    expect(await lastValueFrom(replies)).toStrictEqual(['a', 'b']);
  });

  it('is read as the server reads it: in bytes, and not at all where the server does not understand it', async () => {
    const replies = make(server().url).dedicated((connection) =>
      Promise.all([
        outcome(connection.call('CLIENT REPLY', 'SKIP', 'twice')),
        outcome(connection.echo('a')),
        outcome(connection.call('CLIENT REPLY', new Uint8Array(Buffer.from('off')))),
        outcome(connection.call('CLIENT REPLY', 'NONSENSE')),
        outcome(connection.clientReply('ON')),
        outcome(connection.echo('b')),
      ]),
    );
    expect(await lastValueFrom(replies)).toMatchObject([
      { error: { kind: 'ERR' } },
      { value: 'a' },
      { value: undefined },
      { value: undefined },
      { value: 'OK' },
      { value: 'b' },
    ]);
  });
});

describe('RESET', () => {
  const server = useServer({}, '6.2');
  const make = useClients();

  it('ends MONITOR: what reads as a line of that is a reply again', async () => {
    const value = '1700000000.123456 [0 127.0.0.1:50000] "GET" "k"';
    const replies = make(server().url).dedicated(async (connection) => {
      connection.monitor().subscribe();
      await connection.reset();
      return [await connection.echo(value), await connection.echo('b')];
    });
    expect(await lastValueFrom(replies)).toStrictEqual([value, 'b']);
  });

  it('ends the silence of CLIENT REPLY OFF, but not that which SKIP asks for it', async () => {
    const replies = make(server().url).dedicated((connection) =>
      Promise.all([
        connection.clientReply('OFF').then(),
        connection.reset().then(),
        connection.echo('a').then(),
        connection.clientReply('SKIP').then(),
        connection.reset().then(),
        connection.echo('b').then(),
      ]),
    );
    expect(await lastValueFrom(replies)).toStrictEqual([undefined, 'RESET', 'a', undefined, undefined, 'b']);
  });
});

import { firstValueFrom, toArray, lastValueFrom, retry, tap, type Observable } from 'rxjs';
import { Redis, type ConnectionEvent } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../support/clients';
import { ScriptedServer, afterHandshake } from '../support/scripted-server';
import { useProxy, useServer } from '../support/server';

const outcome = (reply: PromiseLike<unknown>) =>
  reply.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

describe('Reconnecting', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options = {}) =>
    make({ url: proxy().url(), reconnect: { initialDelay: 5, maxDelay: 50 }, ...options });

  it('makes a lost connection again and tells each step', async () => {
    const redis = client();
    const events = record<ConnectionEvent>(redis.events$);
    const states = record(redis.state$);
    await redis.connect();
    proxy().cut();
    await reaches(redis, 'reconnecting');
    await reaches(redis, 'ready');
    expect(states.values.map(({ kind }) => kind)).toStrictEqual([
      'idle',
      'connecting',
      'ready',
      'reconnecting',
      'connecting',
      'ready',
    ]);
    expect(states.values[3]).toMatchObject({ attempt: 1, delay: expect.any(Number), error: { code: 'CONNECTION' } });
    expect(events.values.map(({ type }) => type)).toStrictEqual([
      'connect',
      'error',
      'disconnect',
      'reconnecting',
      'connect',
    ]);
  });

  it('sends what was not written when the connection comes back', async () => {
    const redis = client();
    await redis.connect();
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    const waiting = [redis.call('SET', 'waiting', '1'), redis.call('INCR', 'waiting')].map(outcome);
    await proxy().refuse(false);
    expect(await Promise.all(waiting)).toStrictEqual([{ value: 'OK' }, { value: 2 }]);
  });

  it('fails what was written and not answered: it may have run', async () => {
    const redis = client();
    await redis.connect();
    proxy().stall('toClient', true);
    const written = outcome(redis.call('INCR', 'once'));
    await eventually(
      () => admin().call<string | null>('GET', 'once'),
      (value) => value === '1',
    );
    proxy().cut();
    expect(await written).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown', command: 'INCR' } });
    proxy().stall('toClient', false);
    await reaches(redis, 'ready');
    expect(await redis.call('GET', 'once')).toBe('1');
  });

  it('restores the name and the database of the connection', async () => {
    const redis = client({ clientName: 'again', database: 5 });
    await redis.call('SET', 'where', 'five');
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.call('GET', 'where')).toBe('five');
    expect(await redis.call('CLIENT GETNAME')).toBe('again');
  });

  it('restores what the user has made of it: database, name, user, and how the server treats it', async () => {
    const redis = client();
    const password = Buffer.from([0xff, 0xfe, 0x00, 0x41]);
    await admin().call(
      'ACL SETUSER',
      'binary',
      'reset',
      'on',
      Buffer.concat([Buffer.from('>'), password]),
      '~*',
      '+@all',
    );
    await redis.select(4);
    await redis.clientSetname('mine');
    await redis.call('AUTH', 'binary', password);
    const knowsEviction = 'value' in (await outcome(redis.call('CLIENT NO-EVICT', 'ON')));
    for (let n = 0; n < 2; n++) {
      proxy().cut();
      await reaches(redis, 'reconnecting');
      expect(await redis.aclWhoami()).toBe('binary');
      const own = /^.* name=mine .*$/m.exec(await redis.call<string>('CLIENT LIST'))?.[0];
      expect(own).toMatch(knowsEviction ? / flags=\w*e.* db=4 / : / db=4 /);
    }
  });

  it('survives a server that kills it, again and again', async () => {
    const redis = client();
    for (let n = 0; n < 5; n++) {
      const id = await redis.call<number>('CLIENT ID');
      await admin().call('CLIENT KILL', 'ID', id);
      await reaches(redis, 'reconnecting');
      expect(await redis.call<number>('CLIENT ID')).toBeGreaterThan(id);
    }
  });

  it('survives a restart of the server', async () => {
    const redis = make({ url: server().url, reconnect: { initialDelay: 5, maxDelay: 50 } });
    await redis.connect();
    await server().stop();
    await reaches(redis, 'reconnecting');
    const waiting = outcome(redis.call('PING'));
    await server().restart();
    expect(await waiting).toStrictEqual({ value: 'PONG' });
  });

  it('refuses what exceeds the offline queue', async () => {
    const redis = client({ offlineQueue: 2 });
    await redis.connect();
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    const outcomes = ['a', 'b', 'c'].map((key) => outcome(redis.call('SET', key, key)));
    expect(await outcomes[2]).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent', command: 'SET' } });
    await proxy().refuse(false);
    expect(await Promise.all(outcomes.slice(0, 2))).toStrictEqual([{ value: 'OK' }, { value: 'OK' }]);
  });

  it('refuses what exceeds the offline queue also to those who hear of the loss first', async () => {
    const redis = client({ offlineQueue: 0, reconnect: { initialDelay: 200 } });
    await redis.connect();
    const early: PromiseLike<unknown>[] = [];
    redis.events$.subscribe(({ type }) => {
      if (type === 'error' || type === 'disconnect') early.push(outcome(redis.incr('early')));
    });
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await Promise.all(early)).toMatchObject(
      Array(2).fill({ error: { code: 'DISCONNECTED', delivery: 'unsent', command: 'INCR' } }),
    );
  });

  it('refuses what exceeds the offline queue also to those who try again when the first dial fails', async () => {
    const redis = make({ url: 'redis://127.0.0.1:1', offlineQueue: 0, reconnect: { initialDelay: 60_000 } });
    const ends: unknown[] = [];
    const again = redis.get('a').pipe(tap({ error: (error: unknown) => ends.push(error) }), retry(2));
    await outcome(firstValueFrom(again));
    expect(ends).toMatchObject(Array(3).fill({ code: 'DISCONNECTED', delivery: 'unsent' }));
  });

  it('gives up after the last attempt, with the reason, and fails what waits', async () => {
    const redis = client({ reconnect: { initialDelay: 1, maxAttempts: 3 } });
    await redis.connect();
    const waiting = outcome(redis.call('BLPOP', 'nothing', 0));
    await eventually(
      () => make(server().url).call<string>('INFO', 'clients'),
      (info) => info.includes('blocked_clients:1'),
    );
    await proxy().refuse(true);
    proxy().cut();
    expect(await reaches(redis, 'closed')).toMatchObject({ error: { code: 'CONNECTION' } });
    expect(await waiting).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown' } });
    expect(await outcome(redis.call('PING'))).toMatchObject({
      error: { code: 'DISCONNECTED', cause: { code: 'CONNECTION' } },
    });
  });

  it('gives up on a server that greets and hangs up', async () => {
    const flapping = await ScriptedServer.start(
      afterHandshake((_, socket) => {
        socket.destroy();
        return undefined;
      }),
    );
    const redis = make({ url: flapping.url, reconnect: { initialDelay: 200, jitter: 0, maxAttempts: 2 } });
    const states = record(redis.state$);
    const ping = await outcome(redis.ping());
    const later = await outcome(redis.ping());
    await flapping.stop();
    // It was the oldest in flight at two losses, so perhaps it is what makes the server hang up.
    expect(ping).toMatchObject({
      error: { code: 'CONNECTION', message: expect.stringMatching(/not sent a third time/), repeatable: false },
    });
    expect(later).toMatchObject({ error: { code: 'DISCONNECTED', cause: { code: 'CONNECTION' } } });
    expect(states.values.filter(({ kind }) => kind === 'reconnecting')).toMatchObject([
      { attempt: 1, delay: 200 },
      { attempt: 2, delay: 400 },
    ]);
  });

  const admins: Redis[] = [];
  const admin = () => (admins[0] ??= new Redis(server().url));
  afterEach(() => admins.splice(0).forEach((redis) => void redis.destroy()));
});

describe('Closing', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('lets pending replies arrive', async () => {
    const redis = make(server().url);
    const replies = Array.from({ length: 100 }, (_, n) => outcome(redis.call('ECHO', n)));
    await redis.call('PING');
    const late = outcome(redis.call('ECHO', 'late'));
    const closed = redis.close();
    const refused = outcome(redis.call('ECHO', 'too late'));
    await closed;
    expect(await late).toStrictEqual({ value: 'late' });
    expect(await Promise.all(replies)).toHaveLength(100);
    expect(await refused).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent', command: 'ECHO' } });
  });

  it('settles when the socket dies with a reply pending', async () => {
    const redis = make(proxy().url());
    await redis.connect();
    proxy().stall('toClient', true);
    const pending = outcome(redis.call('PING'));
    await new Promise(setImmediate);
    const closed = redis.close();
    proxy().cut();
    await closed;
    expect(await pending).toMatchObject({ error: { delivery: 'unknown' } });
  });

  it('settles for a client that was never opened, and a second time', async () => {
    const redis = make(server().url);
    await redis.close();
    await redis.close();
    await redis.destroy();
    await expect(redis.connect()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('ends a pending first dial', async () => {
    const redis = make({ url: 'redis://127.0.0.1:1' });
    const waiting = outcome(redis.call('PING'));
    await reaches(redis, 'reconnecting');
    await redis.close();
    expect(await waiting).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent' } });
  });

  it('destroys at once: what is pending fails, state$ and events$ complete', async () => {
    const redis = make(server().url);
    await redis.connect();
    const events: Observable<ConnectionEvent> = redis.events$;
    const told = lastValueFrom(events.pipe(toArray()));
    const pending = outcome(redis.call('BLPOP', 'nothing', 0));
    redis.destroy().subscribe();
    expect(await pending).toMatchObject({ error: { delivery: expect.stringMatching(/un/) } });
    expect(await told).toStrictEqual([{ connection: 'commands', type: 'disconnect', reason: 'closed_by_user' }]);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'closed' });
  });

  it('disposes with `await using`', async () => {
    const redis = make(server().url);
    await redis.connect();
    await redis[Symbol.asyncDispose]();
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'closed' });
  });
});

describe('A connection of Valkey that is made again', () => {
  const server = useServer({ server: 'valkey-8.1' });
  const proxy = useProxy(server);
  const make = useClients();

  it('has what the client can cope with, and is the source of an import, as before', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await redis.configSet('import-mode', 'yes');
    await redis.clientCapa('redirect');
    await redis.call('CLIENT', 'CAPA', 'news-to-the-server', Buffer.from('more-news'));
    await redis.clientImportSource('ON');
    for (let n = 0; n < 2; n++) {
      proxy().cut();
      await reaches(redis, 'reconnecting');
      expect(await redis.call<string>('CLIENT INFO')).toMatch(/ flags=\w*I\w* capa=r /);
    }
    await redis.clientImportSource('OFF');
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.call<string>('CLIENT INFO')).toMatch(/ flags=N capa=r /);
  });
});

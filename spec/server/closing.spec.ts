import { EMPTY, Subject, config, firstValueFrom, lastValueFrom, take, toArray, type Observable } from 'rxjs';
import { Redis, type ConnectionEvent } from 'rxjs-redis';
import { inspect } from 'node:util';
import { eventually, reaches, record, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { ScriptedServer, afterHandshake } from '../support/scripted-server';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

const outcome = (reply: PromiseLike<unknown>) =>
  reply.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

describe('Closing', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();

  it('does not wait for a command whose subscriber has left', async () => {
    const redis = make(server().url);
    await redis.connect();
    redis.get('a').subscribe().unsubscribe();
    await redis.close();
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'closed' });
  });

  it('does not wait for what waits at the server, written or not', async () => {
    for (const written of [true, false]) {
      const redis = make(server().url);
      await redis.connect();
      const counted = outcome(redis.incr('counted'));
      const waiting = outcome(redis.blpop('nothing', 0));
      if (written) await new Promise(setImmediate);
      await redis.close();
      expect(await counted).toMatchObject({ value: expect.any(Number) });
      expect(await waiting).toMatchObject({ error: { command: 'BLPOP' } });
    }
  });

  it('says of what it fails whether it was sent', async () => {
    const redis = make({ url: proxy().url() });
    await redis.connect();
    proxy().stall('toClient', true);
    const [read, write] = [outcome(redis.get('a')), outcome(redis.incr('b'))];
    await new Promise(setImmediate);
    const unsent = outcome(redis.get('c'));
    await redis.destroy();
    expect(await read).toMatchObject({
      error: { delivery: 'unknown', message: expect.stringMatching(/was sent, may have run/) },
    });
    expect(await write).toMatchObject({
      error: { delivery: 'unknown', message: expect.stringMatching(/may have run/) },
    });
    expect(await unsent).toMatchObject({
      error: { delivery: 'unsent', message: expect.stringMatching(/was not sent/) },
    });
  });

  it('completes streams also when the line is lost meanwhile, whether it would be made again or not', async () => {
    for (const reconnect of [true, false]) {
      const redis = make({ url: proxy().url(), reconnect });
      const messages = record(redis.subscribe('news'));
      await redis.ping();
      proxy().stall('toClient', true);
      const pending = outcome(redis.incr('closing'));
      await new Promise(setImmediate);
      const closed = redis.close();
      proxy().cut();
      await closed;
      proxy().stall('toClient', false);
      expect(messages.ended).toBe('complete');
      expect(await pending).toMatchObject({ error: { delivery: 'unknown' } });
      expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'closed' });
    }
  });

  describe('of streams of messages', () => {
    const watch = async (protocol: 2 | 3) => {
      const redis = make({ url: server().url, protocol });
      const streams = [
        record<unknown>(redis.subscribe('a')),
        record<unknown>(redis.subscribe(['a', 'b*'], { gaps: true })),
        record<unknown>(redis.bytes.psubscribe('a*')),
        record<unknown>(redis.subscribe('a', { project: ({ data }) => [data] })),
        record<unknown>(redis.keyspace('a*', { configure: true })),
      ];
      const loop = redis.subscribe('a')[Symbol.asyncIterator]();
      const first = loop.next();
      await redis.ping();
      for (const data of ['1', '2', '3']) await redis.publish('a', data);
      await until(() => streams[0]!.values.length === 3 && streams[2]!.values.length === 3);
      return { redis, streams, loop, first };
    };

    it.each([3, 2] as const)('completes them when the client is closed, in RESP%d', async (protocol) => {
      const { redis, streams, loop, first } = await watch(protocol);
      await redis.close();
      expect(streams.map(({ ended }) => ended)).toStrictEqual(streams.map(() => 'complete'));
      const rest = [await first, await loop.next(), await loop.next()];
      expect(rest).toMatchObject(['1', '2', '3'].map((data) => ({ value: { data } })));
      expect(await loop.next()).toStrictEqual({ done: true, value: undefined });
    });

    it.each([3, 2] as const)(
      'fails them when it is destroyed, a loop behind what waits, in RESP%d',
      async (protocol) => {
        const { redis, streams, loop, first } = await watch(protocol);
        await redis.destroy();
        const ended = { code: 'DISCONNECTED' };
        expect(streams.map(({ ended }) => ended)).toMatchObject(streams.map(() => ended));
        const rest = [await first, await loop.next(), await loop.next()];
        expect(rest).toMatchObject(['1', '2', '3'].map((data) => ({ value: { data } })));
        expect(await failure(loop.next())).toMatchObject(ended);
        expect(await loop.next()).toStrictEqual({ done: true, value: undefined });
      },
    );

    it('leaves the work on messages when it is destroyed, and lets it end when it is closed', async () => {
      for (const how of ['destroy', 'close'] as const) {
        const redis = make(server().url);
        const jobs = [new Subject<string>(), new Subject<string>()];
        const worked = record(redis.subscribe('a', { project: ({ data }) => jobs[Number(data)]! }));
        await redis.ping();
        for (const data of ['0', '1']) await redis.publish('a', data);
        await until(() => jobs[0]!.observed);
        const ended = redis[how]();
        if (how === 'destroy') {
          expect(worked.ended).toMatchObject({ code: 'DISCONNECTED' });
          expect(jobs.map(({ observed }) => observed)).toStrictEqual([false, false]);
          continue;
        }
        await ended;
        expect(worked.ended).toBeUndefined();
        for (const job of jobs) {
          job.next('done');
          job.complete();
        }
        expect(worked).toMatchObject({ values: ['done', 'done'], ended: 'complete' });
      }
    });

    it('fails them when the client is destroyed while it is being closed', async () => {
      const redis = make({ url: proxy().url() });
      const heard = record(redis.subscribe('a'));
      await redis.ping();
      proxy().stall('toClient', true);
      const reply = outcome(redis.get('a'));
      const closed = redis.close();
      await redis.destroy();
      await closed;
      expect([heard.ended, await reply]).toMatchObject([{ code: 'DISCONNECTED' }, { error: { code: 'DISCONNECTED' } }]);
    });

    it('reports the error of one without an error callback as RxJS does', async () => {
      const reported: unknown[] = [];
      config.onUnhandledError = (error) => reported.push(error);
      try {
        const redis = make(server().url);
        redis.subscribe('a').subscribe();
        await redis.ping();
        await redis.destroy();
        await until(() => reported.length > 0);
      } finally {
        config.onUnhandledError = null;
      }
      expect(reported).toMatchObject([{ code: 'DISCONNECTED' }]);
    });
  });

  it('lets replies arrive at the end of an `await using` block', async () => {
    const redis = make({ url: proxy().url() });
    await redis.connect();
    proxy().delay(20);
    const pending = outcome(redis.echo('in time'));
    await redis[Symbol.asyncDispose]();
    expect(await pending).toStrictEqual({ value: 'in time' });
    proxy().delay(0);
  });

  it('is the same a second time, in every state and version of RESP', async () => {
    for (const protocol of [2, 3] as const) {
      for (const kind of ['idle', 'connecting', 'ready'] as const) {
        const redis = make({ url: server().url, protocol });
        const messages = record(redis.subscribe('news'));
        if (kind !== 'idle') await reaches(redis, kind);
        const pending = outcome(redis.incr('closing'));
        await Promise.all([redis.close(), redis.close(), redis[Symbol.asyncDispose]()]);
        expect(await pending).toHaveProperty('value');
        expect(messages.ended).toBe('complete');
      }
    }
  });

  it('completes state$ and events$ when it is done at once', async () => {
    const redis = make(server().url);
    await redis.connect();
    const events: Observable<ConnectionEvent> = redis.events$;
    const told = lastValueFrom(events.pipe(toArray()));
    await redis.destroy();
    expect(await told).toStrictEqual([{ connection: 'commands', type: 'disconnect', reason: 'closed_by_user' }]);
  });

  it('from within a callback of state$ refuses the command that opened the connection', async () => {
    const redis = make(server().url);
    redis.state$.subscribe(({ kind }) => {
      if (kind === 'connecting') void redis.destroy();
    });
    expect(await outcome(redis.ping())).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent' } });
  });

  it('ends what runs on dedicated connections', async () => {
    const redis = make(server().url);
    const admin = make(server().url);
    const clients = async () => (await admin.call<string>('CLIENT LIST')).trim().split('\n').length;
    const before = await clients();
    const leased = record(redis.dedicated((connection) => connection.blpop('nothing', 0)));
    await eventually(
      () => admin.call<string>('CLIENT LIST'),
      (list) => list.includes('cmd=blpop'),
    );
    await redis.close();
    await eventually(clients, (count) => count === before);
    expect(leased.ended).toMatchObject({ command: 'BLPOP' });
  });

  it('leaves no connection behind when the work on a dedicated one cannot begin', async () => {
    const redis = make(server().url);
    const admin = make(server().url);
    const clients = async () => (await admin.call<string>('CLIENT LIST')).trim().split('\n').length;
    const before = await clients();
    const begun = redis.dedicated((connection) => {
      connection.ping().subscribe({ error: () => undefined });
      throw new Error('careless');
    });
    await expect(lastValueFrom(begun)).rejects.toThrow('careless');
    await redis.close();
    await eventually(clients, (count) => count === before);
  });
});

describe('What the client is told and cannot use', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('fails the connection when its certificates cannot be read', async () => {
    const redis = make({ url: server().url, tls: { cert: 'no certificate', key: 'no key' }, reconnect: false });
    await expect(redis.connect()).rejects.toHaveProperty('cause.code', 'CONNECTION');
  });

  it('fails the connection when its credentials end without a value', async () => {
    const redis = make({ url: server().url, credentials: EMPTY, reconnect: false });
    await expect(redis.connect()).rejects.toHaveProperty('cause.message', 'There are no credentials');
  });

  it('does not count commands that nobody waits for any more among those that wait', async () => {
    const redis = make({ url: 'redis://127.0.0.1:1', offlineQueue: 1, reconnect: { initialDelay: 20 } });
    record(redis.ping());
    await reaches(redis, 'reconnecting');
    const left = record(redis.get('a'));
    left.stop();
    const error = await outcome(redis.withOptions({ commandTimeout: 10 }).get('b'));
    expect(error).toMatchObject({ error: { code: 'DISCONNECTED' } }); // the PING has the place
    const free = make({ url: 'redis://127.0.0.1:1', offlineQueue: 1, reconnect: { initialDelay: 20 } });
    free
      .connect()
      .pipe(take(1))
      .subscribe({ error: () => undefined });
    await reaches(free, 'reconnecting');
    record(free.get('a')).stop();
    expect(await outcome(free.withOptions({ commandTimeout: 10 }).get('b'))).toMatchObject({
      error: { code: 'TIMEOUT' },
    });
  });

  it('takes an own limit for a blocking command', async () => {
    const redis = make(server().url);
    await redis.blpop('nothing', 0.01); // its connection is made by then
    const waited = await outcome(redis.withOptions({ commandTimeout: 20 }).blpop('nothing', 0));
    expect(waited).toMatchObject({ error: { code: 'TIMEOUT', command: 'BLPOP', delivery: 'unknown' } });
  });

  it('waits for a blocking command longer than a timer of the platform can', async () => {
    const redis = make(server().url);
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const popped = redis.blpop('later', 30 * 86_400);
    const other = make(server().url);
    const item = firstValueFrom(popped);
    await eventually(
      () => other.call<string>('CLIENT LIST'),
      (list) => list.includes('cmd=blpop'),
    );
    await other.rpush('later', 'x');
    expect(await item).toStrictEqual(['later', 'x']);
    process.off('warning', note);
    expect(warnings).toStrictEqual([]);
  });
});

describe('What a log shows', () => {
  it('of a client, a view and a reply is no secret', () => {
    const redis = new Redis({ username: 'ann', password: 'hunter2', tls: { passphrase: 'hunter2' } });
    for (const shown of [
      redis,
      redis.bytes,
      redis.withOptions({ commandTimeout: 5 }),
      redis.auth('hunter2'),
      { redis },
    ]) {
      expect(inspect(shown, { depth: 10, showHidden: true }) + JSON.stringify(shown)).not.toContain('hunter2');
    }
    expect(inspect(redis)).toBe('Redis <localhost:6379, idle>');
    expect(inspect(redis.auth('hunter2'))).toBe('Reply <AUTH>');
  });
});

describe('A dedicated connection', () => {
  const server = useServer({ own: true }, '6.2');
  const make = useClients();

  it('monitors what everybody does', async () => {
    const redis = make(server().url);
    const lines = record(redis.dedicated((connection) => connection.monitor()));
    await eventually(
      () => redis.set('seen', 'by the monitor'),
      () => lines.values.length > 0,
    );
    expect(lines.values[0]).toMatch(/^\d+\.\d+ \[0 127\.0\.0\.1:\d+\] "SET" "seen" "by the monitor"$/);
    lines.stop();
  });

  it('completes what it monitors when the client is closed, and fails it when it is lost', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const redis = make(server().url);
      const lines = record(redis.dedicated((connection) => connection.monitor()));
      await eventually(
        () => redis.set('seen', 'by the monitor'),
        () => lines.values.length > 0,
      );
      await redis[end]();
      expect(lines.ended).toBe('complete');
    }
    const redis = make(server().url);
    const lines = redis.dedicated((connection) => connection.monitor());
    const failed = failure(lastValueFrom(lines));
    await eventually(
      () => redis.call<string>('CLIENT LIST'),
      (list) => / flags=O /.test(list),
    );
    for (const [, id] of (await redis.call<string>('CLIENT LIST')).matchAll(/^id=(\d+) .* flags=O /gm)) {
      await redis.clientKill({ ID: Number(id) });
    }
    expect(await failed).toMatchObject({ code: 'CONNECTION' });
  });

  it('gets its pending reply when the client is closed', async () => {
    const slow = await ScriptedServer.start(
      afterHandshake(([word], socket) => {
        if (word !== 'INCR') return '+OK\r\n';
        setImmediate(() => socket.write(':1\r\n'));
        return undefined;
      }),
    );
    const redis = make(slow.url);
    await redis.connect();
    const count = outcome(lastValueFrom(redis.dedicated((connection) => connection.incr('n'))));
    await slow.next('INCR');
    await redis.close();
    expect(await count).toStrictEqual({ value: 1 });
    await slow.stop();
  });

  it('is not lent by a client that is closed', async () => {
    const redis = make(server().url);
    await redis.close();
    const work = jest.fn(() => EMPTY);
    expect(await outcome(lastValueFrom(redis.dedicated(work)))).toMatchObject({ error: { code: 'DISCONNECTED' } });
    expect(work).not.toHaveBeenCalled();
  });

  it('is what its client was turned into: database, name and user', async () => {
    const redis = make(server().url);
    await redis.aclSetuser('lent', ['reset', 'on', '>of-lent', '~*', '&*', '+@all']);
    await redis.select(3);
    await redis.clientSetname('lender');
    await redis.auth('lent', 'of-lent');
    const info = await lastValueFrom(redis.dedicated((connection) => connection.call<string>('CLIENT LIST')));
    expect(info.match(/name=lender .* db=3 .* user=lent /g)).toHaveLength(2);
  });

  it('sends what the server is asked not to answer', async () => {
    const redis = make(server().url);
    const done = redis.dedicated(async (connection) => {
      await connection.clientReply('OFF');
      expect(await connection.set('quiet', '1')).toBeUndefined();
      await connection.clientReply('ON');
      return connection.get('quiet');
    });
    expect(await lastValueFrom(done)).toBe('1');
  });
});

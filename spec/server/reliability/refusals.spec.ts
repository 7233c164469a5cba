import { Subject, firstValueFrom, lastValueFrom } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { ScriptedServer, afterHandshake, type Script } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 2, maxDelay: 10 };
const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';
const READONLY = "-READONLY You can't write against a read only replica.\r\n";

describe('What a server refuses', () => {
  const server = useServer({ args: ['--lua-time-limit', '20'] });
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: quick, ...options });

  /** Keeps the server busy, so that it answers BUSY; resolves when it is, and what it returns ends that. */
  async function occupy(): Promise<() => Promise<void>> {
    const script = outcome(client({ retry: false }).eval('while true do end', []));
    const [probe, killer] = [client({ retry: false }), client()];
    await eventually(
      () => outcome(probe.get('k')),
      (answer) => 'error' in answer,
    );
    return async () => {
      await killer.scriptKill();
      await script;
    };
  }

  it.each(['BUSY come back later', 'TRYAGAIN later', 'LOADING x', 'READONLY no', 'MASTERDOWN x', 'CLUSTERDOWN x'])(
    'is not what a script answers when all is done: %s',
    async (text) => {
      const redis = client();
      await redis.del('n');
      const states = record(redis.state$);
      const script = "redis.call('INCR', KEYS[1]); return redis.error_reply(ARGV[1])";
      expect(await failure(redis.eval(script, ['n'], [text]))).toMatchObject({
        kind: text.split(' ')[0],
        delivery: 'answered',
        repeatable: false,
      });
      expect(await client().get('n')).toBe('1');
      expect(states.values.length).toBeLessThanOrEqual(text.startsWith('READONLY') ? 4 : 1);
    },
  );

  it('of a transaction by hand does not run outside it later', async () => {
    const redis = client();
    await redis.del('n');
    const replies = await lastValueFrom(
      redis.dedicated(async (connection) => {
        await connection.ping();
        const free = await occupy();
        const sent = [connection.call('MULTI'), connection.incr('n'), connection.exec()].map((reply) =>
          outcome<unknown>(reply),
        );
        const [, counted] = await Promise.all([sent[0], sent[1]]);
        await free();
        return [counted, await sent[2]];
      }),
    );
    expect(replies).toMatchObject([{ error: { kind: 'BUSY' } }, { error: expect.any(Error) as unknown }]);
    expect(await redis.get('n')).toBeNull();
  });

  it.each([2, 3] as const)('when subscriptions are restored does not end them (RESP%d)', async (protocol) => {
    const redis = client({ protocol, url: proxy().url() });
    const messages = record(redis.subscribe('news'));
    const events = record(redis.events$);
    const admin = client();
    await eventually(
      () => admin.pubsubNumsub('news'),
      (count) => count['news'] === 1,
    );
    const free = await occupy();
    proxy().cut();
    await until(() => events.values.some((event) => event.type === 'error' && /^BUSY/.test(event.error.message)));
    await free();
    await eventually(
      () => admin.publish('news', 'hello'),
      () => messages.values.length > 0,
    );
    expect(messages.ended).toBeUndefined();
  });

  it.each([2, 3] as const)(
    'when it is to subscribe on a living connection is asked for again (RESP%d)',
    async (protocol) => {
      const redis = client({ protocol, url: proxy().url() });
      const first = record(redis.subscribe('first'));
      const admin = client();
      await eventually(
        () => admin.pubsubNumsub('first'),
        (count) => count['first'] === 1,
      );
      const free = await occupy();
      const before = proxy().bytes.toClient;
      const second = record(redis.subscribe(['second', 'second:*']));
      first.stop();
      // SUBSCRIBE, PSUBSCRIBE and UNSUBSCRIBE have been refused.
      await until(() => proxy().bytes.toClient - before > 3 * '-BUSY '.length);
      await free();
      await eventually(
        () => admin.publish('second', 'hello'),
        () => second.values.length > 0,
      );
      await eventually(
        () => admin.pubsubNumsub('first'),
        (count) => count['first'] === 0,
      );
      expect(second.ended).toBeUndefined();
    },
  );
});

/** A client of a server that answers as a script says, in each spec its own. */
function useScriptedServer() {
  const make = useClients();
  let server: ScriptedServer;
  afterEach(() => server.stop());
  const start = async (script: Script, options: RedisOptions = {}): Promise<Redis> => {
    server = await ScriptedServer.start(afterHandshake(script));
    return make({ url: server.url, reconnect: quick, ...options });
  };
  return { make, start, server: () => server };
}

describe('What a server refuses for the moment', () => {
  const { start, server } = useScriptedServer();

  it('has not run, and says so, when its time is up or the client is destroyed', async () => {
    const retry = jest.fn(() => 500);
    const redis = await start(() => LOADING, { retry });
    const hasty = redis.withOptions({ commandTimeout: 100 });
    expect(await failure(hasty.incr('n'))).toMatchObject({ kind: 'LOADING', delivery: 'answered', repeatable: true });
    const reply = outcome(redis.incr('n'));
    await until(() => retry.mock.calls.length === 2);
    await redis.destroy();
    expect(await reply).toMatchObject({
      error: { code: 'DISCONNECTED', delivery: 'answered', repeatable: false, cause: { kind: 'LOADING' } },
    });
  });

  it('and wants to wait for long holds nobody else back', async () => {
    let loading = true;
    const redis = await start(([word]) => (loading ? LOADING : word === 'PING' ? '+PONG\r\n' : ':1\r\n'));
    const patient = redis
      .withOptions({ retry: () => 20_000 })
      .incr('n')
      .subscribe({ error: () => undefined });
    await server().next('INCR');
    loading = false;
    expect(await redis.withOptions({ commandTimeout: 5_000 }).ping()).toBe('PONG');
    patient.unsubscribe();
  });

  it('is asked again no sooner than its own policy wants, whoever else is refused', async () => {
    const seen: [word: string, at: number][] = [];
    const redis = await start(([word]) => {
      seen.push([word!, performance.now()]);
      return LOADING;
    });
    void outcome(redis.withOptions({ retry: () => 5 }).incr('n'));
    await failure(redis.withOptions({ retry: (attempt) => attempt < 3 && 150 }).get('k'));
    const times = seen.filter(([word]) => word === 'GET').map(([, at]) => at);
    expect(times).toHaveLength(3);
    for (const [n, at] of times.entries()) if (n > 0) expect(at - times[n - 1]!).toBeGreaterThan(148);
  });

  it('fails when the same words would mean something else by now: another database', async () => {
    const ran: string[] = [];
    let database = '0';
    let loading = true;
    const redis = await start(([word, first]) => {
      if (word === 'SELECT') database = first!;
      else if (loading) {
        loading = false;
        return LOADING;
      } else ran.push(`${word} ${first} in ${database}`);
      return '+OK\r\n';
    });
    const replies = [redis.select(1), redis.set('a', '1'), redis.select(2), redis.set('b', '2')];
    expect(await Promise.all(replies.map((reply) => outcome<unknown>(reply)))).toMatchObject([
      { value: 'OK' },
      { error: { kind: 'LOADING', delivery: 'answered', repeatable: false } },
      { value: 'OK' },
      { value: 'OK' },
    ]);
    expect(ran).toStrictEqual(['SET b in 2']);
  });
});

describe('READONLY', () => {
  const { start, make, server } = useScriptedServer();

  it('after a loss is still worth another connection', async () => {
    let sets = 0;
    const redis = await start(([word], socket) => {
      if (word !== 'SET') return '+OK\r\n';
      sets++;
      if (sets === 1) socket.destroy();
      return sets === 1 ? undefined : sets === 2 ? READONLY : '+OK\r\n';
    });
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(sets).toBe(3);
  });

  it('is told as what it is where no other connection may follow', async () => {
    const redis = await start(() => READONLY, { reconnect: false });
    expect(await failure(redis.incr('n'))).toMatchObject({ kind: 'READONLY', delivery: 'answered' });
    expect(await failure(redis.incr('n'))).toMatchObject({ kind: 'READONLY', delivery: 'answered' });
    const other = make({ url: server().url });
    expect(await failure(lastValueFrom(other.dedicated((lent) => lent.incr('n'))))).toMatchObject({ kind: 'READONLY' });
  });

  it('that comes late, for one who has left, is noticed all the same', async () => {
    const arrived = new Subject<() => void>();
    const redis = await start(([word], socket) => {
      if (word !== 'SET') return '+PONG\r\n';
      arrived.next(() => socket.write(READONLY));
      return undefined;
    });
    await redis.ping();
    const arrival = firstValueFrom(arrived);
    await failure(redis.withOptions({ commandTimeout: 20 }).set('k', 'v'));
    const answer = await arrival;
    answer();
    expect(await reaches(redis, 'reconnecting')).toMatchObject({ error: { cause: { kind: 'READONLY' } } });
  });

  it('lets all that was sent with it be answered, whatever a script says', async () => {
    const redis = await start(([word]) => (word === 'INCR' ? READONLY : word === 'EVAL' ? '-DENIED no\r\n' : '+v\r\n'));
    const replies = [redis.incr('n'), redis.eval('…', []), redis.get('k')].map((reply) => outcome<unknown>(reply));
    expect(await Promise.all(replies)).toMatchObject([
      { error: { kind: 'READONLY' } },
      { error: { kind: 'DENIED', delivery: 'answered' } },
      { value: 'v' },
    ]);
    expect(server().seen.filter(([word]) => word === 'GET')).toHaveLength(1);
  });

  it('leaves the connection also when a command behind it blocks', async () => {
    const redis = await start(([word]) => {
      if (word === 'WAIT') return undefined;
      return word === 'INCR' ? READONLY : '+PONG\r\n';
    });
    const counted = outcome(redis.incr('n'));
    const waiting = redis.wait(1, 0).subscribe({ error: () => undefined });
    await reaches(redis, 'reconnecting');
    waiting.unsubscribe();
    expect(await counted).toMatchObject({ error: { kind: 'READONLY' } });
  });
});

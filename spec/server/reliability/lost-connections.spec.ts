import type { Redis, RedisOptions } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome, type Outcome } from '../../support/outcomes';
import { afterHandshake, ScriptedServer } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 2, maxDelay: 20 };

describe('A command that was written when the connection was lost', () => {
  const server = useServer({}, '7.0');
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: proxy().url(), reconnect: quick, ...options });
  let admin: Redis;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.del('n', 'list', 'k', 'set');
  });

  /** Sends over a line that brings no reply back, lets the server run what was sent, then cuts the line. */
  async function lose<T>(redis: Redis, send: () => PromiseLike<T>): Promise<Outcome<T>> {
    await redis.connect();
    proxy().stall('toClient', true);
    const { toServer } = proxy().bytes;
    const reply = outcome(send());
    await until(() => proxy().bytes.toServer > toServer);
    await admin.ping();
    proxy().cut();
    proxy().stall('toClient', false);
    return reply;
  }

  it('fails when repeating it might do harm: one INCR counts once', async () => {
    const redis = client();
    const lost = await lose(redis, () => redis.incr('n'));
    expect(lost).toMatchObject({
      error: { code: 'CONNECTION', delivery: 'unknown', command: 'INCR', repeatable: false },
    });
    expect('error' in lost && lost.error.message).toContain('it may have run');
    expect(await redis.get('n')).toBe('1');
  });

  it('may have run also when it is refused the next time', async () => {
    const redis = client();
    await admin.set('k', 'old');
    await redis.connect();
    proxy().stall('toClient', true);
    const reply = outcome(redis.set('k', 'new'));
    await eventually(
      () => admin.get('k'),
      (value) => value === 'new',
    );
    await admin.configSet({ maxmemory: 1 });
    proxy().cut();
    proxy().stall('toClient', false);
    expect(await reply).toMatchObject({ error: { kind: 'OOM', delivery: 'unknown', repeatable: false } });
    await admin.configSet({ maxmemory: 0 });
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['RPUSH', (redis) => redis.rpush('list', 'a')],
    ['SETNX, whose second reply would be another', (redis) => redis.setnx('k', 'v')],
    ['SADD, whose second reply would be another', (redis) => redis.sadd('set', 'a')],
    ['SET with NX', (redis) => redis.set('k', 'v', { NX: true })],
    ['SET with GET', (redis) => redis.set('k', 'v', { GET: true })],
    ['GETDEL', (redis) => redis.getdel('k')],
    ['EVAL', (redis) => redis.eval('return 1', [])],
    ['a command that the client does not know', (redis) => redis.call('NO-SUCH-COMMAND')],
  ])('fails when its facts do not say that it is safe: %s', async (_, send) => {
    const redis = client();
    expect(await lose(redis, () => send(redis))).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown' } });
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>, unknown]>([
    ['GET', (redis) => redis.get('k'), null],
    ['MGET', (redis) => redis.mget('k', 'n'), [null, null]],
    ['SET', (redis) => redis.set('k', 'v'), 'OK'],
    ['EVAL_RO', (redis) => redis.evalRo('return 1', []), 1],
    ['a known command by its name', (redis) => redis.call('GET', 'k'), null],
  ])('is repeated on the next when its facts say that it is safe: %s', async (_, send, reply) => {
    const redis = client();
    expect(await lose(redis, () => send(redis))).toStrictEqual({ value: reply });
    expect(proxy().connections.total).toBe(2);
  });

  it('is repeated when the user vouches for it', async () => {
    const redis = client();
    expect(await lose(redis, () => redis.withOptions({ idempotent: true }).incr('n'))).toStrictEqual({ value: 2 });
  });

  it('fails in any case where retrying is turned off, for the client or for the command', async () => {
    const off = client({ retry: false });
    expect(await lose(off, () => off.get('k'))).toMatchObject({ error: { delivery: 'unknown', repeatable: true } });
    const redis = client();
    expect(await lose(redis, () => redis.withOptions({ retry: false }).get('k'))).toMatchObject({
      error: { delivery: 'unknown', command: 'GET' },
    });
  });

  it('is repeated when a function says so, which knows attempt, error and command', async () => {
    const asked: unknown[][] = [];
    const redis = client({
      retry: (attempt, error, command) => {
        asked.push([attempt, error.delivery, command.spec.name]);
        return attempt < 3 ? attempt : false;
      },
    });
    const lost = lose(redis, () => redis.incr('n'));
    await reaches(redis, 'reconnecting');
    expect(await lost).toStrictEqual({ value: 2 });
    expect(asked).toStrictEqual([[1, 'unknown', 'INCR']]);
  });

  it('is not sent a third time when its own reply may be what ends connections, whatever maxAttempts says', async () => {
    const deadly = await ScriptedServer.start(
      afterHandshake((_, socket) => {
        socket.destroy();
        return undefined;
      }),
    );
    const redis = make({ url: deadly.url, reconnect: quick, retry: { maxAttempts: 3 } });
    expect(await failure(redis.get('k'))).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', repeatable: false });
    expect(deadly.seen.filter(([word]) => word === 'GET')).toHaveLength(2);
    await deadly.stop();
  });

  it('is not repeated more often than maxAttempts says', async () => {
    const deadly = await ScriptedServer.start(
      afterHandshake((_, socket) => {
        socket.destroy();
        return undefined;
      }),
    );
    const redis = make({ url: deadly.url, reconnect: quick, retry: { maxAttempts: 0 } });
    expect(await failure(redis.get('k'))).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', repeatable: true });
    expect(deadly.seen.filter(([word]) => word === 'GET')).toHaveLength(1);
    await deadly.stop();
  });

  it('goes out before what was waiting, in the order of the calls', async () => {
    const redis = client();
    await redis.connect();
    proxy().stall('toClient', true);
    const { toServer } = proxy().bytes;
    const vouched = redis.withOptions({ idempotent: true });
    const written = [vouched.rpush('list', 'a'), vouched.rpush('list', 'b')].map((reply) => outcome(reply));
    await until(() => proxy().bytes.toServer > toServer);
    await admin.ping();
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    await admin.del('list');
    const waiting = [redis.rpush('list', 'c'), redis.rpush('list', 'd')].map((reply) => outcome(reply));
    proxy().stall('toClient', false);
    await proxy().refuse(false);
    expect(await Promise.all([...written, ...waiting])).toStrictEqual([1, 2, 3, 4].map((value) => ({ value })));
    expect(await redis.lrange('list', 0, -1)).toStrictEqual(['a', 'b', 'c', 'd']);
  });

  it('is not repeated once its subscriber has left', async () => {
    const redis = client();
    await redis.connect();
    proxy().stall('toClient', true);
    const { toServer } = proxy().bytes;
    const subscription = redis.withOptions({ idempotent: true }).incr('n').subscribe();
    await until(() => proxy().bytes.toServer > toServer);
    await admin.ping();
    subscription.unsubscribe();
    proxy().cut();
    proxy().stall('toClient', false);
    await reaches(redis, 'reconnecting');
    expect(await redis.get('n')).toBe('1');
  });

  it('may be lost with its request only half on the way, and then has not run', async () => {
    const redis = client();
    await redis.connect();
    proxy().cutAfter('toServer', 20);
    expect(await failure(redis.incr('n'))).toMatchObject({ delivery: 'unknown' });
    expect(await redis.get('n')).toBeNull();
  });

  it('may be lost with its reply only half on the way: the rest belongs to nobody', async () => {
    const redis = client();
    const value = 'v'.repeat(1_000);
    await redis.set('k', value);
    proxy().cutAfter('toClient', 500);
    const replies = [redis.get('k'), redis.echo('next')].map((reply) => outcome<unknown>(reply));
    expect(await Promise.all(replies)).toStrictEqual([{ value }, { value: 'next' }]);
  });
});

describe('What waits when the connection is lost', () => {
  const server = useServer({}, '7.0');
  const proxy = useProxy(server);
  const make = useClients();

  it('is not sent when its subscriber leaves before the connection is back', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    await redis.del('n');
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    const left = redis.incr('n').subscribe();
    const stayed = outcome(redis.incr('n'));
    left.unsubscribe();
    await proxy().refuse(false);
    expect(await stayed).toStrictEqual({ value: 1 });
    expect(await redis.get('n')).toBe('1');
  });

  it('makes room in the queue by leaving', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick, offlineQueue: 1 });
    const hasty = redis.withOptions({ commandTimeout: 20 });
    await redis.connect();
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    const first = failure(hasty.get('k'));
    expect(await failure(hasty.get('k'))).toMatchObject({ code: 'DISCONNECTED' });
    expect(await first).toMatchObject({ code: 'TIMEOUT' });
    expect(await failure(hasty.get('k'))).toMatchObject({ code: 'TIMEOUT' });
  });
});

describe('An event of the connection', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const lost = async (how: (redis: Redis) => unknown) => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const events = record(redis.events$);
    await redis.connect();
    const again = reaches(redis, 'reconnecting').then(() => reaches(redis, 'ready'));
    await how(redis);
    await again;
    return events.values.filter(({ type }) => type === 'disconnect');
  };

  it.each<[string, string, (redis: Redis) => unknown]>([
    ['connection_lost', 'the line was reset', () => proxy().cut('reset')],
    ['server_closed', 'the server closed it', () => proxy().cut('close')],
    ['server_closed', 'CLIENT KILL', async (redis) => make(server().url).clientKill({ ID: await redis.clientId() })],
    ['server_closed', 'the server was restarted', () => server().restart()],
    [
      'server_closed',
      'the server was killed',
      async () => {
        await server().kill('SIGKILL');
        await server().restart();
      },
    ],
  ])('tells the reason %s where %s', async (reason, _, how) => {
    expect(await lost(how)).toMatchObject([{ connection: 'commands', type: 'disconnect', reason }]);
  });

  it('tells the reason closed_by_user where that is the reason, and is the last', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const redis = make(proxy().url());
      const events = record(redis.events$);
      await redis.connect();
      await redis[end]();
      expect(events.values).toStrictEqual([
        { connection: 'commands', type: 'connect', protocol: 3 },
        { connection: 'commands', type: 'disconnect', reason: 'closed_by_user' },
      ]);
      expect(events.ended).toBe('complete');
    }
  });

  it('is heard by all who listen, whatever one of them does', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const first = record(redis.events$);
    const left = record(redis.events$);
    left.stop();
    await redis.connect();
    proxy().cut();
    await reaches(redis, 'reconnecting');
    await reaches(redis, 'ready');
    expect(first.values.map(({ type }) => type)).toStrictEqual([
      'connect',
      'error',
      'disconnect',
      'reconnecting',
      'connect',
    ]);
    expect(left.values).toStrictEqual([]);
  });
});

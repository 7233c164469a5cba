import { inspect } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import type { Redis, RedisOptions, ReplyError } from 'rxjs-redis';
import { incr } from 'rxjs-redis/commands';
import type { RunningServer } from '../../../infra/servers';
import { eventually, reaches, record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { Relay } from '../../support/relay';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 2, maxDelay: 20 };

describe('A failover that makes a replica of the master', () => {
  const old = useServer({ args: ['--repl-diskless-sync-delay', '0'] });
  const next = useServer({ args: ['--repl-diskless-sync-delay', '0'] });
  const make = useClients();
  const pools = usePools();
  let relay: Relay;
  let atOld: Redis;
  let atNext: Redis;
  beforeEach(async () => {
    atOld = make(old().url);
    atNext = make(next().url);
    await promote(atOld);
    await follow(atNext, old());
    await atOld.del('n', 'list', 'k');
    relay = await Relay.start(old());
  });
  afterEach(() => relay.stop());
  const client = (options: RedisOptions = {}) => make({ url: relay.url, reconnect: quick, ...options });

  const promote = (redis: Redis) => redis.replicaof('NO ONE');

  async function follow(replica: Redis, master: RunningServer): Promise<void> {
    await replica.replicaof(master.host, master.port);
    await eventually(
      () => replica.call<string>('INFO', 'replication'),
      (info) => info.includes('master_link_status:up'),
    );
  }

  /** The replica becomes the master and the master its replica; the address leads to the new master from now on. */
  async function failOver(): Promise<void> {
    await promote(atNext);
    await atOld.replicaof(next().host, next().port);
    relay.pointTo(next());
  }

  it('is answered by a new connection and by sending the refused command again, once', async () => {
    const redis = client();
    const events = record(redis.events$);
    const states = record(redis.state$);
    await redis.incr('n');
    await eventually(
      () => atNext.get('n'),
      (n) => n === '1',
    );
    await failOver();
    expect(await redis.incr('n')).toBe(2);
    expect(await atNext.get('n')).toBe('2');
    expect(states.values).toContainEqual(
      expect.objectContaining({
        kind: 'reconnecting',
        error: expect.objectContaining({ cause: expect.objectContaining({ kind: 'READONLY' }) as unknown }) as unknown,
      }),
    );
    expect(events.values).toContainEqual({ connection: 'commands', type: 'disconnect', reason: 'connection_lost' });
  });

  it('keeps the order of what was sent together, and loses nothing', async () => {
    const redis = client();
    await redis.connect();
    await failOver();
    const replies = Array.from({ length: 200 }, (_, n) => outcome(redis.rpush('list', n)));
    expect(await Promise.all(replies)).toStrictEqual(Array.from({ length: 200 }, (_, n) => ({ value: n + 1 })));
    expect(await atNext.lrange('list', 0, -1)).toStrictEqual(Array.from({ length: 200 }, (_, n) => String(n)));
  });

  it('refuses nothing that is called while the connection is made anew, where nothing may wait', async () => {
    const redis = client({ offlineQueue: 0 });
    await redis.connect();
    await failOver();
    const refused = outcome(redis.incr('n'));
    await reaches(redis, 'reconnecting');
    expect(await redis.incr('n')).toBe(2);
    expect(await refused).toStrictEqual({ value: 1 });
  });

  it('lets reads be answered that were sent together with the refused write', async () => {
    const redis = client();
    await redis.set('k', 'v');
    await eventually(
      () => atNext.get('k'),
      (value) => value === 'v',
    );
    await failOver();
    const replies = [redis.get('k'), redis.incr('n'), redis.get('k')].map((reply) => outcome<unknown>(reply));
    expect(await Promise.all(replies)).toStrictEqual([{ value: 'v' }, { value: 1 }, { value: 'v' }]);
  });

  it('restores subscriptions on the new master', async () => {
    const redis = client();
    const messages = record(redis.subscribe('failover'));
    await redis.ping();
    await failOver();
    await redis.incr('n');
    await eventually(
      () => atNext.publish('failover', 'hello'),
      (heard) => heard === 1,
    );
    await until(() => messages.values.length > 0);
    expect(messages.values).toMatchObject([{ data: 'hello' }]);
  });

  it('fails the command that is refused a second time, as where only a replica is to be had', async () => {
    const redis = client();
    await redis.connect();
    await promote(atNext);
    await atOld.replicaof(next().host, next().port);
    expect(await failure(redis.incr('n'))).toMatchObject({
      code: 'REPLY',
      kind: 'READONLY',
      delivery: 'answered',
      command: 'INCR',
    });
    expect(await redis.get('n')).toBeNull();
  });

  it('is followed by a pool, busy or idle: it sends what was refused again on a new connection, and nothing more to the old master', async () => {
    const pool = pools({ url: relay.url, min: 3, max: 3, reconnect: quick });
    await Promise.all([1, 2, 3].map(() => pool.use((connection) => connection.ping())));
    await failOver();
    const [[transaction], counted] = await Promise.all([pool.multi([incr('n')], { failFast: true }), pool.incr('n')]);
    expect([transaction, counted].sort()).toStrictEqual([1, 2]);
    for (let n = 3; n < 10; n++) expect(await pool.incr('n')).toBe(n);
    expect(await atNext.get('n')).toBe('9');
  });

  it('is followed by a pool whose connections are all in use by its own commands', async () => {
    const pool = pools({ url: relay.url, min: 2, max: 2, reconnect: quick });
    await pool.connect();
    await failOver();
    const replies = Array.from({ length: 600 }, () => outcome(pool.rpush('list', 'x')));
    const lengths = (await Promise.all(replies)).map((ended) => ('value' in ended ? ended.value : ended));
    expect(lengths.map(Number).sort((a, b) => a - b)).toStrictEqual(Array.from({ length: 600 }, (_, n) => n + 1));
    expect(await atNext.llen('list')).toBe(600);
  });

  it.each(['client', 'pool'])(
    'costs the leases of a %s one refusal, however many connections are idle',
    async (kind) => {
      const redis = client();
      const pool = pools({ url: relay.url, min: 3, reconnect: quick });
      const increment = () =>
        kind === 'pool'
          ? pool.use((connection) => connection.incr('n'))
          : redis.dedicated((connection) => connection.incr('n'));
      await Promise.all([increment(), increment(), increment()]);
      await failOver();
      await atNext.set('n', '0');
      expect(await failure(increment())).toMatchObject({ kind: 'READONLY', delivery: 'answered' });
      expect([await increment(), await increment(), await increment()]).toStrictEqual([1, 2, 3]);
    },
  );

  it('is the business of the user where he says so', async () => {
    const asked: ReplyError[] = [];
    const redis = client({
      reconnectOnError: (error) => {
        asked.push(error);
        return false;
      },
    });
    const id = await redis.clientId();
    await failOver();
    expect(await failure(redis.incr('n'))).toMatchObject({ kind: 'READONLY' });
    expect(await redis.clientId()).toBe(id);
    expect(asked).toMatchObject([{ kind: 'READONLY', command: 'INCR' }]);
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['in EVAL', (redis) => redis.eval("return redis.call('INCR', KEYS[1])", ['n'])],
    ['that a script caught', (redis) => redis.eval("return redis.pcall('INCR', KEYS[1])", ['n'])],
    [
      'that a script caught and wraps',
      (redis) =>
        redis.eval("local r = redis.pcall('INCR', KEYS[1]); return redis.error_reply(r.err or r['err'])", ['n']),
    ],
    [
      'that a script raises again',
      (redis) => redis.eval("local r = redis.pcall('INCR', KEYS[1]); error(r.err or r['err'])", ['n']),
    ],
  ])(
    'is noticed by the refusal of a write %s, which is not sent again: it is not known what the script did before',
    async (_, send) => {
      const redis = client();
      await redis.connect();
      await failOver();
      const left = reaches(redis, 'reconnecting');
      expect(await failure(send(redis))).toMatchObject({ kind: 'READONLY', delivery: 'answered', repeatable: false });
      await left;
      expect(await redis.incr('n')).toBe(1);
    },
  );

  it.each<[string, string, (redis: Redis, script: string) => PromiseLike<unknown>]>([
    ['a list', "return {1, redis.pcall('INCR', KEYS[1])}", (redis, script) => redis.eval(script, ['n'])],
    ['lists in a list', "return {1, {2, redis.pcall('INCR', KEYS[1])}}", (redis, script) => redis.eval(script, ['n'])],
    [
      'what `call` is answered',
      "return {1, redis.pcall('INCR', KEYS[1])}",
      (redis, script) => redis.call('EVAL', script, 1, 'n'),
    ],
  ])('is noticed by a refusal inside a reply of a script: %s', async (_, script, send) => {
    const redis = client();
    await redis.connect();
    await failOver();
    const left = reaches(redis, 'reconnecting');
    expect(inspect(await send(redis, script), { depth: 5 })).toContain('READONLY');
    await left;
    expect(await redis.incr('n')).toBe(1);
  });

  it('sends a script again that says beforehand that it writes, as the server ran nothing of it', async () => {
    if (Number.parseInt(old().version, 10) < 7) return;
    const redis = client();
    await redis.connect();
    await failOver();
    expect(await redis.eval("#!lua\nreturn redis.call('INCR', KEYS[1])", ['n'])).toBe(1);
  });

  it('runs what a script did before a refused write once', async () => {
    const redis = client();
    await redis.connect();
    const messages = record(make(old().url).subscribe('told'));
    await eventually(
      () => atOld.pubsubNumsub('told'),
      (count) => count['told'] === 1,
    );
    await failOver();
    const script = "redis.call('PUBLISH', 'told', 'x'); return redis.pcall('INCR', KEYS[1])";
    expect(await failure(redis.eval(script, ['n']))).toMatchObject({ kind: 'READONLY' });
    await eventually(
      () => atOld.publish('told', 'end'),
      () => messages.values.some(({ data }) => data === 'end'),
    );
    expect(messages.values.filter(({ data }) => data === 'x')).toHaveLength(1);
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>, unknown]>([
    ['BLPOP', (redis) => redis.blpop(['list'], 60), ['list', 'v']],
    ['BLPOP for ever', (redis) => redis.blpop(['list'], 0), ['list', 'v']],
    ['BRPOPLPUSH', (redis) => redis.call('BRPOPLPUSH', 'list', 'other', 60), 'v'],
    ['XREAD', (redis) => redis.call('XREAD', 'BLOCK', 60_000, 'STREAMS', 'stream', '0'), expect.anything()],
  ])('lets what waits at it go on at the new master: %s', async (_, wait, value) => {
    const redis = client();
    await atOld.del('stream', 'other');
    const waiting = outcome(wait(redis));
    await eventually(
      () => atOld.call<string>('INFO', 'clients'),
      (info) => info.includes('blocked_clients:1'),
    );
    await failOver();
    await eventually(
      () => atNext.call<string>('INFO', 'clients'),
      (info) => info.includes('blocked_clients:1'),
    );
    await Promise.all([atNext.rpush('list', 'v'), atNext.call('XADD', 'stream', '*', 'f', 'v')]);
    expect(await waiting).toStrictEqual({ value });
  });

  it('leaves of its wait to a blocking command what is left of it', async () => {
    const redis = client();
    const lines = record(atNext.dedicated((connection) => connection.monitor()));
    const waiting = outcome(redis.blpop(['list'], 1.5));
    await eventually(
      () => atOld.call<string>('INFO', 'clients'),
      (info) => info.includes('blocked_clients:1'),
    );
    await setTimeout(900);
    await failOver();
    expect(await waiting).toStrictEqual({ value: null });
    const waits = lines.values.map((line) => /"BLPOP" "list" "([\d.]+)"/.exec(line)?.[1]).filter(Boolean);
    expect(waits.length).toBeLessThanOrEqual(1); // none where nothing was left
    for (const wait of waits) expect(Number(wait)).toBeLessThanOrEqual(0.6);
  });

  it('fails WAIT, which asks about the writes of the connection that is left', async () => {
    const redis = client();
    const left = reaches(redis, 'reconnecting');
    const waiting = failure(redis.wait(5, 60_000));
    await eventually(
      () => atOld.call<string>('INFO', 'clients'),
      (info) => info.includes('blocked_clients:1'),
    );
    await failOver();
    expect(await waiting).toMatchObject({ kind: 'UNBLOCKED', delivery: 'answered', repeatable: false });
    await left;
  });

  it('is noticed by WAIT that a replica refuses', async () => {
    const redis = client();
    await redis.connect();
    await failOver();
    const left = reaches(redis, 'reconnecting');
    expect(await failure(redis.wait(0, 10))).toMatchObject({ message: expect.stringContaining('replica') as unknown });
    await left;
  });

  it('is not what CLIENT UNBLOCK does', async () => {
    const redis = client();
    const states = record(redis.state$);
    const waiting = failure(redis.blpop(['list'], 60));
    const list = await eventually(
      () => atOld.call<string>('CLIENT LIST'),
      (clients) => /flags=b .* cmd=blpop /.test(clients),
    );
    const id = /id=(\d+) [^\n]* flags=b /.exec(list)![1]!;
    expect(await atOld.call('CLIENT', 'UNBLOCK', id, 'ERROR')).toBe(1);
    expect(await waiting).toMatchObject({ kind: 'UNBLOCKED', command: 'BLPOP' });
    expect(states.values.map(({ kind }) => kind)).not.toContain('reconnecting');
  });

  it('that a client asks for by FAILOVER is answered, as is all that came before it, and the client goes on at the new master', async () => {
    if (/^6\.[01]\./.test(old().version)) return;
    const redis = client();
    const replies = [redis.incr('n'), redis.failover({ TO: [next().host, next().port] })].map(
      (reply: PromiseLike<unknown>) => outcome(reply),
    );
    expect(await Promise.all(replies)).toStrictEqual([{ value: 1 }, { value: 'OK' }]);
    await eventually(
      () => atNext.call<string>('INFO', 'replication'),
      (info) => info.includes('role:master'),
    );
    relay.pointTo(next());
    expect(await redis.incr('n')).toBe(2);
    expect(await atNext.get('n')).toBe('2');
  });

  it('may cost a connection for any error that the user names, and the command then fails or is sent again', async () => {
    for (const answer of [true, 'resend'] as const) {
      const redis = client({ reconnectOnError: ({ kind }) => kind === 'WRONGTYPE' && answer });
      await redis.rpush('list', 'a');
      const id = await redis.clientId();
      const refused = outcome(redis.incr('list'));
      await reaches(redis, 'reconnecting');
      expect(await refused).toMatchObject({ error: { kind: 'WRONGTYPE', delivery: 'answered' } });
      expect(await redis.clientId()).toBeGreaterThan(id);
    }
  });
});

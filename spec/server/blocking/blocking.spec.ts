import { firstValueFrom, repeat, retry, take, throwError, toArray } from 'rxjs';
import type { Redis, RedisCommands, RedisOptions } from 'rxjs-redis';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

/** A command that waits for what `push` brings; `taken` is what it answers then. */
interface Wait {
  readonly command: string;
  readonly wait: (redis: RedisCommands, seconds: number) => PromiseLike<unknown> & ReturnType<RedisCommands['blpop']>;
  readonly push: (admin: Redis) => PromiseLike<unknown>;
  readonly taken: unknown;
  /** what the server has of it, as the same before and after it was put back */
  readonly state: (admin: Redis) => PromiseLike<unknown>;
}

type AnyReply = PromiseLike<unknown> & ReturnType<RedisCommands['blpop']>;

const any = (reply: unknown) => reply as AnyReply;
const elements = (admin: Redis) => admin.bytes.lrange('p:q', 0, -1);
const members = (admin: Redis) => admin.zrange('p:q', 0, -1, { WITHSCORES: true });
const pushed = (admin: Redis) => admin.rpush('p:q', 'a', 'b', 'c');
const added = (admin: Redis) => admin.zadd('p:q', { a: 0.1, b: 2, c: Infinity });
const entry = (admin: Redis) => admin.xadd('p:q', '1-0', { f: 'v' });
const entries = { q: [expect.objectContaining({ id: '1-0', fields: { f: 'v' } })] };
const none = (admin: Redis) => admin.exists('p:nothing');

const waits: readonly Wait[] = [
  { command: 'BLPOP', wait: (r, s) => any(r.blpop(['x', 'q'], s)), push: pushed, taken: ['q', 'a'], state: elements },
  { command: 'BRPOP', wait: (r, s) => any(r.brpop(['x', 'q'], s)), push: pushed, taken: ['q', 'c'], state: elements },
  {
    command: 'BLMPOP',
    wait: (r, s) => any(r.blmpop(s, ['x', 'q'], 'LEFT', { COUNT: 2 })),
    push: pushed,
    taken: ['q', ['a', 'b']],
    state: elements,
  },
  {
    command: 'BLMPOP',
    wait: (r, s) => any(r.blmpop(s, ['q'], 'RIGHT', { COUNT: 2 })),
    push: pushed,
    taken: ['q', ['c', 'b']],
    state: elements,
  },
  { command: 'BZPOPMIN', wait: (r, s) => any(r.bzpopmin('q', s)), push: added, taken: ['q', 'a', 0.1], state: members },
  {
    command: 'BZPOPMAX',
    wait: (r, s) => any(r.bzpopmax('q', s)),
    push: added,
    taken: ['q', 'c', Infinity],
    state: members,
  },
  {
    command: 'BZMPOP',
    wait: (r, s) => any(r.bzmpop(s, ['q'], 'MIN', { COUNT: 2 })),
    push: added,
    taken: [
      'q',
      [
        { member: 'a', score: 0.1 },
        { member: 'b', score: 2 },
      ],
    ],
    state: members,
  },
  {
    command: 'BLMOVE',
    wait: (r, s) => any(r.blmove('q', 'd', 'LEFT', 'RIGHT', s)),
    push: pushed,
    taken: 'a',
    state: none,
  },
  { command: 'BRPOPLPUSH', wait: (r, s) => any(r.brpoplpush('q', 'd', s)), push: pushed, taken: 'c', state: none },
  {
    command: 'XREAD',
    wait: (r, s) => any(r.xread({ q: '0' }, { BLOCK: s * 1_000 })),
    push: entry,
    taken: entries,
    state: none,
  },
  {
    command: 'XREADGROUP',
    wait: (r, s) => any(r.xreadgroup('g', 'c', { q: '>' }, { BLOCK: s * 1_000 })),
    push: entry,
    taken: entries,
    state: none,
  },
  {
    command: 'BLPOP',
    wait: (r, s) => any(r.call('BLPOP', 'q', s)),
    push: pushed,
    taken: ['p:q', 'a'],
    state: elements,
  },
  {
    command: 'BLMPOP',
    wait: (r, s) => any(r.call('blmpop', s, 1, 'q', 'right')),
    push: pushed,
    taken: ['p:q', ['c']],
    state: elements,
  },
];

const blockedAre = (admin: Redis, count: number) =>
  eventually(
    () => admin.call<string>('INFO', 'clients'),
    (info) => info.includes(`blocked_clients:${count}\r\n`),
  );

describe.each([2, 3] as const)('A command that waits at the server (RESP%d)', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  let admin: Redis;
  const client = (options: RedisOptions = {}) => make({ url: server().url, protocol, ...options });
  const knows = async (command: string) => (await admin.call<unknown[]>('COMMAND', 'INFO', command))[0] !== null;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
  });
  const prepared = async ({ command }: Wait) => {
    if (command === 'XREADGROUP') await admin.xgroupCreate('p:q', 'g', '0', { MKSTREAM: true });
  };
  const connections = async () => {
    const info = await admin.call<string>('INFO', 'stats');
    return Number(/total_connections_received:(\d+)/.exec(info)![1]);
  };

  it.each(waits)('stalls nothing: $command, $taken', async (given) => {
    if (!(await knows(given.command))) return;
    await prepared(given);
    const redis = client({ prefix: 'p:' });
    const waiting = outcome(given.wait(redis, 0));
    await blockedAre(admin, 1);
    expect(await redis.ping()).toBe('PONG');
    await given.push(admin);
    expect(await waiting).toEqual({ value: given.taken });
  });

  it('stalls nothing on views either', async () => {
    const redis = client();
    const [bytes, view] = [
      outcome(redis.bytes.blpop('b', 0)),
      outcome(redis.withOptions({ retry: false }).blpop('v', 0)),
    ];
    await blockedAre(admin, 2);
    expect(await redis.bytes.echo('x')).toStrictEqual(Buffer.from('x'));
    const odd = Buffer.from([0xff, 0x00, 0x0d]);
    await Promise.all([admin.rpush('b', odd), admin.rpush('v', 'v')]);
    expect(await bytes).toStrictEqual({ value: [Buffer.from('b'), odd] });
    expect(await view).toStrictEqual({ value: ['v', 'v'] });
  });

  it('is not one where it does not wait', async () => {
    const redis = client();
    const before = await redis.ping().then(connections);
    await redis.xread({ s: '0' });
    expect(await connections()).toBe(before);
  });

  it('stays on the connection of the writes before it, where it asks about those: WAIT', async () => {
    const redis = client();
    const id = await redis.clientId();
    const waiting = outcome(redis.wait(1, 0));
    await blockedAre(admin, 1);
    expect(await admin.call<string>('CLIENT LIST')).toMatch(new RegExp(`id=${id} .* cmd=wait`));
    void redis.destroy();
    await waiting;
    expect(thrownBy(() => pools({ url: server().url }).wait(1, 0))).toMatch(
      /^TypeError: WAIT asks about the writes of its connection, and a pool has several: use use\(…\)/,
    );
  });

  it('is an endless stream by repeat(), with no dial a turn', async () => {
    const redis = client();
    const items = firstValueFrom(redis.blpop('q', 0).pipe(repeat(), take(200), toArray()));
    await blockedAre(admin, 1);
    const before = await connections();
    for (let n = 0; n < 200; n++) await admin.rpush('q', n);
    expect(await items).toStrictEqual(Array.from({ length: 200 }, (_, n) => ['q', String(n)]));
    expect(await connections()).toBe(before);
    await blockedAre(admin, 0);
  });

  it.each(waits)('takes nothing once it is left, and gives its connection back: $command, $taken', async (given) => {
    if (!(await knows(given.command))) return;
    await prepared(given);
    const redis = client({ prefix: 'p:' });
    for (let n = 0; n < 3; n++) {
      const left = record(given.wait(redis, 0));
      await blockedAre(admin, 1);
      left.stop();
      await until(() => redis['blocking'].isDone);
      await blockedAre(admin, 0);
    }
    expect(redis['leases']!.stats).toMatchObject({ active: 0, total: 1 });
    await given.push(admin);
    expect(await given.wait(redis, 0)).toEqual(given.taken);
  });

  /** Leaves the command when the server has answered it, and the answer is on its way. */
  const leaveTooLate = async (given: Pick<Wait, 'wait' | 'push'>, redis: Redis) => {
    const left = record(given.wait(redis, 0));
    await blockedAre(admin, 1);
    await redis.ping();
    proxy().stall('toClient', true);
    await given.push(admin);
    await blockedAre(admin, 0);
    left.stop();
    proxy().stall('toClient', false);
    await until(() => redis['blocking'].isDone);
    expect(left.values).toStrictEqual([]);
  };

  it.each(waits)('loses nothing that came all the same: $command, $taken', async (given) => {
    if (!(await knows(given.command))) return;
    await given.push(admin);
    const before = await given.state(admin);
    await admin.flushall();
    await prepared(given);
    const redis = client({ url: proxy().url(), prefix: 'p:' });
    const errors = record(redis.events$);
    await leaveTooLate(given, redis);
    expect(await given.state(admin)).toStrictEqual(before);
    if (given.command === 'BLMOVE' || given.command === 'BRPOPLPUSH') {
      expect(await admin.lrange('p:d', 0, -1)).toStrictEqual([given.taken]);
    }
    if (given.command === 'XREADGROUP') expect(await admin.xpending('p:q', 'g')).toMatchObject({ count: 1 });
    expect(errors.values.filter(({ type }) => type === 'error')).toStrictEqual([]);
    expect(redis['leases']!.stats).toMatchObject({ active: 0, total: 1 });
  });

  it('puts back what is no UTF-8 as it was', async () => {
    const odd = Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a]);
    const redis = client({ url: proxy().url(), prefix: Buffer.from([0xfd]) });
    const key = Buffer.from([0xfd, 0x71]);
    await leaveTooLate({ wait: (r) => any(r.blpop('q', 0)), push: () => admin.rpush(key, odd) }, redis);
    expect(await admin.bytes.lrange(key, 0, -1)).toStrictEqual([odd]);
  });

  it('hands what came all the same to onUndelivered, of the client or of a view', async () => {
    const got: unknown[][] = [];
    const redis = client({
      url: proxy().url(),
      prefix: 'p:',
      onUndelivered: (value, { spec, args }) => {
        got.push(['client', value, spec.name, args]);
      },
    });
    const view = redis.withOptions({ onUndelivered: (value) => admin.rpush('elsewhere', String(value)) });
    await leaveTooLate({ wait: (r) => any(r.blpop('q', 0)), push: () => admin.rpush('p:q', 'a') }, redis);
    await leaveTooLate({ wait: () => any(redis.bytes.blpop('q', 0)), push: () => admin.rpush('p:q', 'b') }, redis);
    await leaveTooLate({ wait: () => any(view.blpop('q', 0)), push: () => admin.rpush('p:q', 'c') }, redis);
    expect(got).toStrictEqual([
      ['client', ['q', 'a'], 'BLPOP', ['q', 0]],
      ['client', [Buffer.from('q'), Buffer.from('b')], 'BLPOP', ['q', 0]],
    ]);
    expect(await admin.lrange('elsewhere', 0, -1)).toStrictEqual(['q,c']);
    expect(await admin.exists('p:q')).toBe(0);
  });

  it('tells on events$ of what it could not put back, or onUndelivered could not use', async () => {
    const careless = client({ url: proxy().url(), onUndelivered: () => throwError(() => new Error('no room')) });
    const redis = client({ url: proxy().url() });
    const told = [careless, redis].map((one) => record(one.events$));
    await leaveTooLate({ wait: (r) => any(r.blpop('q', 0)), push: () => admin.rpush('q', 'a') }, careless);
    const taken = async () => {
      await admin.rpush('q', 'a');
      await admin.set('q', 'another type by now');
    };
    await leaveTooLate({ wait: (r) => any(r.blpop('q', 0)), push: taken }, redis);
    const errors = told.map(({ values }) => values.filter(({ type }) => type === 'error'));
    expect(errors).toMatchObject([
      [{ error: { command: 'BLPOP', message: expect.stringContaining('could not be handed on: no room') as unknown } }],
      [{ error: { command: 'BLPOP', message: expect.stringContaining('WRONGTYPE') as unknown } }],
    ]);
  });

  it('refuses what is no function', () => {
    const wrong = 'put it back' as never;
    expect(thrownBy(() => client({ onUndelivered: wrong }))).toBe(
      "TypeError: The option 'onUndelivered' is a function, got a string",
    );
    expect(thrownBy(() => client().withOptions({ onUndelivered: wrong }))).toBe(
      "TypeError: The option 'onUndelivered' is a function, got a string",
    );
  });

  it.each(['unsubscribe', 'close', 'destroy', 'own limit'] as const)(
    'leaves nothing at the server: %s',
    async (end) => {
      const redis = client();
      const view = end === 'own limit' ? redis.withOptions({ commandTimeout: 50 }) : redis;
      const all = waits.slice(0, 2).map(({ wait }) => record(wait(view, 0)));
      await blockedAre(admin, end === 'own limit' ? 0 : 2);
      if (end === 'unsubscribe') for (const one of all) one.stop();
      else if (end !== 'own limit') await redis[end]();
      if (end !== 'unsubscribe') await until(() => all.every(({ ended }) => ended !== undefined));
      await blockedAre(admin, 0);
      await admin.rpush('q', 'kept');
      expect(await admin.lrange('q', 0, -1)).toStrictEqual(['kept']);
      for (const { ended } of all) if (end !== 'unsubscribe') expect(ended).toMatchObject({ command: /B[LR]POP/ });
    },
  );

  it('is closed with its connection where the user may not send CLIENT UNBLOCK', async () => {
    await admin.call('ACL', 'SETUSER', 'ann', 'reset', 'on', '>pw', '~*', '+@all', '-client');
    const redis = client({ username: 'ann', password: 'pw' });
    const left = record(redis.blpop('q', 0));
    await blockedAre(admin, 1);
    left.stop();
    await blockedAre(admin, 0);
    expect(redis['leases']!.stats.total).toBe(0);
    expect(await redis.ping()).toBe('PONG');
    await admin.rpush('q', 'v');
    expect(await redis.blpop('q', 0)).toStrictEqual(['q', 'v']);
  });

  it('does no harm to a server that holds it back: CLIENT PAUSE', async () => {
    const writes = await outcome(admin.clientPause(300, 'WRITE'));
    if ('error' in writes) return; // Redis 6.0 holds everything back, CLIENT UNBLOCK as well
    const redis = client();
    const left = record(redis.blpop('q', 0));
    await blockedAre(admin, 1);
    left.stop();
    await until(() => redis['blocking'].isDone);
    await blockedAre(admin, 0);
    await admin.rpush('q', 'kept');
    expect(await admin.lrange('q', 0, -1)).toStrictEqual(['kept']);
  });

  it('waits in an outage as other commands do', async () => {
    await proxy().refuse(true);
    const redis = client({ url: proxy().url(), reconnect: { initialDelay: 5, maxDelay: 20 } });
    redis.events$.subscribe();
    const waiting = outcome(redis.blpop('q', 0));
    const late = await failure(redis.withOptions({ commandTimeout: 30 }).blpop('q', 0));
    expect(late).toMatchObject({ code: 'TIMEOUT', command: 'BLPOP', delivery: 'unsent' });
    await proxy().refuse(false);
    await blockedAre(admin, 1);
    await admin.rpush('q', 'v');
    expect(await waiting).toStrictEqual({ value: ['q', 'v'] });
  });

  it('is a stream that outlives lost connections and outages, where its user tries again', async () => {
    const redis = client({ url: proxy().url(), reconnect: { initialDelay: 1, maxDelay: 10 } });
    redis.events$.subscribe();
    const got: string[] = [];
    const stream = redis.blmove('q', 'd', 'LEFT', 'RIGHT', 0).pipe(repeat(), retry({ delay: 1 }));
    if (!(await knows('BLMOVE'))) return;
    const jobs = stream.subscribe((job) => got.push(job!));
    for (let n = 0; n < 20; n++) {
      await blockedAre(admin, 1);
      if (n % 3 === 1) proxy().cut();
      if (n % 7 === 6) {
        await proxy().refuse(true);
        proxy().cut();
        await blockedAre(admin, 0);
        await proxy().refuse(false);
      }
      await admin.rpush('q', n);
    }
    const all = Array.from({ length: 20 }, (_, n) => String(n));
    await eventually(
      () => admin.lrange('d', 0, -1),
      (moved) => moved.length === 20,
    );
    expect([...(await admin.lrange('d', 0, -1))].sort()).toStrictEqual([...all].sort());
    expect(new Set(got).size).toBe(got.length);
    jobs.unsubscribe();
    await blockedAre(admin, 0);
  });

  it('waits for a connection while all are in use, as long as its user wants', async () => {
    const redis = client({ leases: { max: 1, acquireTimeout: Infinity } });
    const first = outcome(redis.blpop('q', 0));
    await blockedAre(admin, 1);
    expect(await failure(redis.withOptions({ commandTimeout: 5 }).blpop('q', 0))).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('it waited for a connection of its own, and the only one is in use') as unknown,
    });
    await admin.rpush('q', 'v');
    expect(await first).toStrictEqual({ value: ['q', 'v'] });
  });

  it('is ended on a pool whose connections are all in use by others that wait', async () => {
    const pool = pools({ url: server().url, protocol, min: 0, max: 1 });
    const left = record(pool.blpop('q', 0));
    await blockedAre(admin, 1);
    left.stop();
    await until(() => pool.stats.active === 0);
    expect(pool.stats.total).toBe(1);
    await admin.rpush('q', 'v');
    expect(await pool.blpop('q', 0)).toStrictEqual(['q', 'v']);
    const waiting = outcome(pool.blpop('q', 0));
    await blockedAre(admin, 1);
    await pool.close();
    expect(await waiting).toMatchObject({
      error: { message: 'BLPOP was ended and has taken nothing: the pool is closed' },
    });
    await blockedAre(admin, 0);
  });

  it('fails for what the server refuses, and its connection is used again', async () => {
    const redis = client();
    await admin.set('text', 'x');
    expect(await failure(redis.blpop('text', 0))).toMatchObject({ kind: 'WRONGTYPE', command: 'BLPOP' });
    expect(redis['leases']!.stats).toMatchObject({ idle: 1, total: 1 });
    expect(thrownBy(() => redis.blpop('q', -1))).toMatch(/^TypeError: BLPOP: timeout/);
  });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { BehaviorSubject, EMPTY, NEVER, Subject, concatMap, firstValueFrom, merge, of, type Observable } from 'rxjs';
import type { Credentials, DedicatedConnection, Redis, RedisPool, ReplyError } from 'rxjs-redis';
import { get, incr } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients, usePools } from '../../support/clients';
import { failure, outcome, type Outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

/** How many connections the server has accepted. */
const accepted = async (redis: Redis) =>
  Number(/total_connections_received:(\d+)/.exec(await redis.call<string>('INFO', 'stats'))![1]);

/** How many clients the server has. */
const clients = async (redis: Redis) => (await redis.call<string>('CLIENT LIST')).trim().split('\n').length;

describe('A dedicated connection', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const makePool = usePools();

  it('is kept for the next caller: the second makes no new connection', async () => {
    const redis = make(server().url);
    const first = await redis.dedicated((connection) => connection.clientId());
    const before = await accepted(redis);
    expect(await redis.dedicated((connection) => connection.clientId())).toBe(first);
    expect(await accepted(redis)).toBe(before);
  });

  it.each<[string, unknown, string]>([
    ['no function', undefined, 'a function was expected, got undefined'],
    ['a name', 'ping', 'a function was expected, got a string'],
    ['a function that gives nothing', () => undefined, 'the function gave undefined, and an Observable or a Promise'],
    ['a function that gives a number', () => 1, 'the function gave a number, and an Observable or a Promise'],
  ])('says so where its work is %s', async (_what, work, why) => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    const pool = makePool({ url: server().url, max: 1 });
    const lent: [string, (work: never) => PromiseLike<unknown>][] = [
      ['dedicated', (given) => redis.dedicated(given)],
      ['use', (given) => pool.use(given)],
    ];
    for (const [method, lend] of lent) {
      await expect(async () => await lend(work as never)).rejects.toThrow(new RegExp(`^${method}: ${why}`));
      expect(await lend((() => of('next')) as never)).toBe('next');
    }
  });

  it.each(['client', 'pool'])(
    'is lent to no caller that waits when the %s is destroyed while what has it is answered',
    async (kind) => {
      const other = make(server().url);
      await other.del('s');
      await other.call('CONFIG RESETSTAT');
      const reconnectOnError = ({ kind }: ReplyError): boolean => {
        if (kind === 'NOGROUP') void redis.destroy();
        return false;
      };
      const options = { url: server().url, autoPipeline: false, reconnectOnError };
      const redis: Redis | RedisPool =
        kind === 'client' ? make({ ...options, leases: { max: 1 } }) : makePool({ ...options, max: 1 });
      const consuming = record(redis.consume('s', { group: 'g', from: '$' }, () => EMPTY));
      await eventually(
        () => other.call<string>('CLIENT LIST'),
        (list) => list.includes('cmd=xreadgroup'),
      );
      const waiting = record(redis.watch('k', () => null));
      await other.call('XGROUP DESTROY', 's', 'g');
      await until(() => waiting.ended !== undefined);
      expect(waiting.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
      expect(consuming.ended).toMatchObject({ code: 'DISCONNECTED' });
      expect(await other.call<string>('INFO', 'commandstats')).not.toContain('cmdstat_watch');
    },
  );

  it('is dialled once for each that is in use at the same time, and not again', async () => {
    const redis = make(server().url);
    const before = await accepted(redis);
    const twenty = () =>
      Promise.all(Array.from({ length: 20 }, () => redis.dedicated((connection) => connection.clientId())));
    const ids = [...(await twenty()), ...(await twenty())];
    expect(new Set(ids).size).toBeLessThanOrEqual(20);
    expect(await accepted(redis)).toBe(before + new Set(ids).size);
  });

  it('gives the word QUEUED as any other where no MULTI is open', async () => {
    const redis = make(server().url);
    const values = await redis.dedicated(async (connection) => {
      const length = connection.script("return 'QUEUED'", { keys: 0, reply: (value) => (value as string).length });
      const outside = await length([]);
      await connection.call('MULTI');
      const inside = await length([]);
      await connection.exec();
      return [outside, inside, await length([])];
    });
    expect(values).toStrictEqual([6, 'QUEUED', 6]);
  });

  it('is one of as many as there may be, first come first served', async () => {
    const redis = make({ url: server().url, leases: { max: 2 } });
    const served: number[] = [];
    const ids = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        redis.dedicated((connection) => {
          served.push(n);
          return connection.clientId();
        }),
      ),
    );
    expect(new Set(ids).size).toBeLessThanOrEqual(2);
    expect(served).toStrictEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('is waited for no longer than it may be', async () => {
    const redis = make({ url: server().url, leases: { max: 1, acquireTimeout: 500 } });
    const begun = new Subject<void>();
    const busy = record(
      redis.dedicated((connection) => {
        begun.next();
        return merge(connection.ping(), NEVER);
      }),
    );
    await until(() => busy.values.length > 0);
    const error = await failure(redis.dedicated((connection) => connection.ping()));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      delivery: 'unsent',
      repeatable: true,
      message: expect.stringMatching(/within 500 ms: the only one is in use.*leases\.max/) as string,
    });
    busy.stop();
    expect(await redis.dedicated((connection) => connection.ping())).toBe('PONG');
  });

  it('is waited for in an outage as commands are, and the work is done once the server is there again', async () => {
    const redis = make(server().url);
    expect([await redis.ping(), await redis.dedicated((connection) => connection.ping())]).toStrictEqual([
      'PONG',
      'PONG',
    ]);
    await server().kill();
    await reaches(redis, 'reconnecting');
    let begun = 0;
    const waiting = [
      redis.incr('outage').then(),
      redis.dedicated((connection) => (begun++, connection.incr('outage'))).then(),
      redis.dedicated((connection) => (begun++, connection.multi(incr('outage')))).then(),
      redis.watch('outage', () => [incr('outage')]).then(),
    ];
    await until(() => begun === 2); // their connections could not be made at first
    await server().restart();
    const values = (await Promise.all(waiting)).flat() as number[];
    expect(values.sort()).toStrictEqual([1, 2, 3, 4]);
  });

  it.each<[string, (redis: Redis, pool: RedisPool) => PromiseLike<unknown>]>([
    ['dedicated', (redis) => redis.dedicated((connection) => connection.get('k'))],
    ['watch', (redis) => redis.watch('k', () => null)],
    ['the use of a pool', (_redis, pool) => pool.use((connection) => connection.get('k'))],
    ['the watch of a pool', (_redis, pool) => pool.watch('k', () => null)],
    ['the connect of a pool', (_redis, pool) => pool.connect()],
    ['a command of a pool', (_redis, pool) => pool.get('k')],
  ])(
    'that cannot sign in is dialled no faster than reconnecting allows, however often it is wanted: %s',
    async (_what, want) => {
      const never = 1e9;
      const options = {
        url: server().url,
        username: 'ann',
        password: 'wrong',
        reconnect: { initialDelay: never, maxDelay: never, maxDelayWaiting: never },
      };
      const redis = make(options);
      const pool = makePool({ ...options, min: 0, max: 3 });
      const admin = make(server().url);
      const before = await accepted(admin);
      for (let calls = 0; calls < 50; calls++)
        expect(await failure(want(redis, pool))).toMatchObject({ kind: 'WRONGPASS' });
      expect(await accepted(admin)).toBe(before + 1);
    },
  );

  it('that cannot sign in is signed in once that is possible, also where a caller tries again at once', async () => {
    const admin = make(server().url);
    const redis = make({ url: server().url, username: 'late', password: 'pass' });
    const ping = () => redis.dedicated((connection) => connection.ping());
    expect(await failure(ping())).toMatchObject({ kind: 'WRONGPASS' });
    const created = Promise.resolve(admin.aclSetuser('late', 'on', '>pass', '~*', '+@all'));
    let answer: Outcome<string>;
    do answer = await outcome(ping());
    while (!('value' in answer));
    expect(answer.value).toBe('PONG');
    await created;
  });

  it('is closed once it was idle for too long', async () => {
    const redis = make({ url: server().url, leases: { idleTimeout: 1 } });
    const admin = make(server().url);
    await admin.ping();
    const before = await clients(admin);
    await redis.dedicated((connection) => connection.ping());
    await eventually(
      () => clients(admin),
      (count) => count === before,
    );
  });

  it.each(['close', 'destroy'] as const)('that is idle ends with its client: %s()', async (end) => {
    const redis = make(server().url);
    const admin = make(server().url);
    await admin.ping();
    const before = await clients(admin);
    await redis.dedicated((connection) => connection.ping());
    expect(await clients(admin)).toBe(before + 1);
    await redis[end]();
    await eventually(
      () => clients(admin),
      (count) => count === before,
    );
  });

  it('that is waited for is not lent once the client is closed', async () => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    const busy = record(redis.dedicated((connection) => merge(connection.ping(), NEVER)));
    await until(() => busy.values.length > 0);
    const waiting = failure(redis.dedicated((connection) => connection.ping()));
    await redis.close();
    expect(await waiting).toMatchObject({
      code: 'DISCONNECTED',
      message: 'Nothing can be sent: the client is closed',
    });
  });

  it.each([
    ['client', 'close'],
    ['client', 'destroy'],
    ['pool', 'close'],
    ['pool', 'destroy'],
  ] as const)('that BLPOP gives back unsent when its %s is told to %s() is not lent any more', async (kind, end) => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    const pool = makePool({ url: server().url, max: 1 });
    const lend = <T>(work: (connection: DedicatedConnection) => Observable<T>) =>
      kind === 'pool' ? pool.use(work) : redis.dedicated(work);
    const one = kind === 'pool' ? pool : redis;
    await lend((connection) => connection.ping());
    const popped = record(one.blpop('q', 0));
    let begun = 0;
    const waiting = record(lend((connection) => connection.incr(`begun ${++begun}`)));
    await one[end]();
    const isClosed = `the ${kind} is closed`;
    await until(() => popped.ended !== undefined && waiting.ended !== undefined);
    expect(popped.ended).toMatchObject({ code: 'DISCONNECTED', message: `BLPOP was not sent: ${isClosed}` });
    expect(waiting.ended).toMatchObject({ code: 'DISCONNECTED', message: `Nothing can be sent: ${isClosed}` });
    expect(begun).toBe(0);
  });

  it('that is idle and killed is replaced, and no caller is told', async () => {
    const redis = make(server().url);
    const admin = make(server().url);
    const first = await redis.dedicated((connection) => connection.clientId());
    await admin.clientKill({ ID: first });
    await eventually(
      () => admin.call<string>('CLIENT LIST'),
      (list) => !list.includes(`id=${first} `),
    );
    await admin.ping(); // by its reply the end of the other socket has been read, too
    expect(await redis.dedicated((connection) => connection.clientId())).not.toBe(first);
  });

  it('is made anew after reconnect(), unless it is in use', async () => {
    const redis = make(server().url);
    const first = await redis.dedicated((connection) => connection.clientId());
    await redis.reconnect();
    const second = await redis.dedicated(async (connection) => {
      await redis.reconnect();
      return connection.clientId();
    });
    expect(second).not.toBe(first);
    expect(await redis.dedicated((connection) => connection.clientId())).not.toBe(second);
  });

  it('does its work in the context of the caller, also when it is another that gives it back', async () => {
    const storage = new AsyncLocalStorage<string>();
    const redis = make({ url: server().url, leases: { max: 1 } });
    const contexts = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        storage.run(name, async () =>
          redis.dedicated(async (connection) => {
            const here = storage.getStore();
            await connection.ping();
            return [here, storage.getStore()];
          }),
        ),
      ),
    );
    expect(contexts).toStrictEqual(['a', 'b', 'c'].map((name) => [name, name]));
  });

  it('may be asked for within the work on another', async () => {
    const redis = make({ url: server().url, leases: { max: 2 } });
    const ids = await redis.dedicated(async (outer) => [
      await outer.clientId(),
      await redis.dedicated((inner) => inner.clientId()),
    ]);
    expect(new Set(ids).size).toBe(2);
  });

  it('is back when the end of its work is told', async () => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    const ids: number[] = [];
    await new Promise<void>((resolve) =>
      redis
        .dedicated((connection) => connection.clientId())
        .subscribe({
          next: (id) => ids.push(id),
          complete: () =>
            redis
              .dedicated((connection) => connection.clientId())
              .subscribe({
                next: (id) => ids.push(id),
                complete: resolve,
              }),
        }),
    );
    expect(new Set(ids).size).toBe(1);
  });
});

describe('A dedicated connection on a line that is cut', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('while it is idle is replaced, and no caller is told', async () => {
    const redis = make({ url: proxy().url() });
    await Promise.all([1, 2, 3].map(() => redis.dedicated((connection) => connection.ping())));
    const { total } = proxy().connections;
    proxy().cut();
    await until(() => proxy().connections.open === 0);
    await make(server().url).ping(); // by its reply the ends of all sockets have been read, too
    const replies = [1, 2, 3].map(() => outcome(redis.dedicated((connection) => connection.echo('a'))));
    expect(await Promise.all(replies)).toStrictEqual(Array(3).fill({ value: 'a' }));
    expect(proxy().connections.total).toBeGreaterThan(total);
  });

  it('is given back by every ending, however many there are', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 1, maxDelay: 5 }, leases: { max: 4 } });
    const admin = make(server().url);
    await admin.set('leases:n', 0);
    let ended = 0;
    const endings = Array.from(
      { length: 400 },
      (_, n) =>
        new Promise<void>((resolve) => {
          const use = redis.dedicated((connection) => {
            if (n % 7 === 0) throw new Error('careless');
            if (n % 50 === 0) proxy().cut();
            return connection.incr('leases:n').pipe(concatMap(() => (n % 5 === 0 ? connection.call('NOSUCH') : EMPTY)));
          });
          const subscription = use.subscribe({ error: () => undefined });
          subscription.add(() => {
            ended++;
            resolve();
          });
          if (n % 3 === 0) queueMicrotask(() => subscription.unsubscribe());
        }),
    );
    await Promise.all(endings);
    expect(ended).toBe(400);
    const ids = await Promise.all(
      Array.from({ length: 40 }, () => redis.dedicated((connection) => connection.clientId())),
    );
    expect(new Set(ids).size).toBeLessThanOrEqual(4);
    expect(proxy().connections.open).toBeLessThanOrEqual(4);
  });
});

describe('What the client is turned into', () => {
  const server = useServer({ own: true }, '7.0');
  const make = useClients();
  const admin = () => make(server().url);
  const whoami = (redis: Redis) => redis.dedicated((connection) => connection.aclWhoami());

  beforeEach(async () => {
    for (const name of ['ann', 'bob'])
      await admin().aclSetuser(name, ['reset', 'on', `>of-${name}`, '~*', '&*', '+@all']);
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>, RegExp]>([
    ['a database', (redis) => redis.select(3), / db=3 /],
    ['a name', (redis) => redis.clientSetname('renamed'), / name=renamed /],
    ['a user', (redis) => redis.auth('bob', 'of-bob'), / user=bob /],
    ['a setting', (redis) => redis.clientNoEvict('ON'), / flags=e /],
  ])('holds for what is lent, although it was idle: %s', async (_, change, shown) => {
    const redis = make(server().url);
    const info = () => redis.dedicated((connection) => connection.call<string>('CLIENT INFO'));
    expect(await info()).not.toMatch(shown);
    await change(redis);
    expect(await info()).toMatch(shown);
  });

  it('holds for what is lent: new credentials sign in what is idle, and no connection is made for them', async () => {
    const credentials = new BehaviorSubject<Credentials>({ username: 'ann', password: 'of-ann' });
    const redis = make({ url: server().url, credentials });
    expect(await whoami(redis)).toBe('ann');
    const before = await accepted(redis);
    credentials.next({ username: 'bob', password: 'of-bob' });
    expect(await whoami(redis)).toBe('bob');
    expect(await accepted(redis)).toBe(before);
  });

  it('does not hold for others, nor for the client, when the user of a lease does it', async () => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    await redis.dedicated(async (connection) => {
      await connection.auth('bob', 'of-bob');
      return connection.select(4);
    });
    expect(await redis.dedicated((connection) => connection.call<string>('CLIENT INFO'))).toMatch(
      / db=0 .* user=default /,
    );
    expect(await redis.call<string>('CLIENT INFO')).toMatch(/ db=0 .* user=default /);
  });
});

/** What a caller does to a connection before it leaves it, and whether the connection can be cleaned of that. */
type Dirt = readonly [what: string, after: 'kept' | 'replaced', (connection: DedicatedConnection) => unknown];

/** Sends a command, and resolves when it is written: its reply cannot have come. */
function inFlight(reply: Observable<unknown>): Promise<void> {
  record(reply);
  return new Promise((resolve) => process.nextTick(resolve));
}

const DIRT: readonly Dirt[] = [
  ['nothing', 'kept', () => undefined],
  ['commands', 'kept', (lease) => lease.set('dirt:other', 1)],
  ['a refused command', 'kept', (lease) => outcome(lease.call('NOSUCH'))],
  ['a pipeline', 'kept', (lease) => lease.pipeline(incr('dirt:n'), get('dirt:n'))],
  ['a transaction', 'kept', (lease) => lease.multi(incr('dirt:n'))],
  ['WATCH', 'kept', (lease) => lease.watch('dirt')],
  ['WATCH that was undone', 'kept', (lease) => lease.watch('dirt').then(() => lease.unwatch())],
  ['WATCH and a transaction', 'kept', (lease) => lease.watch('dirt').then(() => lease.multi(incr('dirt:n')))],
  ['MULTI', 'kept', (lease) => lease.call('MULTI')],
  ['MULTI and commands', 'kept', (lease) => lease.call('MULTI').then(() => lease.incr('dirt:n'))],
  ['MULTI and SELECT', 'kept', (lease) => lease.call('MULTI').then(() => lease.select(5))],
  ['MULTI and a refused command', 'kept', (lease) => lease.call('MULTI').then(() => outcome(lease.call('NOSUCH')))],
  ['WATCH and MULTI', 'kept', (lease) => lease.watch('dirt').then(() => lease.call('MULTI'))],
  ['MULTI, SELECT and EXEC', 'replaced', (lease) => Promise.all([lease.call('MULTI'), lease.select(5), lease.exec()])],
  ['a refused EXEC', 'kept', (lease) => outcome(lease.exec())],
  ['SELECT', 'replaced', (lease) => lease.select(5)],
  ['SELECT that was undone', 'replaced', (lease) => lease.select(5).then(() => lease.select(1))],
  ['a refused SELECT', 'kept', (lease) => outcome(lease.select(9_999))],
  ['AUTH', 'replaced', (lease) => lease.auth('dirty', 'pw')],
  ['CLIENT SETNAME', 'replaced', (lease) => lease.clientSetname('dirty')],
  ['CLIENT REPLY OFF', 'replaced', (lease) => lease.clientReply('OFF')],
  ['CLIENT REPLY OFF and ON', 'kept', (lease) => Promise.all([lease.clientReply('OFF'), lease.clientReply('ON')])],
  ['CLIENT REPLY SKIP', 'replaced', (lease) => lease.clientReply('SKIP')],
  ['CLIENT REPLY OFF and SELECT', 'replaced', (lease) => Promise.all([lease.clientReply('OFF'), lease.select(5)])],
  ['CLIENT TRACKING', 'replaced', (lease) => lease.call('CLIENT TRACKING', 'ON')],
  ['CLIENT NO-EVICT', 'replaced', (lease) => lease.call('CLIENT NO-EVICT', 'ON')],
  ['MONITOR', 'replaced', (lease) => firstValueFrom(merge(lease.monitor(), lease.echo('seen by MONITOR')))],
  ['RESET', 'replaced', (lease) => lease.reset()],
  ['HELLO', 'replaced', (lease) => lease.hello(2)],
  ['BLPOP that goes on', 'replaced', (lease) => inFlight(lease.blpop('dirt:none', 0))],
  ['a command in flight', 'kept', (lease) => inFlight(lease.incr('dirt:n'))],
  ['SELECT in flight', 'replaced', (lease) => inFlight(lease.select(5))],
  ['QUIT', 'replaced', (lease) => lease.quit()],
];

describe.each([2, 3] as const)('What a caller leaves on a dedicated connection in RESP%d', (protocol) => {
  const server = useServer({ own: true }, '7.0');
  const make = useClients();

  beforeEach(() => make(server().url).aclSetuser('dirty', ['reset', 'on', '>pw', '~*', '&*', '+@all']));

  it.each(DIRT)('is nothing that the next one sees: %s (%s)', async (_, after, leave) => {
    const redis = make({ url: server().url, protocol, database: 1, clientName: 'clean', leases: { max: 1 } });
    const other = make({ url: server().url, database: 1 });
    const fate: { id?: number } = {};
    await redis.dedicated(async (connection) => {
      fate.id = await connection.clientId();
      await leave(connection);
    });
    const next = await redis.dedicated(async (connection) => {
      const info = connection.call<string>('CLIENT INFO').then();
      await other.incr('dirt');
      const exec = await connection.multi(get('dirt'));
      return { info: await info, exec, echo: await connection.echo('a'), id: await connection.clientId() };
    });
    // An open transaction, tracking, MONITOR and settings all show in the flags; N stands for none.
    expect(next.info).toMatch(new RegExp(` name=clean .* flags=N (capa= )?db=1 .* user=default .*resp=${protocol}\\s`));
    expect(next.exec).toStrictEqual([await other.get('dirt')]);
    expect(next.echo).toBe('a');
    expect(next.id === fate.id ? 'kept' : 'replaced').toBe(after);
  });
});

describe('A dedicated connection on a server that is busy', () => {
  const server = useServer({ own: true, args: ['--lua-time-limit', '10'] });
  const make = useClients();

  it('repeats nothing by itself: its caller gets the refusal, and decides', async () => {
    const asked: unknown[] = [];
    const retry = (error: unknown) => {
      asked.push(error);
      return 1;
    };
    const redis = make({ url: server().url, retry });
    const admin = make({ url: server().url, retry: () => false });
    await redis.dedicated(async (connection) => {
      await connection.ping();
      const script = outcome(make(server().url).eval('while true do end'));
      await eventually(
        () => outcome(admin.ping()),
        (ended) => 'error' in ended && String(ended.error).includes('BUSY'),
      );
      expect(await outcome(connection.get('k'))).toMatchObject({ error: { kind: 'BUSY' } });
      expect(asked).toStrictEqual([]);
      await admin.scriptKill();
      await script;
    });
  });
});

describe('A blocking command on a dedicated connection', () => {
  const server = useServer();
  const make = useClients();

  it('that is left takes no element from the next', async () => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    await redis.del('leases:q');
    const left = record(redis.dedicated((connection) => connection.blpop('leases:q', 0)));
    await eventually(
      () => redis.call<string>('CLIENT LIST'),
      (list) => list.includes('cmd=blpop'),
    );
    left.stop();
    await eventually(
      () => redis.call<string>('CLIENT LIST'),
      (list) => !list.includes('cmd=blpop'),
    );
    await redis.rpush('leases:q', 'v');
    expect(await redis.dedicated((connection) => connection.blpop('leases:q', 0))).toStrictEqual(['leases:q', 'v']);
  });

  it('has values that all come before the next has the connection', async () => {
    const redis = make({ url: server().url, leases: { max: 1 } });
    await redis.del('leases:q');
    await redis.rpush('leases:q', 'a', 'b');
    const values = await Promise.all(
      [1, 2].map(() => redis.dedicated((connection) => connection.blpop('leases:q', 1).pipe(concatMap((v) => of(v))))),
    );
    expect(values).toStrictEqual([
      ['leases:q', 'a'],
      ['leases:q', 'b'],
    ]);
  });
});

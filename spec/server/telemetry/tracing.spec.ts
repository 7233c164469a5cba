import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { trace, type Span } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import {
  concatMap,
  filter,
  first,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  switchMap,
  take,
  tap,
  timer,
  toArray,
} from 'rxjs';
import type { Redis, RedisOptions, RedisPool, TelemetryTracer } from 'rxjs-redis';
import { get, incr, set } from 'rxjs-redis/commands';
import { eventually, reaches, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { afterHandshake, greeting, useScriptedServers } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';
import { eventsOf, useTracing } from '../../support/telemetry';

describe('A span', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
  const script = useScriptedServers();
  const { spans, open, within } = useTracing();
  const client = (options: RedisOptions = {}): Redis =>
    make({ url: proxy().url(), telemetry: true, reconnect: { initialDelay: 1, maxDelay: 5 }, ...options });

  beforeEach(async () => {
    await make(server().url).flushall();
  });

  afterEach(() => {
    expect(open()).toBe(0);
  });

  const only = (name: string): ReadableSpan => {
    const named = spans().filter((span) => span.name === name);
    expect(named).toHaveLength(1);
    return named[0]!;
  };
  const parentsOf = (name: string): (string | undefined)[] =>
    spans()
      .filter((span) => span.name === name)
      .map(({ parentSpanContext }) => parentSpanContext?.spanId);
  const idOf = (span: Span): string => span.spanContext().spanId;

  it('tells the command, the server and its keys, and no value', async () => {
    const redis = client();
    await redis.set('k', 'hunter2');
    const { kind, attributes, status } = only('redis.SET');
    expect(kind).toBe(2);
    expect(status).toStrictEqual({ code: 0 });
    expect(attributes).toStrictEqual({
      'db.system': 'redis',
      'db.operation': 'SET',
      'db.statement': 'SET k ?',
      'db.redis.database_index': 0,
      'net.peer.name': '127.0.0.1',
      'net.peer.port': proxy().port,
    });
  });

  describe('in the words of the stable conventions', () => {
    const asked = process.env['OTEL_SEMCONV_STABILITY_OPT_IN'];
    afterEach(() => {
      if (asked === undefined) delete process.env['OTEL_SEMCONV_STABILITY_OPT_IN'];
      else process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = asked;
    });

    it('has their attributes alone', async () => {
      process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'http, database';
      const redis = client({ database: 3 });
      await redis.set('k', 'v');
      await failure(redis.lpush('k', 'v'));
      await redis.pipeline(get('k'), get('l'));
      await redis.multi(get('k'), incr('n'));
      await redis.pipeline(get('k'));
      await redis.select(4);
      await redis.evalsha('0'.repeat(40), []).catch(() => undefined);
      expect(only('redis.SET').attributes).toStrictEqual({
        'db.system.name': 'redis',
        'db.operation.name': 'SET',
        'db.query.text': 'SET k ?',
        'db.namespace': '3',
        'server.address': '127.0.0.1',
        'server.port': proxy().port,
        'network.peer.address': '127.0.0.1',
        'network.peer.port': proxy().port,
      });
      expect(only('redis.LPUSH').attributes).toMatchObject({
        'error.type': 'WRONGTYPE',
        'db.response.status_code': 'WRONGTYPE',
      });
      const [both, single] = spans().filter(({ name }) => name === 'redis.PIPELINE');
      expect(both!.attributes).toMatchObject({
        'db.operation.name': 'PIPELINE GET',
        'db.operation.batch.size': 2,
        'db.query.text': 'GET k; GET l',
      });
      expect(single!.attributes).toMatchObject({ 'db.operation.name': 'GET' });
      expect(single!.attributes).not.toHaveProperty(['db.operation.batch.size']);
      expect(only('redis.MULTI').attributes).toMatchObject({ 'db.operation.name': 'MULTI' });
      expect(only('redis.EVALSHA').attributes).toMatchObject({
        'db.namespace': '4',
        'db.stored_procedure.name': '0'.repeat(40),
        'error.type': 'NOSCRIPT',
      });
    });

    it('has the attributes of both, where that is asked for', async () => {
      process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database/dup';
      await client().get('k');
      const { attributes } = only('redis.GET');
      expect(attributes).toMatchObject({ 'db.system': 'redis', 'db.statement': 'GET k', 'net.peer.name': '127.0.0.1' });
      expect(attributes).toMatchObject({ 'db.system.name': 'redis', 'db.query.text': 'GET k', 'db.namespace': '0' });
    });
  });

  it('shows values where that is wanted, but for secrets, and what its user leaves of them', async () => {
    const attributes = { team: 'orders', shard: 7 };
    const redis = client({ telemetry: { includeArgs: true, attributes } });
    await redis.set('k', 'a value');
    await failure(redis.auth('ann', 'hunter2'));
    await redis.eval('return 1', ['k'], ['hunter2']);
    expect(only('redis.SET').attributes).toMatchObject({ ...attributes, 'db.statement': 'SET k "a value"' });
    expect(only('redis.AUTH').attributes).toMatchObject({ 'db.statement': 'AUTH ? ?' });
    expect(only('redis.EVAL').attributes).toMatchObject({ 'db.statement': 'EVAL ? ? k ?' });
    const redact = (_: string, args: readonly string[]) => args.map((arg) => arg.replace(/\d+/, '#'));
    await client({ telemetry: { includeArgs: true, redact } }).get('user:42');
    expect(spans().at(-1)!.attributes).toMatchObject({ 'db.statement': 'GET user:#' });
    const throwing = () => {
      throw new Error('of the user');
    };
    await client({ telemetry: { redact: throwing } }).get('user:42');
    expect(spans().at(-1)!.attributes).toMatchObject({ 'db.statement': 'GET ?' });
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['firstValueFrom', (redis) => firstValueFrom(redis.get('k'))],
    ['await', async (redis) => redis.get('k')],
    ['await behind await', async (redis) => (await redis.ping(), await redis.get('k'))],
    ['a timer', async (redis) => (await firstValueFrom(timer(0)), await redis.get('k'))],
    ['switchMap', (redis) => firstValueFrom(redis.ping().pipe(switchMap(() => redis.get('k'))))],
    [
      'concatMap',
      (redis) => lastValueFrom(from([1, 2]).pipe(concatMap((n) => (n === 1 ? redis.ping() : redis.get('k'))))),
    ],
    ['a connection of its own', (redis) => redis.dedicated((connection) => connection.get('k'))],
    [
      'a wait at the server',
      (redis) => firstValueFrom(redis.blpop('none', 0.001).pipe(switchMap(() => redis.get('k')))),
    ],
    ['a pipeline', (redis) => firstValueFrom(redis.pipeline(set('a', 1)).pipe(switchMap(() => redis.get('k'))))],
  ])('belongs to the span that was active at subscription: through %s', async (_, work) => {
    const redis = client();
    const [one, other] = await Promise.all(
      [1, 2].map(() => within(async (parent) => (await work(redis), idOf(parent)))),
    );
    expect(parentsOf('redis.GET').sort()).toStrictEqual([one, other].sort());
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['a Promise', (redis) => redis.watch('k', async (_, lent) => (await lent.get('k'), [incr('n')]))],
    ['an Observable', (redis) => redis.watch('k', (_, lent) => lent.get('k').pipe(map(() => [incr('n')])))],
    ['the client itself', (redis) => redis.watch('k', () => redis.get('k').pipe(map(() => [incr('n')])))],
    [
      'an attempt after a conflict',
      (redis) => {
        let attempts = 0;
        return redis.watch('k', async () => {
          if (attempts++ === 0) await make(server().url).set('k', 'changed');
          else await redis.get('k');
          return [incr('n')];
        });
      },
    ],
  ])('belongs to the span of the watch whose function sends it: %s', async (_, work) => {
    const redis = client();
    const parents = await Promise.all([1, 2].map(() => within(async (parent) => (await work(redis), idOf(parent)))));
    const watches = spans().filter(({ name }) => name === 'redis.WATCH');
    expect(parentsOf('redis.GET').sort()).toStrictEqual(watches.map((span) => span.spanContext().spanId).sort());
    expect(parentsOf('redis.WATCH').sort()).toStrictEqual(parents.sort());
  });

  it('belongs to its caller again behind a watch, and beside one whose tracer makes none active', async () => {
    const redis = client();
    const parent = await within(async (span) => {
      await firstValueFrom(redis.watch('k', () => [incr('n')]).pipe(switchMap(() => redis.get('k'))));
      return idOf(span);
    });
    expect(parentsOf('redis.GET')).toStrictEqual([parent]);
    const tracer = trace.getTracer('spec');
    const bare: TelemetryTracer = { startSpan: (name, options) => tracer.startSpan(name, options) };
    const other = client({ telemetry: { tracer: bare } });
    const second = await within(async (span) => {
      await other.watch('k', async (_, lent) => (await lent.get('k'), [incr('n')]));
      return idOf(span);
    });
    expect(parentsOf('redis.GET')).toStrictEqual([parent, second]);
    expect(parentsOf('redis.WATCH')).toStrictEqual([parent, second]);
  });

  it('belongs to its caller when it is sent again, after a refusal or to the next server', async () => {
    let isOld = true;
    const refusals = ['-LOADING Redis is loading the dataset in memory\r\n'];
    const moved = await script(
      afterHandshake((words) => {
        if (words[0] !== 'SET') return '+OK\r\n';
        const refusal = refusals.pop();
        if (refusal !== undefined) return refusal;
        if (!isOld) return '+OK\r\n';
        isOld = false;
        return "-READONLY You can't write against a read only replica.\r\n";
      }),
    );
    const redis = make({ url: moved.url, telemetry: true, retry: { initialDelay: 1 }, reconnect: { initialDelay: 1 } });
    const parent = await within(async (span) => (await redis.set('k', 'v'), idOf(span)));
    const span = only('redis.SET');
    expect(parentsOf('redis.SET')).toStrictEqual([parent]);
    expect(eventsOf(span).filter((name) => name !== 'redis.reconnecting')).toStrictEqual([
      'redis.queued',
      'redis.written',
      'redis.retry',
      'redis.written',
      'redis.redirect',
      'redis.reconnect',
      'redis.written',
    ]);
    const redirect = span.events.find(({ name }) => name === 'redis.redirect');
    expect(redirect!.attributes).toStrictEqual({
      'redis.attempt': 2,
      'error.type': 'READONLY',
      'redis.delivery': 'answered',
    });
  });

  it.each<[string, (url: string) => Redis | RedisPool]>([
    ['a client', (url) => make({ url, telemetry: true, reconnect: { initialDelay: 1, maxDelay: 1 } })],
    ['a pool', (url) => makePool({ url, telemetry: true, reconnect: { initialDelay: 1, maxDelay: 1 } })],
  ])('tells of each attempt at a connection that follows while its command waits: %s', async (_, of) => {
    let turnedAway = 0;
    const away = await script((words, socket) => {
      if (words[0] !== 'HELLO') return '+v\r\n';
      if (turnedAway++ > 4) return greeting;
      socket.destroy();
      return undefined;
    });
    const redis = of(away.url);
    const attempts: unknown[] = [];
    redis.events$.subscribe((event) => event.type === 'reconnecting' && attempts.push(event.attempt));
    await redis.get('k');
    await redis.close();
    const { events } = only('redis.GET');
    const told = events.filter(({ name }) => name === 'redis.reconnecting').map(({ attributes }) => attributes!);
    expect(attempts.length).toBeGreaterThan(1);
    expect(told.map((attributes) => attributes['redis.attempt'])).toStrictEqual(attempts);
    expect(told.every((attributes) => Number(attributes['redis.delay']) <= 0.002)).toBe(true);
    expect(events.at(-1)!.name).toBe('redis.written');
  });

  it('tells on every way when its command was written', async () => {
    const redis = client();
    const pool = makePool({ url: proxy().url(), telemetry: true });
    const gets: [string, PromiseLike<unknown>][] = [
      ['a client', redis.get('k')],
      ['with an Observer', firstValueFrom(redis.get('k'))],
      ['a connection of its own', redis.dedicated((lent) => lent.get('k'))],
      ['a pool', pool.get('k')],
      ['a pool with an Observer', firstValueFrom(pool.get('k'))],
      ['a connection of the pool', pool.use((lent) => lent.get('k'))],
    ];
    await Promise.all(gets.map(([, reply]) => reply));
    await redis.blpop('none', 0.001);
    await pool.blpop('none', 0.001);
    await redis.publish('c', 'm');
    await pool.close();
    const all = spans().filter(({ name }) => name !== 'redis.WATCH');
    expect(all).toHaveLength(gets.length + 3);
    expect(all.map((span) => eventsOf(span).at(-1))).toStrictEqual(all.map(() => 'redis.written'));
  });

  it('tells that its command waits for a connection of a pool that has lent all', async () => {
    const pool = makePool({ url: proxy().url(), telemetry: true, max: 1 });
    const lent = await pool.acquire();
    await lent.ping();
    const waiting = firstValueFrom(pool.get('k'));
    pool.release(lent);
    await waiting;
    await pool.set('k', 'v');
    await pool.close();
    expect(eventsOf(only('redis.GET'))).toStrictEqual(['redis.queued', 'redis.written']);
    expect(eventsOf(only('redis.SET'))).toStrictEqual(['redis.written']);
  });

  it('belongs to the subscription of a worker of a queue', async () => {
    const redis = client();
    const jobs = redis.queue('q');
    await jobs.push('a');
    const parent = await within(async (span) => {
      const done$ = jobs.work(() => redis.get('handled'));
      await firstValueFrom(done$.pipe(filter(({ type }) => type === 'done')));
      return idOf(span);
    });
    await redis.close();
    expect(parentsOf('redis.GET')).toStrictEqual([parent]);
    const own = spans().filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent);
    // Scripts take jobs and settle them; BLPOP or the like waits for one.
    expect(own.map(({ name }) => name).filter((name) => name !== 'redis.GET').length).toBeGreaterThan(1);
  });

  it('belongs to that also on the connections of a pool', async () => {
    const pool = makePool({ url: proxy().url(), telemetry: true, max: 2 });
    const [one, other] = await Promise.all(
      [1, 2].map(() =>
        within(async (parent) => {
          await firstValueFrom(pool.ping().pipe(switchMap(() => pool.get('k'))));
          await pool.use((connection) => connection.get('k'));
          return idOf(parent);
        }),
      ),
    );
    expect(parentsOf('redis.GET').sort()).toStrictEqual([one, one, other, other].sort());
    await pool.close();
  });

  it('is one for a pipeline, a transaction, a script and a watch, with their size and the names of their commands', async () => {
    const redis = client();
    await redis.pipeline(set('k', 'v'), incr('k'), get('k'));
    await redis.multi(incr('n'), get('n'));
    const double = redis.script('return ARGV[1] * 2', { keys: 0 });
    await double([], [4]);
    await redis.watch(['n', 'k'], () => [incr('n')]);
    expect(spans().map(({ name }) => name)).toStrictEqual([
      'redis.PIPELINE',
      'redis.MULTI',
      'redis.EVALSHA',
      'redis.WATCH',
    ]);
    expect(only('redis.PIPELINE').attributes).toMatchObject({
      'redis.pipeline.size': 3,
      'redis.commands': ['SET', 'INCR', 'GET'],
      'redis.pipeline.errors': 1,
      'db.statement': 'SET k ?; INCR k; GET k',
    });
    expect(only('redis.MULTI').attributes).toMatchObject({
      'redis.pipeline.size': 2,
      'redis.commands': ['INCR', 'GET'],
    });
    expect(only('redis.EVALSHA').attributes).toHaveProperty(['redis.script']);
    expect(only('redis.WATCH').attributes).toMatchObject({
      'redis.watch.keys': 2,
      'redis.watch.attempts': 1,
      'redis.pipeline.size': 1,
      'redis.commands': ['INCR'],
    });
  });

  it('is one of the read alone where CLIENT CACHING goes before it, for lines, metrics and channels as well', async () => {
    const lines: string[] = [];
    const sizes: number[] = [];
    const nothing = { add: () => undefined, record: () => undefined, addCallback: () => undefined };
    const meter = {
      createCounter: () => nothing,
      createUpDownCounter: () => nothing,
      createHistogram: (name: string) =>
        name === 'redis.pipeline.size' ? { record: (size: number) => sizes.push(size) } : nothing,
      createObservableGauge: () => nothing,
      createObservableUpDownCounter: () => nothing,
    };
    const told: unknown[] = [];
    const start = (message: unknown): void => void told.push(message);
    subscribe('tracing:rxjs-redis:command:start', start);
    const redis = client({
      url: server().url,
      telemetry: { meter },
      debug: (direction, text) => direction === 'send' && lines.push(text),
    });
    await firstValueFrom(redis.live(get('k')));
    unsubscribe('tracing:rxjs-redis:command:start', start);
    const { attributes } = only('redis.GET');
    expect(attributes).toMatchObject({ 'db.operation': 'GET', 'db.statement': 'GET k' });
    expect(attributes).not.toHaveProperty(['redis.pipeline.size']);
    expect(lines).toStrictEqual([expect.stringMatching(/ GET, 1 B, after /)]);
    expect(told).toMatchObject([{ command: 'GET', args: ['k'] }]);
    expect(sizes).toStrictEqual([]);
  });

  it('tells that it was queued and written, was lost with its connection and repeated on the next', async () => {
    const redis = client();
    await redis.set('k', 'v');
    expect(eventsOf(only('redis.SET'))).toStrictEqual(['redis.queued', 'redis.written']);
    proxy().blackhole(true);
    const parent = within((span) => {
      const value = redis.get('k').pipe(switchMap(() => redis.get('l')));
      return { value: firstValueFrom(value), id: idOf(span) };
    });
    await new Promise(setImmediate);
    proxy().cut();
    proxy().blackhole(false);
    await parent.value;
    const [repeated] = spans().filter(({ name }) => name === 'redis.GET');
    expect(eventsOf(repeated!)).toStrictEqual([
      'redis.written',
      'redis.retry',
      'redis.reconnecting',
      'redis.reconnect',
      'redis.written',
    ]);
    expect(repeated!.events[1]!.attributes).toStrictEqual({
      'redis.attempt': 1,
      'error.type': 'CONNECTION',
      'redis.delivery': 'unknown',
    });
    expect(parentsOf('redis.GET')).toStrictEqual([parent.id, parent.id]);
  });

  it('tells that a server has refused the command for the moment', async () => {
    let loading = 2;
    const busy = await script((words) => {
      if (words[0] === 'HELLO') return '%1\r\n$5\r\nproto\r\n:3\r\n';
      if (words[0] !== 'GET') return '+OK\r\n';
      return loading-- > 0 ? '-LOADING Redis is loading the dataset in memory\r\n' : '+v\r\n';
    });
    const redis = make({ url: busy.url, telemetry: true, retry: { initialDelay: 1 } });
    await redis.get('k');
    const { events, status } = only('redis.GET');
    expect(status).toStrictEqual({ code: 0 });
    expect(
      events.filter(({ name }) => name === 'redis.retry').map(({ attributes }) => attributes!['error.type']),
    ).toStrictEqual(['LOADING', 'LOADING']);
  });

  it('records how a command has failed, and how far it got', async () => {
    const redis = client({ retry: false });
    await redis.set('k', 'v');
    await failure(redis.lpush('k', 'x'));
    const refused = only('redis.LPUSH');
    expect(refused.status.code).toBe(2);
    expect(refused.attributes).toMatchObject({ 'error.type': 'WRONGTYPE', 'redis.delivery': 'answered' });
    expect(eventsOf(refused)).toContain('exception');
    proxy().blackhole(true);
    const lost = failure(redis.incr('n'));
    await new Promise(setImmediate);
    proxy().cut();
    await lost;
    expect(only('redis.INCR').attributes).toMatchObject({ 'error.type': 'CONNECTION', 'redis.delivery': 'unknown' });
    proxy().blackhole(false);
  });

  it('ends with the command in every ending', async () => {
    const redis = client({ retry: false });
    await redis.connect();
    proxy().blackhole(true);
    redis.get('left').subscribe().unsubscribe();
    const left = redis.get('written').subscribe();
    await new Promise(setImmediate);
    left.unsubscribe();
    const late = failure(redis.withOptions({ commandTimeout: 5 }).get('late'));
    await late;
    const destroyed = failure(redis.incr('n'));
    const waiting = failure(redis.blpop('q', 0));
    await redis.destroy();
    await Promise.all([destroyed, waiting, failure(redis.set('closed', 1))]);
    proxy().blackhole(false);
    expect(
      spans().map(({ name, attributes }) => [name, attributes['error.type'] ?? attributes['redis.unsubscribed']]),
    ).toStrictEqual(
      expect.arrayContaining([
        ['redis.GET', true],
        ['redis.GET', true],
        ['redis.GET', 'TIMEOUT'],
        ['redis.INCR', 'DISCONNECTED'],
        ['redis.BLPOP', 'DISCONNECTED'],
        ['redis.SET', 'DISCONNECTED'],
      ]),
    );
    expect(open()).toBe(0);
  });

  it('ends where a wait at the server is left, and where a reply is not to come', async () => {
    const redis = client();
    const left = redis.blpop('q', 0).subscribe();
    await eventually(
      () => make(server().url).clientList(),
      (list) => JSON.stringify(list).includes('blpop'),
    );
    left.unsubscribe();
    await redis.dedicated(async (connection) => {
      await connection.clientReply('OFF');
      await connection.set('k', 'v');
      await connection.clientReply('ON');
    });
    await eventually(
      () => Promise.resolve(open()),
      (count) => count === 0,
    );
    expect(only('redis.BLPOP').attributes).toMatchObject({ 'redis.unsubscribed': true });
    expect(only('redis.SET').status).toStrictEqual({ code: 0 });
  });

  it('belongs to the subscription of a consumer, of a tail and of a scan', async () => {
    const redis = client();
    const writer = make(server().url);
    await writer.pipeline(['a', 'b', 'c'].map((value) => set(value, value)));
    await writer.xadd('s', '*', { n: '1' });
    const parents = await Promise.all([
      within(async (parent) => {
        const progress$ = redis.consume('s', { group: 'g', from: '0' }, () => redis.get('handled'));
        await firstValueFrom(
          progress$.pipe(
            tap(({ handled }) => handled === 1 && writer.xadd('s', '*', { n: '2' }).forget()),
            first(({ handled }) => handled > 1),
          ),
        );
        return idOf(parent);
      }),
      within(async (parent) => {
        await firstValueFrom(redis.scanStream({ COUNT: 1 }).pipe(toArray()));
        return idOf(parent);
      }),
      within(async (parent) => {
        await firstValueFrom(redis.tail({ s: '0' }).pipe(take(2), toArray()));
        return idOf(parent);
      }),
    ]);
    await redis.close();
    await reaches(redis, 'closed');
    const known = new Set(parents);
    const strangers = spans()
      .filter(({ name }) => /^redis\.(X|GET|SCAN)/.test(name))
      .filter(({ parentSpanContext }) => !known.has(parentSpanContext?.spanId ?? ''));
    expect(strangers.map(({ name }) => name)).toStrictEqual([]);
    expect(parentsOf('redis.GET')).toStrictEqual([parents[0], parents[0]]);
    expect(parentsOf('redis.XREADGROUP').length).toBeGreaterThan(1);
    expect(parentsOf('redis.XACK')).toContain(parents[0]);
  });

  it('costs a command nothing but itself where what it is made with fails', async () => {
    const broken = {
      startSpan: () => {
        throw new Error('of the tracer');
      },
    };
    const errors: unknown[] = [];
    const { config } = await import('rxjs');
    config.onUnhandledError = (error) => errors.push(error);
    try {
      const redis = client({ telemetry: { tracer: broken } });
      expect(await redis.set('k', 'v')).toBe('OK');
      await new Promise(setImmediate);
      expect(errors).toStrictEqual([new Error('of the tracer')]);
    } finally {
      config.onUnhandledError = null;
    }
  });
});

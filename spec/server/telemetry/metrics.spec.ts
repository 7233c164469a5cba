import { once } from 'node:events';
import { createServer, get as request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NEVER, firstValueFrom } from 'rxjs';
import type { Inspection, Redis, RedisOptions, TelemetryInstrument, TelemetryMeter } from 'rxjs-redis';
import { call, get, incr, set } from 'rxjs-redis/commands';
import { eventually, reaches, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useScriptedServers } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';

/** What a client does in the next turn of the event loop. */
const nextTurn = (client: Pick<Redis, 'inspect'>): Promise<Inspection> =>
  new Promise((resolve) => setImmediate(() => resolve(client.inspect())));

describe('Metrics', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
  const script = useScriptedServers();
  let exporter: PrometheusExporter;
  let provider: MeterProvider;
  const asked = process.env['OTEL_SEMCONV_STABILITY_OPT_IN'];

  beforeEach(() => {
    exporter = new PrometheusExporter({ preventServerStart: true });
    provider = new MeterProvider({ readers: [exporter] });
  });
  afterEach(async () => {
    await provider.shutdown();
    if (asked === undefined) delete process.env['OTEL_SEMCONV_STABILITY_OPT_IN'];
    else process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = asked;
  });

  const telemetry = () => ({ tracer: false, meter: provider.getMeter('spec') }) as const;
  const client = (options: RedisOptions = {}): Redis =>
    make({ url: proxy().url(), telemetry: telemetry(), reconnect: { initialDelay: 1, maxDelay: 5 }, ...options });

  /** What Prometheus would see. */
  const scrape = async (): Promise<string> => {
    const http = createServer((scraped, answer) => exporter.getMetricsRequestHandler(scraped, answer));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const sent = request(`http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const body = await text(response);
    http.close();
    return body;
  };
  /** The value of a metric with labels that contain these; undefined where there is none. */
  const valueIn = (body: string, name: string, ...labels: string[]): number | undefined => {
    const line = body
      .split('\n')
      .find((one) => one.startsWith(`${name}{`) && labels.every((label) => one.includes(label)));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf('} ') + 2).split(' ')[0]);
  };

  it('count commands, failures and sizes, and measure seconds', async () => {
    const redis = client();
    await redis.set('k', 'hunter2');
    await redis.get('k');
    await redis.get('k');
    await failure(redis.lpush('k', 'x'));
    await failure(redis.call('NO.SUCH', 'hunter2'));
    await redis.pipeline(set('k', 1), get('k'));
    const body = await scrape();
    expect(valueIn(body, 'redis_commands_total', 'db_operation="GET"')).toBe(2);
    expect(valueIn(body, 'redis_commands_total', 'db_operation="_OTHER"')).toBe(1);
    expect(valueIn(body, 'redis_commands_duration_count', 'db_operation="GET"')).toBe(2);
    expect(valueIn(body, 'redis_commands_duration_bucket', 'db_operation="GET"', 'le="+Inf"')).toBe(2);
    expect(valueIn(body, 'redis_commands_duration_sum', 'db_operation="GET"')).toBeGreaterThan(0);
    expect(valueIn(body, 'redis_errors_total', 'error_type="WRONGTYPE"')).toBe(1);
    expect(valueIn(body, 'redis_pipeline_size_sum', 'db_operation="PIPELINE"')).toBe(2);
    expect(valueIn(body, 'redis_commands_total', `net_peer_port="${proxy().port}"`, 'db_system="redis"')).toBeDefined();
    expect(body).not.toContain('hunter2');
    expect(body).not.toContain('db_client');
  });

  it('have the attributes that their user gives, all but the delay of the event loop, which is of no client', async () => {
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database/dup';
    const redis = client({ telemetry: { ...telemetry(), attributes: { team: 'orders' } }, cache: {} });
    await failure(redis.lpush('k', 'x'));
    await redis.pipeline(get('k'));
    await redis.dedicated((lent) => lent.get('k'));
    const samples = (await scrape()).split('\n').filter((line) => /^(redis|db)_/.test(line));
    const without = samples.filter((line) => !line.includes('team="orders"'));
    expect(without.map((line) => line.split('{')[0])).toStrictEqual(['redis_event_loop_delay']);
    expect(samples.length).toBeGreaterThan(100);
  });

  it('have no label for an error whose word a script has chosen', async () => {
    const redis = client();
    await failure(redis.eval("return redis.error_reply('MINE and no other')", []));
    const body = await scrape();
    expect(valueIn(body, 'redis_errors_total', 'error_type="_OTHER"')).toBe(1);
    expect(body).not.toContain('MINE');
  });

  it('are those of the stable conventions, where they are asked for', async () => {
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database';
    const redis = client();
    await redis.get('k');
    await failure(redis.call('NO.SUCH'));
    await redis.dedicated((connection) => connection.get('k'));
    const body = await scrape();
    expect(valueIn(body, 'db_client_operation_duration_count', 'db_operation_name="GET"')).toBe(2);
    const failed = ['error_type="ERR"', 'db_response_status_code="ERR"'];
    expect(valueIn(body, 'db_client_operation_duration_count', ...failed)).toBe(1);
    expect(valueIn(body, 'db_client_operation_duration_bucket', 'le="0.001"')).toBeDefined();
    expect(valueIn(body, 'db_client_connection_count', 'db_client_connection_state="idle"')).toBe(1);
    expect(valueIn(body, 'db_client_connection_pending_requests')).toBe(0);
    expect(body).not.toContain('net_peer');
  });

  it('name groups as their spans do in the stable conventions, and no command that the facts do not have', async () => {
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database';
    const redis = client();
    await redis.pipeline(get('a'), get('b'));
    await redis.pipeline(incr('n'));
    await redis.multi(get('a'), get('b'));
    await redis.multi(get('a'), set('b', 1));
    await redis.pipeline(call('NO.SUCH'), call('NO.SUCH'));
    const body = await scrape();
    const named = (name: string) => valueIn(body, 'db_client_operation_duration_count', `db_operation_name="${name}"`);
    const names = ['PIPELINE GET', 'INCR', 'MULTI GET', 'MULTI', 'PIPELINE'];
    expect(names.map(named)).toStrictEqual([1, 1, 1, 1, 1]);
    expect(body).not.toContain('NO.SUCH');
  });

  it('are those of the stable conventions for a pool, and measure how it is used', async () => {
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database';
    const pool = makePool({ url: proxy().url(), telemetry: telemetry(), min: 1, max: 2, acquireTimeout: Infinity });
    const [one, other] = [await pool.acquire(), await pool.acquire()];
    const left = pool.acquire().subscribe();
    const busy = await scrape();
    const name = `pool_name="127.0.0.1:${proxy().port}/0"`;
    const connection = (metric: string, body: string, ...labels: string[]) =>
      valueIn(body, `db_client_connection_${metric}`, name, ...labels);
    expect(connection('count', busy, 'state="used"')).toBe(2);
    expect(connection('count', busy, 'state="idle"')).toBe(0);
    expect(connection('max', busy)).toBe(2);
    expect(connection('idle_max', busy)).toBe(2);
    expect(connection('idle_min', busy)).toBe(1);
    expect(connection('pending_requests', busy)).toBe(1);
    expect(connection('create_time_count', busy)).toBe(2);
    expect(connection('create_time_sum', busy)).toBeGreaterThan(0);
    expect(connection('wait_time_count', busy)).toBe(2);
    expect(connection('use_time_count', busy)).toBeUndefined();
    left.unsubscribe();
    pool.release(one);
    pool.release(other);
    await pool.use((lent) => lent.ping());
    const idle = await scrape();
    expect(connection('wait_time_count', idle)).toBe(3);
    expect(connection('use_time_count', idle)).toBe(3);
    expect(connection('use_time_bucket', idle, 'le="+Inf"')).toBe(3);
    expect(connection('use_time_sum', idle)).toBeGreaterThan(0);
    await pool.close();
    const closed = await scrape();
    for (const metric of ['count', 'max', 'idle_max', 'idle_min', 'pending_requests']) {
      expect(connection(metric, closed)).toBe(0);
    }
  });

  it('count callers whose time for a connection was over', async () => {
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database';
    const silent = await script(() => undefined);
    const pool = makePool({ url: silent.url, telemetry: telemetry(), acquireTimeout: 5 });
    expect(await failure(pool.acquire())).toMatchObject({ code: 'TIMEOUT' });
    expect(await failure(pool.use((lent) => lent.ping()))).toMatchObject({ code: 'TIMEOUT' });
    const body = await scrape();
    expect(valueIn(body, 'db_client_connection_timeouts_total')).toBe(2);
    expect(valueIn(body, 'db_client_connection_wait_time_count')).toBeUndefined();
  });

  it('have the instruments, names and units of the stable conventions', () => {
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database';
    const made: [string, string, string][] = [];
    const instrument = (kind: string, result: unknown) => (name: string, options: TelemetryInstrument) => {
      made.push([kind, name, options.unit]);
      return result as never;
    };
    const nothing = { add: () => undefined, record: () => undefined, addCallback: () => undefined };
    const meter: TelemetryMeter = {
      createCounter: instrument('counter', nothing),
      createUpDownCounter: instrument('updowncounter', nothing),
      createHistogram: instrument('histogram', nothing),
      createObservableGauge: instrument('gauge', nothing),
      createObservableUpDownCounter: instrument('updowncounter', nothing),
    };
    make({ url: proxy().url(), telemetry: { tracer: false, meter } });
    expect(made.filter(([, name]) => name.startsWith('db.')).sort(byName)).toStrictEqual([
      ['updowncounter', 'db.client.connection.count', '{connection}'],
      ['histogram', 'db.client.connection.create_time', 's'],
      ['updowncounter', 'db.client.connection.idle.max', '{connection}'],
      ['updowncounter', 'db.client.connection.idle.min', '{connection}'],
      ['updowncounter', 'db.client.connection.max', '{connection}'],
      ['updowncounter', 'db.client.connection.pending_requests', '{request}'],
      ['counter', 'db.client.connection.timeouts', '{timeout}'],
      ['histogram', 'db.client.connection.use_time', 's'],
      ['histogram', 'db.client.connection.wait_time', 's'],
      ['histogram', 'db.client.operation.duration', 's'],
    ]);
  });

  it.each<['drop-oldest' | 'drop-newest' | 'latest', number]>([
    ['drop-oldest', 3],
    ['drop-newest', 3],
    ['latest', 4],
  ])('count the messages that are dropped, as the loop is told: %s', async (overflow, count) => {
    const redis = client();
    const buffer = overflow === 'latest' ? {} : { buffer: 2 };
    const loop = redis.subscribe('d', { overflow, ...buffer })[Symbol.asyncIterator]();
    const first = loop.next();
    await redis.publish('d', 'first');
    await first;
    for (let n = 0; n < 5; n++) await redis.publish('d', String(n));
    await eventually(scrape, (body) => valueIn(body, 'redis_messages_dropped_total') === count);
    let told = 0;
    for (let left = 5 - count; left > 0;) {
      const { value } = (await loop.next()) as { value: { type: string; count?: number } };
      if (value.type === 'dropped') told += value.count!;
      else left--;
    }
    if (overflow === 'drop-newest') told += ((await loop.next()) as { value: { count: number } }).value.count;
    expect(told).toBe(count);
    await loop.return!();
  });

  it('tell what the clients of a server have right now, added up', async () => {
    const redis = client();
    const other = client();
    await Promise.all([redis.connect(), other.connect()]);
    redis.subscribe(['a', 'b']).subscribe({ error: () => undefined });
    await redis.dedicated(async (connection) => {
      await connection.ping();
      proxy().blackhole(true);
      const pending = [redis.get('k'), redis.get('k'), other.get('k')].map((reply) => firstValueFrom(reply));
      await new Promise(setImmediate);
      const body = await scrape();
      expect(valueIn(body, 'redis_commands_in_flight')).toBeGreaterThanOrEqual(3);
      expect(valueIn(body, 'redis_leases_active')).toBe(1);
      expect(valueIn(body, 'redis_subscriptions')).toBe(2);
      expect(valueIn(body, 'redis_event_loop_delay')).toBeDefined();
      proxy().blackhole(false);
      await Promise.all(pending);
    });
  });

  it('tell what a pool has right now: commands under way on its connections, and those that wait for one', async () => {
    const pool = makePool({ url: proxy().url(), telemetry: telemetry(), max: 1 });
    await pool.ping();
    proxy().blackhole(true);
    const pending = ['a', 'b'].map((key) => firstValueFrom(pool.get(key)));
    await nextTurn(pool);
    const busy = await scrape();
    expect(valueIn(busy, 'redis_commands_in_flight')).toBe(2);
    expect(valueIn(busy, 'redis_queue_length')).toBe(0);
    proxy().blackhole(false);
    await Promise.all(pending);
    const lent = await pool.acquire();
    const waiting = firstValueFrom(pool.get('c'));
    const full = await scrape();
    const leases = (body: string) => ['active', 'idle', 'waiting'].map((name) => valueIn(body, `redis_leases_${name}`));
    expect(valueIn(full, 'redis_queue_length')).toBe(1);
    expect(leases(full)).toStrictEqual([1, 0, 1]);
    pool.release(lent);
    await waiting;
    await eventually(scrape, (body) => leases(body).join() === '0,1,0');
    await pool.close();
  });

  it('tell of commands that wait at the server on connections of their own', async () => {
    const redis = client();
    const left = redis.blpop('none', 0).subscribe();
    await eventually(scrape, (body) => valueIn(body, 'redis_commands_in_flight') === 1);
    left.unsubscribe();
    await eventually(scrape, (body) => valueIn(body, 'redis_commands_in_flight') === 0);
  });

  it('count among those that wait what is to be sent again, and nothing as in flight without a connection', async () => {
    const redis = client();
    await redis.connect();
    proxy().blackhole(true);
    const pending = [firstValueFrom(redis.get('k'))];
    await nextTurn(redis);
    expect(valueIn(await scrape(), 'redis_commands_in_flight')).toBe(1);
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    pending.push(firstValueFrom(redis.get('l')));
    const body = await scrape();
    expect(valueIn(body, 'redis_commands_in_flight')).toBe(0);
    expect(valueIn(body, 'redis_queue_length')).toBe(2);
    proxy().blackhole(false);
    await proxy().refuse(false);
    await Promise.all(pending);
  });

  it('tell how the cache does, of clients that have one', async () => {
    const plain = client();
    await plain.set('k', 'v');
    expect(await scrape()).not.toContain('redis_cache');
    const redis = client({ cache: {} });
    await redis.get('k');
    await redis.get('k');
    await redis.get('k');
    const body = await scrape();
    const { bytes } = redis.cache.stats;
    const told = ['hits', 'misses', 'entries', 'bytes'].map((name) => valueIn(body, `redis_cache_${name}`));
    expect(told).toStrictEqual([2, 1, 1, bytes]);
    expect(bytes).toBeGreaterThan(0);
  });

  it('count the failures of commands in pipelines and transactions', async () => {
    const redis = client();
    await redis.rpush('list', ['a']);
    await redis.pipeline(get('list'), get('none'), incr('list'));
    await redis.multi(get('list'));
    expect(valueIn(await scrape(), 'redis_errors_total', 'error_type="WRONGTYPE"')).toBe(3);
    await redis.del('list');
  });

  it('count what a watch sends, and its failures', async () => {
    const redis = client();
    await redis.set('k', 'v');
    await redis.watch('k', () => [set('k', 'w'), incr('k')]);
    const body = await scrape();
    expect(valueIn(body, 'redis_commands_total', 'db_operation="WATCH"')).toBe(1);
    expect(valueIn(body, 'redis_commands_total', 'db_operation="MULTI"')).toBe(1);
    expect(valueIn(body, 'redis_pipeline_size_sum', 'db_operation="MULTI"')).toBe(2);
    await failure(redis.watch('k', () => [call('NO.SUCH')]));
    expect(valueIn(await scrape(), 'redis_errors_total', 'error_type="EXECABORT"')).toBe(1);
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['close', (redis) => redis.close()],
    ['destroy', (redis) => redis.destroy()],
    [
      'a loss that it does not outlive',
      async (redis) => {
        await proxy().refuse(true);
        proxy().cut();
        await reaches(redis, 'reconnecting');
        await redis.destroy();
        await proxy().refuse(false);
      },
    ],
  ])('count no active connection after %s, and nothing that it has', async (_, end) => {
    const redis = client();
    await redis.dedicated((connection) => connection.ping());
    redis.subscribe('a').subscribe({ error: () => undefined });
    await redis.publish('a', 'm');
    const pool = makePool({ url: proxy().url(), telemetry: telemetry(), max: 2 });
    await pool.ping();
    expect(valueIn(await scrape(), 'redis_connections_active')).toBeGreaterThanOrEqual(3);
    await pool.close();
    await end(redis);
    const body = await scrape();
    expect(valueIn(body, 'redis_connections_active')).toBe(0);
    expect(valueIn(body, 'redis_connections_total')).toBeGreaterThanOrEqual(3);
    for (const name of ['queue_length', 'commands_in_flight', 'leases_idle', 'leases_active', 'subscriptions']) {
      expect(valueIn(body, `redis_${name}`)).toBe(0);
    }
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    [
      'work on a connection of its own that is left',
      async (redis) => {
        const left = redis.dedicated(() => NEVER).subscribe();
        await eventually(
          () => nextTurn(redis),
          ({ links }) => links.some(({ role, state }) => role === 'lease' && state === 'ready'),
        );
        left.unsubscribe();
        await redis.close();
      },
    ],
    [
      'a wait at the server that is left',
      async (redis) => {
        const left = redis.blpop('none', 0).subscribe();
        await eventually(
          () => nextTurn(redis),
          ({ blocking }) => blocking.oldest?.stage === 'in flight',
        );
        left.unsubscribe();
        await redis.close();
      },
    ],
    [
      'a wait at the server that destroy ends',
      async (redis) => {
        const waiting = failure(redis.blpop('none', 0));
        await redis.connect();
        await redis.destroy();
        await waiting;
      },
    ],
    [
      'messages',
      async (redis) => {
        redis.subscribe('a').subscribe();
        await redis.publish('a', 'm');
        await redis.close();
      },
    ],
    [
      'a close that is begun while it connects',
      async (redis) => {
        const connecting = failure(redis.connect());
        await redis.close();
        await connecting;
      },
    ],
    [
      'QUIT',
      async (redis) => {
        await redis.dedicated((lent) => lent.quit());
        await redis.close();
      },
    ],
    [
      'a server that turns it away',
      async (redis) => {
        await redis.connect();
        await proxy().refuse(true);
        proxy().cut();
        await redis.close();
        await proxy().refuse(false);
      },
    ],
    [
      'a pool with what is lent',
      async () => {
        const pool = makePool({ url: proxy().url(), telemetry: telemetry(), min: 2, max: 3 });
        await pool.ping();
        const lent = await pool.acquire();
        await lent.ping();
        await pool.destroy();
      },
    ],
    [
      'a pool whose callers are left',
      async () => {
        const pool = makePool({ url: proxy().url(), telemetry: telemetry(), max: 1 });
        const work = pool.use(() => NEVER).subscribe();
        const waiting = pool.acquire().subscribe();
        await eventually(
          () => nextTurn(pool),
          ({ state }) => state === 'ready',
        );
        waiting.unsubscribe();
        work.unsubscribe();
        await pool.close();
      },
    ],
  ])('count no active connection in the end: %s', async (_, end) => {
    const redis = client();
    await end(redis);
    await redis.destroy();
    const body = await scrape();
    expect(valueIn(body, 'redis_connections_active') ?? 0).toBe(0);
    expect(valueIn(body, 'redis_leases_active') ?? 0).toBe(0);
  });

  it('count no active connection of a client that is refused', async () => {
    const picky = await script((words) =>
      words[0] === 'HELLO' || words[0] === 'AUTH'
        ? '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
        : '+OK\r\n',
    );
    const redis = client({ url: picky.url, password: 'hunter2', reconnect: false });
    expect(await failure(redis.get('k'))).toMatchObject({ code: 'AUTHENTICATION' });
    const late = client({ url: picky.url, reconnect: { initialDelay: 1, maxAttempts: 2 } });
    late.events$.subscribe();
    await failure(late.get('k'));
    await Promise.all([redis.close(), late.close()]);
    const body = await scrape();
    expect(valueIn(body, 'redis_connections_active') ?? 0).toBe(0);
    expect(body).not.toContain('hunter2');
  });

  it('count the attempts at a lost connection', async () => {
    const redis = client();
    await redis.connect();
    const waiting = reaches(redis, 'reconnecting');
    proxy().cut();
    await waiting;
    await redis.ping();
    const body = await scrape();
    expect(valueIn(body, 'redis_reconnects_total')).toBe(1);
    expect(valueIn(body, 'redis_errors_total', 'error_type="CONNECTION"')).toBe(1);
  });
});

function byName([, one]: readonly string[], [, other]: readonly string[]): number {
  return one! < other! ? -1 : 1;
}

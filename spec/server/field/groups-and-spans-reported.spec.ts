import { context, createContextKey } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { firstValueFrom } from 'rxjs';
import type { Redis, RedisPool } from 'rxjs-redis';
import { get, incr, set } from 'rxjs-redis/commands';
import { record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { useTracing } from '../../support/telemetry';
import { until } from '../../support/until';

/** What @opentelemetry/core sets to have no spans made, as exporters do. */
const SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

describe.each([2, 3] as const)('What others have met with groups and their spans, in RESP%i:', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  const { spans, open } = useTracing();
  const connect = (): Redis => make({ url: server().url, protocol });
  const pooled = (more: object = {}): RedisPool => pools({ url: proxy().url(), protocol, min: 0, max: 1, ...more });

  beforeEach(() => connect().flushall());

  it('spring-data-redis#2865: MULTI by hand whose time is up is open for no later caller', async () => {
    const pool = pooled({ commandTimeout: 100 });
    await pool.ping();
    const begun = pool.use(async (connection) => {
      await connection.ping();
      proxy().stall('toClient', true);
      const late = await failure(connection.call('MULTI'));
      proxy().stall('toClient', false);
      return late;
    });
    expect(await begun).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown' });
    expect(await pool.use((connection) => connection.set('k', 'v'))).toBe('OK');
    expect(await pool.use((connection) => connection.multi(get('k')))).toStrictEqual(['v']);
    expect(await connect().get('k')).toBe('v');
  });

  it('redis-py#4121: a watch that is left while its end is unanswered keeps its connection, and watches nothing any more', async () => {
    const pool = pooled();
    for (let round = 0; round < 4; round++) {
      let wasAsked = false;
      const watch = record(
        pool.watch('k', () => {
          proxy().stall('toClient', true);
          wasAsked = true;
          // Before UNWATCH is written, or behind that.
          if (round % 2 === 0) watch.stop();
          return null;
        }),
      );
      await until(() => wasAsked);
      watch.stop();
      proxy().stall('toClient', false);
      await connect().set('k', round);
      expect(await pool.use((connection) => connection.multi(get('k')))).toStrictEqual([`${round}`]);
      expect(pool.stats).toMatchObject({ active: 0, waiting: 0, total: 1 });
    }
  });

  it('redis-py: what was watched on a connection that is lost is not forgotten by a transaction of the same caller', async () => {
    const admin = connect();
    const pool = pooled();
    const ended = await pool.use(async (connection) => {
      const id = await connection.clientId();
      await connection.watch('k');
      await admin.call('CLIENT', 'KILL', 'ID', id);
      await admin.set('k', 'other');
      return [await outcome(connection.multi(set('k', 'mine'))), await outcome(connection.set('k', 'mine'))];
    });
    expect(ended).toMatchObject([{ error: {} }, { error: { code: 'DISCONNECTED', delivery: 'unsent' } }]);
    expect(await admin.get('k')).toBe('other');
    expect(await pool.use((connection) => connection.multi(get('k')))).toStrictEqual(['other']);
  });

  it('redis-plus-plus#334: a watch that meets changes asks for no new connection, by a client and by a pool', async () => {
    const other = connect();
    const received = async () =>
      Number(/total_connections_received:(\d+)/.exec(await other.call<string>('INFO', 'stats'))?.[1]);
    const clients = [make({ url: server().url, protocol }), pooled()];
    for (const client of clients) await client.watch('k', () => null);
    const before = await received();
    for (const client of clients) {
      let calls = 0;
      const change = async () => (++calls < 3 && (await other.incr('k')), [incr('n')]);
      expect(await client.watch('k', change)).toHaveLength(1);
      expect(calls).toBe(3);
    }
    expect(await received()).toBe(before);
  });

  it('fred#352, js-contrib#785: a group has one span for each time that it is sent, none before, and none where tracing is suppressed', async () => {
    const redis = make({ url: server().url, protocol, telemetry: true });
    const group = redis.multi([incr('n'), get('n')]);
    const chain = redis.pipeline().incr('n').get('n').exec();
    await redis.ping();
    expect(spans().map(({ name }) => name)).toStrictEqual(['redis.PING']);
    for (const value of [1, 2]) expect(await firstValueFrom(group)).toStrictEqual([value, `${value}`]);
    expect(await context.with(context.active().setValue(SUPPRESSED, true), () => firstValueFrom(group))).toStrictEqual([
      3,
      '3',
    ]);
    expect([await chain, await chain]).toStrictEqual([
      [4, '4'],
      [4, '4'],
    ]);
    expect(spans().map(({ name }) => name)).toStrictEqual([
      'redis.PING',
      'redis.MULTI',
      'redis.MULTI',
      'redis.PIPELINE',
    ]);
    expect(open()).toBe(0);
  });

  it('redis-py#4078, vertx-redis-client#488: the measured connections of a pool are none once all are killed, left or refused', async () => {
    const asked = process.env['OTEL_SEMCONV_STABILITY_OPT_IN'];
    process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = 'database';
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e8 });
    const provider = new MeterProvider({ readers: [reader] });
    const pool = pooled({ max: 3, telemetry: { tracer: false, meter: provider.getMeter('spec') } });
    const counts = async () => {
      const { resourceMetrics } = await reader.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      const named = (name: string) => metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
      return [...named('db.client.connection.count'), ...named('redis.connections.active')].map(({ value }) => value);
    };
    const admin = connect();
    for (let round = 0; round < 3; round++) {
      const waits = [1, 2, 3].map(() => outcome(pool.use((connection) => connection.blpop('none', 0))));
      await until(() => pool.stats.active === 3 && pool.inspect().inFlight === 3);
      expect(await counts()).toStrictEqual([0, 3, 3]);
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      for (const wait of await Promise.all(waits)) expect(wait).toHaveProperty('error');
      const left = record(pool.use((connection) => connection.blpop('none', 0)));
      await until(() => pool.stats.active === 1);
      left.stop();
      await until(() => pool.stats.active === 0);
    }
    await proxy().refuse(true);
    proxy().cut();
    expect(await outcome(pool.withOptions({ commandTimeout: 20 }).get('k'))).toHaveProperty('error');
    await until(() => pool.stats.active === 0 && pool.stats.idle === 0);
    expect(await counts()).toStrictEqual([0, 0, 0]);
    await proxy().refuse(false);
    await provider.shutdown();
    if (asked === undefined) delete process.env['OTEL_SEMCONV_STABILITY_OPT_IN'];
    else process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] = asked;
  });
});

import { once } from 'node:events';
import { createServer, get as request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { firstValueFrom } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { get, set } from 'rxjs-redis/commands';
import { reaches, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';

describe('Metrics', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
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
    expect(valueIn(body, 'db_client_operation_duration_count', 'error_type="ERR"')).toBe(1);
    expect(valueIn(body, 'db_client_operation_duration_bucket', 'le="0.001"')).toBeDefined();
    expect(valueIn(body, 'db_client_connection_count', 'db_client_connection_state="idle"')).toBe(1);
    expect(valueIn(body, 'db_client_connection_pending_requests')).toBe(0);
    expect(body).not.toContain('net_peer');
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

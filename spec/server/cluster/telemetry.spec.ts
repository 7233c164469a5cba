import { tracingChannel } from 'node:diagnostics_channel';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NEVER, filter, firstValueFrom } from 'rxjs';
import { get, incr } from 'rxjs-redis/commands';
import { record } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { eventsOf, useTracing } from '../../support/telemetry';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ replicas: 0 });
const connect = useClusterClients(cluster);
const { spans } = useTracing();

const OPT_IN = 'OTEL_SEMCONV_STABILITY_OPT_IN';
beforeEach(() => (process.env[OPT_IN] = 'database'));
afterEach(() => delete process.env[OPT_IN]);

/** A key of each node, by the port of that. */
function keysByPort(client: { nodeFor(key: string): string | undefined }): Map<number, string> {
  const keys = new Map<number, string>();
  for (let n = 0; keys.size < 3; n++) {
    const port = Number(client.nodeFor(`key:${n}`)!.split(':').at(-1));
    if (!keys.has(port)) keys.set(port, `key:${n}`);
  }
  return keys;
}

describe('What is told of a client of a cluster', () => {
  it('names in its spans the node that has answered', async () => {
    const client = connect({ telemetry: true });
    await client.connect();
    for (const [port, key] of keysByPort(client)) {
      await client.set(key, port);
      await client.multi(get(key), incr(`{${key}}:n`));
      await client.blpop(`{${key}}:list`, 0.01);
      const attributes = spans().slice(-3);
      expect(attributes.map(({ name }) => name)).toEqual(['redis.SET', 'redis.MULTI', 'redis.BLPOP']);
      for (const span of attributes) {
        expect(span.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': port });
      }
    }
  });

  it('names the node that has the keys in the span of a watch, however that ends', async () => {
    const client = connect({ telemetry: true });
    await client.connect();
    for (const [port, key] of keysByPort(client)) {
      await client.watch(key, () => [incr(`{${key}}:n`)]);
      await client.watch(key, () => null);
      await failure(
        client.watch(key, () => {
          throw new Error('mine');
        }),
      );
      let isWatched = false;
      const left = record(client.watch(key, () => ((isWatched = true), NEVER)));
      await until(() => isWatched);
      left.stop();
      const watches = spans().slice(-4);
      for (const { name, attributes } of watches) {
        expect([name, attributes]).toMatchObject([
          'redis.WATCH',
          { 'server.address': '127.0.0.1', 'server.port': port, 'redis.watch.attempts': 1 },
        ]);
      }
    }
  });

  it('names the node on diagnostics channels', async () => {
    const client = connect();
    await client.connect();
    const told: unknown[] = [];
    const start = (message: unknown): void => void told.push(message);
    const channel = tracingChannel('rxjs-redis:command').start;
    channel.subscribe(start);
    const keys = keysByPort(client);
    for (const key of keys.values()) await client.get(key);
    channel.unsubscribe(start);
    // The channel is the process's: what clients of other specs end with comes there as well.
    const own = [...keys.values()];
    const gets = told.filter((message) => {
      const { command, args } = message as { readonly command: string; readonly args: readonly string[] };
      return command === 'GET' && own.includes(args[0]!);
    });
    expect(gets).toMatchObject([...keys.keys()].map((serverPort) => ({ serverAddress: '127.0.0.1', serverPort })));
  });

  it('names the node in the lines of the debug log', async () => {
    const lines: string[] = [];
    const client = connect({ debug: (direction, text) => direction !== 'event' && lines.push(text) });
    await client.connect();
    for (const [port, key] of keysByPort(client)) {
      await client.set(key, port);
      lines.length = 0;
      await client.get(key);
      const own = lines.splice(0).map((line) => line.replace(/,? (in|after) .*/, ''));
      expect(own).toEqual([
        `127.0.0.1:${port} GET, ${key.length} B`,
        `127.0.0.1:${port} GET: a string of ${String(port).length}`,
      ]);
    }
  });

  it('takes no part of a command that goes to another node for a reconnect', async () => {
    const client = connect({ telemetry: true });
    await client.connect();
    await client.mget([...keysByPort(client).values()]);
    const [span] = spans();
    expect(span!.name).toBe('redis.MGET');
    expect(eventsOf(span!)).toEqual(['redis.written', 'redis.written', 'redis.written']);
  });

  it('has what is published at a node of its own', async () => {
    const client = connect({ telemetry: true });
    await client.connect();
    const [node] = client.nodes;
    await client.on(node!).publish('c', 'm');
    const [span] = spans();
    expect(span).toMatchObject({ name: 'redis.PUBLISH' });
    expect(`127.0.0.1:${String(span!.attributes['server.port'])}`).toBe(node!.address);
  });

  it('names no server before a node is chosen for messages, and that node once it is', async () => {
    const client = connect();
    await client.connect();
    const told: Record<string, unknown>[] = [];
    const note = (message: unknown): void => void told.push({ ...(message as object) });
    const { start, asyncEnd } = tracingChannel('rxjs-redis:connect');
    start.subscribe(note);
    asyncEnd.subscribe(note);
    const heard = firstValueFrom(client.subscribe('c'));
    await client.publish('c', 'm');
    await heard;
    start.unsubscribe(note);
    asyncEnd.unsubscribe(note);
    const own = told.filter(({ connection }) => connection === 'messages');
    expect(own).toHaveLength(2);
    expect(own[0]).toMatchObject({ serverAddress: undefined, serverPort: undefined });
    expect(client.nodes.map(({ address }) => address)).toContain(
      `${String(own[1]!['serverAddress'])}:${String(own[1]!['serverPort'])}`,
    );
  });

  it('counts in its metrics the connections of each node, and as many as may be lent at all of them', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    const client = connect({ telemetry: { tracer: false, meter: provider.getMeter('spec') }, leases: { max: 2 } });
    await client.connect();
    const keys = keysByPort(client);
    await Promise.all([...keys.values()].map((key) => client.blpop(`{${key}}:none`, 0.01)));
    const { resourceMetrics } = await exporter.collect();
    const points = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    const valuesOf = (name: string) =>
      points
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ value, attributes }) => [attributes['server.port'], value]));
    expect(valuesOf('db.client.connection.max')).toEqual([[undefined, 6]]);
    expect(new Map(valuesOf('redis.connections.active') as [number, number][])).toEqual(
      new Map([...keys.keys()].map((port) => [port, 2])),
    );
    await client.close();
    const { resourceMetrics: last } = await exporter.collect();
    const closed = last.scopeMetrics.flatMap(({ metrics }) => metrics);
    const active = closed.find(({ descriptor }) => descriptor.name === 'redis.connections.active');
    expect(active!.dataPoints.map(({ value }) => value)).toEqual([0, 0, 0]);
    await provider.shutdown();
  });

  // The last one: a node is gone behind it.
  it('tells of commands that wait because their node is gone', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    const client = connect({ telemetry: { meter: provider.getMeter('spec') } });
    await client.connect();
    const [[port, key] = [0, '']] = keysByPort(client);
    await client.get(key);
    await cluster()
      .nodes.find((node) => node.port === port)!
      .stop();
    await firstValueFrom(client.events$.pipe(filter(({ type }) => type === 'reconnecting')));
    const waiting = [1, 2].map((value) => failure(client.withOptions({ commandTimeout: 60_000 }).set(key, value)));
    await firstValueFrom(client.events$.pipe(filter(({ type }) => type === 'reconnecting')));
    const seen = client.inspect();
    expect(seen).toMatchObject({ queued: 2, inFlight: 0, oldest: { statement: `SET ${key} ?`, stage: 'queued' } });
    const { resourceMetrics } = await exporter.collect();
    const gauges = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    const queued = gauges.find(({ descriptor: { name } }) => name === 'redis.queue.length');
    expect(queued!.dataPoints.map(({ value }) => value)).toEqual([2]);
    await client.destroy();
    await Promise.all(waiting);
    const sets = spans().filter(({ name }) => name === 'redis.SET');
    expect(sets.map((span) => eventsOf(span).slice(0, 2))).toEqual(
      [1, 2].map(() => ['redis.queued', 'redis.reconnecting']),
    );
    await provider.shutdown();
  });
});

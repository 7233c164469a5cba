import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import * as stable from '@opentelemetry/semantic-conventions';
import * as all from '@opentelemetry/semantic-conventions/incubating';
import { first, firstValueFrom } from 'rxjs';
import { get, incr } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useServer } from '../../support/server';
import { useTracing } from '../../support/telemetry';

const OPT_IN = 'OTEL_SEMCONV_STABILITY_OPT_IN';

/** The names that are published: of attributes, or of metrics. */
function published(kind: 'ATTR' | 'METRIC', conventions: object): Set<unknown> {
  const named = Object.entries(conventions).filter(([constant]) => constant.startsWith(`${kind}_`));
  return new Set(named.map(([, name]) => name as unknown));
}

describe('What is told in the words of OpenTelemetry', () => {
  const server = useServer();
  const make = useClients();
  const { finished } = useTracing();
  afterEach(() => delete process.env[OPT_IN]);

  /** Names of attributes of spans and metrics, and of metrics, of a client that does a bit of everything. */
  const told = async (wish: string) => {
    process.env[OPT_IN] = wish;
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    const telemetry = { meter: provider.getMeter('spec'), propagate: true };
    const redis = make({ url: server().url, telemetry, leases: { max: 4 } });
    await redis.flushall();
    await redis.xadd('s', '*', { n: '1' });
    const handled$ = redis.consume('s', { group: 'g', from: '0' }, () => redis.incr('n'));
    await firstValueFrom(handled$.pipe(first(({ handled }) => handled === 1)));
    await redis.pipeline(get('n'), get('n'));
    await redis.multi(get('n'), incr('n'));
    await redis.watch('n', () => [incr('n')]);
    await redis.script('return 1', { keys: 0 })([], []);
    await failure(redis.lpush('n', 'x'));
    const { resourceMetrics } = await exporter.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const labels = metrics.flatMap(({ dataPoints }) => dataPoints.flatMap((point) => Object.keys(point.attributes)));
    const attributes = finished().flatMap((span) => Object.keys(span.attributes));
    await provider.shutdown();
    return {
      names: [...new Set([...labels, ...attributes])].filter((name) => !name.startsWith('redis.')),
      metrics: metrics.map(({ descriptor: { name } }) => name).filter((name) => !name.startsWith('redis.')),
      systems: finished().map((span) => span.attributes['db.system.name'] ?? span.attributes['db.system']),
    };
  };

  it('has attributes and metrics that are published, and stable where they are of every span', async () => {
    const { names, metrics, systems } = await told('database');
    const known = published('ATTR', all);
    expect(names.filter((name) => !known.has(name))).toStrictEqual([]);
    const settled = published('ATTR', stable);
    // Those of pools and of messages are not stable anywhere yet.
    const others = names.filter((name) => !/^(messaging|db\.client\.connection)\./.test(name));
    expect(others.filter((name) => !settled.has(name))).toStrictEqual([]);
    expect(others.length).toBeGreaterThan(8);
    expect(metrics.filter((name) => !published('METRIC', all).has(name))).toStrictEqual([]);
    expect(metrics).toContain(stable.METRIC_DB_CLIENT_OPERATION_DURATION);
    expect(new Set(systems)).toStrictEqual(new Set([all.DB_SYSTEM_NAME_VALUE_REDIS, undefined]));
  });

  it.each(['', 'database/dup'])('has published attributes as well where %p is asked for', async (wish) => {
    const { names } = await told(wish);
    const known = published('ATTR', all);
    expect(names.filter((name) => !known.has(name))).toStrictEqual([]);
    expect(names).toContain(all.ATTR_DB_STATEMENT);
    expect(names.includes(stable.ATTR_DB_QUERY_TEXT)).toBe(wish !== '');
  });
});

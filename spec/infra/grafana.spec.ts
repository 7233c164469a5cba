import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '../../src/telemetry/metrics';

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

describe('The dashboard', () => {
  const text = readFileSync(join(__dirname, '../../infra/grafana/dashboard.json'), 'utf8');
  const { panels } = JSON.parse(text) as Dashboard;
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  /** What stands behind names where metrics come by OTLP: it puts the unit there, and the exporter of JavaScript does not. */
  const UNIT = '(_seconds)?';
  const asked = expressions.flatMap((expr) => expr.replaceAll(UNIT, '').match(/\bredis_\w+/g) ?? []);
  /** As Prometheus names them; a histogram has three. */
  const named = (name: string): string => name.replaceAll('.', '_');
  const isHistogram = (key: string): boolean => ['duration', 'size'].includes(key);
  const own = Object.entries(METRICS).filter(([, [name]]) => name.startsWith('redis.'));

  it('asks for metrics that there are, and for nothing else', () => {
    const known = own.flatMap(([key, [name]]) =>
      isHistogram(key) ? ['bucket', 'sum', 'count'].map((part) => `${named(name)}_${part}`) : [named(name)],
    );
    expect(asked.filter((name) => !known.includes(name))).toStrictEqual([]);
    expect(asked.length).toBeGreaterThan(0);
  });

  it('shows every metric that is not one of the stable vocabulary', () => {
    const missing = own.filter(([, [name]]) => !asked.some((one) => one.startsWith(named(name))));
    expect(missing).toStrictEqual([]);
  });

  it('finds what is measured in seconds with and without the unit in the name', () => {
    const seconds = own.filter(([, [, unit]]) => unit === 's').map(([, [name]]) => named(name));
    const uses = expressions.flatMap((expr) => seconds.flatMap((name) => expr.split(name).slice(1)));
    expect(uses.length).toBeGreaterThan(seconds.length);
    expect(uses.filter((behind) => !behind.startsWith(UNIT))).toStrictEqual([]);
  });

  it('depends on no interval of scraping', () => {
    const ranges = expressions.flatMap((expr) => expr.match(/\[[^\]]+\]/g) ?? []);
    expect(new Set(ranges)).toStrictEqual(new Set(['[$__rate_interval]']));
  });

  it('says of every panel what it shows', () => {
    const described = panels as readonly { readonly title: string; readonly description?: string }[];
    expect(described.filter(({ description = '' }) => description === '')).toStrictEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '../../src/telemetry/metrics';

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

describe('The dashboard', () => {
  const text = readFileSync(join(__dirname, '../../infra/grafana/dashboard.json'), 'utf8');
  const { panels } = JSON.parse(text) as Dashboard;
  const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/\bredis_\w+/g) ?? []));
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

  it('says of every panel what it shows', () => {
    const described = panels as readonly { readonly title: string; readonly description?: string }[];
    expect(described.filter(({ description = '' }) => description === '')).toStrictEqual([]);
  });
});

import { eventually, record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';
import { VirtualClock } from '../support/virtual-clock';
import { Dashboard } from './programs/dashboard';

const MINUTE = 60_000;

describe('The example of a dashboard', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('sums what all processes have counted in the last minutes', async () => {
    const clients = [make(server().url), make(server().url)];
    await clients[0]!.flushall();
    let now = Date.now();
    const [one, other] = clients.map((redis) => new Dashboard(redis, 'shop', 5, () => now));
    one!.count('/buy', 200, 10);
    one!.count('/buy', 503, 30);
    now += 2 * MINUTE;
    other!.count('/buy', 200, 50);
    for (let n = 0; n < 4; n++) other!.count('/ list', 404, 1);
    await eventually(
      () => clients[0]!.keys('dashboard:*'),
      (keys) => keys.length === 2,
    );
    await Promise.all(clients.map((redis) => redis.ping()));
    const clock = new VirtualClock();
    const figures = record(one!.figures(1_000, clock));
    await until(() => figures.values.length === 1);
    expect(figures.values[0]).toStrictEqual([
      { route: '/ list', requests: 4, errors: 0, averageTime: 1 },
      { route: '/buy', requests: 3, errors: 1, averageTime: 30 },
    ]);
    now += 3 * MINUTE;
    clock.advance(1_000);
    await until(() => figures.values.length === 2);
    expect(figures.values[1]!.map(({ route, requests }) => [route, requests])).toStrictEqual([
      ['/ list', 4],
      ['/buy', 1],
    ]);
    const [key] = await clients[0]!.keys('dashboard:*');
    expect(await clients[0]!.ttl(key!)).toBeGreaterThan(0);
  });
});

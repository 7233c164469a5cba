import { record } from '../../support/clients';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster();
const connect = useClusterClients(cluster);

describe('clients that are given the same nodes', () => {
  it('take ordinary messages from different nodes, and send there what means no key', async () => {
    const clients = Array.from({ length: 12 }, () => connect());
    const told = clients.map((client) => record(client.subscribe('news', { gaps: true })));
    await until(() => told.every(({ values }) => values.length === 1));
    for (const client of clients) await client.echo('1');
    const counts = async (): Promise<number[]> =>
      Promise.all(cluster().nodes.map(async (node) => (await cluster().admin(node).pubsubNumsub('news'))['news'] ?? 0));
    const calls = async (): Promise<number[]> => {
      const texts = await Promise.all(
        cluster().nodes.map((node) => cluster().admin(node).call<string>('INFO', 'commandstats')),
      );
      return texts.map((text) => Number(/cmdstat_echo:calls=(\d+)/.exec(text)?.[1] ?? 0));
    };
    const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
    const observed = await counts();
    const echoed = await calls();
    expect([sum(observed), sum(echoed)]).toStrictEqual([12, 12]);
    expect(Math.max(...observed)).toBeLessThan(12);
    expect(Math.max(...echoed)).toBeLessThan(12);
    for (const one of told) one.stop();
  });
});

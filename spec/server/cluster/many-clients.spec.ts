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
    // Some are at replicas, and several nodes have the same channel.
    const [client] = clients;
    expect(await client!.pubsubNumsub('news')).toEqual({ news: 12 });
    expect(await client!.pubsubChannels()).toEqual(['news']);
    expect((await client!.bytes.pubsubChannels('ne*')).map(String)).toEqual(['news']);
    const [before, pattern] = [await client!.pubsubNumpat(), record(client!.psubscribe('n?ws', { gaps: true }))];
    await until(() => pattern.values.length === 1);
    expect([before, await client!.pubsubNumpat()]).toEqual([0, 1]);
    pattern.stop();
    expect(Math.max(...echoed)).toBeLessThan(12);
    for (const one of told) one.stop();
  });
});

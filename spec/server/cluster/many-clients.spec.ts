import { hashSlot } from '../../../src/resp/hash-slot';
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

describe('a command to a slot that no node serves', () => {
  const failing = useCluster({ replicas: 0, nodeTimeout: 1_000 });
  const connectTo = useClusterClients(failing);

  it('is repeated as often as the policy of the client says', async () => {
    const asked: number[] = [];
    const retry = (attempt: number): number | false => {
      asked.push(attempt);
      return attempt <= 3 && 20;
    };
    const client = connectTo({ retry, commandTimeout: Infinity });
    await client.connect();
    const lost = await failing().ownerOf(hashSlot('a'));
    await lost.kill('SIGKILL');
    const others = failing().nodes.filter((node) => node !== lost);
    for (const node of others) {
      let text = '';
      while (!text.includes('cluster_state:fail')) text = await failing().admin(node).call<string>('CLUSTER INFO');
    }
    const key = ['b', 'c', 'd', 'e'].find((one) => !client.nodeFor(one)!.endsWith(`:${lost.port}`))!;
    const error = await client.get(key).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'CLUSTERDOWN' });
    expect([...new Set(asked)]).toStrictEqual([1, 2, 3, 4]);
  });
});

import { networkInterfaces } from 'node:os';
import type { RedisCluster } from 'rxjs-redis';
import type { RunningServer } from '../../../infra/servers';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually } from '../../support/clients';
import { Relay } from '../../support/relay';
import { until } from '../../support/until';
import { moveSlot, untilKnown, useCluster, useClusterClients, type WholeCluster } from '../../support/whole-cluster';

const KEYS = Array.from({ length: 50 }, (_, n) => `key:${n}`);

/** Every node says so of itself, and all others have heard it. */
async function haveAll(cluster: WholeCluster, setting: string, value: string, told: RegExp) {
  for (const node of cluster.nodes) await cluster.admin(node).call('CONFIG SET', setting, value);
  for (const node of cluster.nodes) {
    await eventually(
      async () => JSON.stringify(await cluster.admin(node).call('CLUSTER SLOTS')),
      (text) => text.match(told)?.length === cluster.nodes.length,
    );
  }
}

/** Writes and reads keys of all nodes, and one whose slot has moved. @returns the node that has that now */
async function movesASlot(cluster: WholeCluster, client: RedisCluster): Promise<RunningServer> {
  for (const key of KEYS) await client.set(key, key);
  expect(await client.mget(KEYS)).toEqual(KEYS);
  const slot = hashSlot(KEYS[0]!);
  const from = await cluster.ownerOf(slot);
  const to = await cluster.ownerOf((slot + 8_000) % 16_384);
  await moveSlot(cluster, slot, from, to);
  await untilKnown(cluster, slot, to);
  expect(await client.get(KEYS[0]!)).toBe(KEYS[0]);
  return to;
}

describe('a cluster whose nodes do not tell by which address they are reached', () => {
  const cluster = useCluster({ fullCoverage: false });
  const connect = useClusterClients(cluster);

  it('is reached at the ports that nodes announce', async () => {
    if (cluster().version.startsWith('6.')) return; // only where it is started with that
    const [node] = cluster().nodes;
    const relay = await Relay.start(node!);
    try {
      const admin = cluster().admin(node!);
      await admin.call('CONFIG SET', 'cluster-announce-port', relay.port);
      for (const one of cluster().nodes) {
        await eventually(
          async () => JSON.stringify(await cluster().admin(one).call('CLUSTER SLOTS')),
          (text) => text.includes(`,${relay.port},`) && !text.includes(`,${node!.port},`),
        );
      }
      const client = connect({ nodes: [`127.0.0.1:${cluster().nodes[1]!.port}`] });
      for (const key of KEYS) await client.set(key, key);
      expect(await client.mget(KEYS)).toEqual(KEYS);
      const links = client.inspect().links.map(({ address }) => address);
      expect(links).toContain(`127.0.0.1:${relay.port}`);
      expect(links).not.toContain(`127.0.0.1:${node!.port}`);
      await admin.call('CONFIG SET', 'cluster-announce-port', 0);
      for (const one of cluster().nodes) {
        await eventually(
          async () => JSON.stringify(await cluster().admin(one).call('CLUSTER SLOTS')),
          (text) => text.includes(`,${node!.port},`),
        );
      }
    } finally {
      await relay.stop();
    }
  });

  it('is reached at the address of the node that was asked, also where a slot moves', async () => {
    if (cluster().version.startsWith('6.')) return; // it always tells
    await haveAll(cluster(), 'cluster-preferred-endpoint-type', 'unknown-endpoint', /\[null,\d/g);
    const client = connect();
    await client.connect();
    const to = await movesASlot(cluster(), client);
    expect(client.nodeFor(KEYS[0]!)).toBe(`127.0.0.1:${to.port}`);
  });
});

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

(hasIPv6 ? describe : describe.skip)('a cluster whose nodes have addresses of IPv6', () => {
  const cluster = useCluster({ fullCoverage: false, args: ['--bind', '127.0.0.1', '::1'] });
  const connect = useClusterClients(cluster);

  it('is reached at these, also where a slot moves', async () => {
    await haveAll(cluster(), 'cluster-announce-ip', '::1', /\["::1",\d/g);
    const client = connect();
    await client.connect();
    const to = await movesASlot(cluster(), client);
    expect(client.nodeFor(KEYS[0]!)).toBe(`[::1]:${to.port}`);
    // The seed is left, for no view names it.
    await until(() => client.inspect().links.every(({ address }) => address.startsWith('[::1]:')));
  });
});

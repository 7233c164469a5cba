import type { RedisCluster } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually } from '../../support/clients';
import { beginMove, endMove, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);

/** Longer than a spec may take: these limits show nothing. */
const NEVER = 3_600_000;

const keys = Array.from({ length: 300 }, (_, n) => `scanned:${n}`);

const LIBRARY = `#!lua name=counts
redis.register_function('left', function(keys) return redis.call('GET', keys[1]) end)`;

/** A key of a slot. */
function keyOf(slot: number): string {
  for (let n = 0; ; n++) if (hashSlot(`own:${n}`) === slot) return `own:${n}`;
}

async function fill(client: RedisCluster): Promise<void> {
  await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
  await client.each('masters', (node) => node.wait(1, 5_000));
}

describe('a scan of a cluster', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)('goes on at the replica of a master that gets %s', async (signal) => {
    const client = connect({ commandTimeout: NEVER, readTimeout: NEVER, connectTimeout: NEVER });
    await fill(client);
    const seen = new Set<string>();
    for await (const page of client.scanStream({ COUNT: 10 })) {
      const [first] = page;
      if (seen.size === 0 && first !== undefined) await (await cluster().ownerOf(hashSlot(first))).kill(signal);
      for (const key of page) seen.add(key);
    }
    expect([...seen].sort()).toStrictEqual([...keys].sort());
  });

  it('has a view asked for where a master has joined, and asks for nothing without a pause', async () => {
    const [first] = cluster().nodes;
    const client = connect({ nodes: [{ host: first!.host, port: first!.port }] });
    await fill(client);
    const joined = await cluster().add();
    const slot = 16_000;
    const from = await cluster().ownerOf(slot);
    expect(await cluster().admin(from).clusterCountkeysinslot(slot)).toBe(0);
    const id = await cluster().idOf(joined);
    const masters = cluster().nodes.filter((node) => node !== joined);
    for (const node of [joined, from]) {
      await eventually(
        () => cluster().admin(node).call<string>('CLUSTER NODES'),
        (text) => cluster().nodes.every(({ port }) => text.includes(`:${port}@`)),
      );
    }
    await beginMove(cluster(), slot, from, joined);
    await endMove(cluster(), slot, from, joined);
    for (const node of masters) {
      await eventually(
        () => cluster().admin(node).call<string>('CLUSTER NODES'),
        (text) => new RegExp(`^${id} .* ${slot}$`, 'm').test(text),
      );
    }
    const asked = async (): Promise<number> => {
      const stats = await Promise.all(
        masters.map((node) => cluster().admin(node).call<string>('INFO', 'commandstats')),
      );
      const counts = stats.map((text) => Number(/cmdstat_cluster(?:\|nodes)?:calls=(\d+)/.exec(text)?.[1] ?? 0));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const before = await asked();
    const seen = new Set<string>();
    for await (const page of client.scanStream({ COUNT: 100 })) for (const key of page) seen.add(key);
    expect(seen.size).toBe(keys.length);
    expect((await asked()) - before).toBeLessThan(100);
    // The node that has joined is given scripts and functions that it does not have.
    const [there, elsewhere] = [keyOf(slot), keys[0]!];
    expect(client.nodeFor(there)).toBe(`127.0.0.1:${joined.port}`);
    const count = client.script('return redis.call("incrby", KEYS[1], ARGV[1])', { keys: 1 });
    for (const key of [elsewhere, there]) await client.del(key);
    expect([await count([elsewhere], [2]), await count([there], [2])]).toEqual([2, 2]);
    expect(await client.multi(count.command([there], [1]))).toEqual([3]);
    if (cluster().version.startsWith('6.')) return; // it has no functions
    const { functions } = client.library(LIBRARY, { functions: { left: { keys: 1 } } });
    expect([await functions.left([elsewhere]), await functions.left([there])]).toEqual(['2', '3']);
  });
});

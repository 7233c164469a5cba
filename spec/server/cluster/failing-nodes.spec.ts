import dns from 'node:dns';
import type { RedisError } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { Relay } from '../../support/relay';
import { until } from '../../support/until';
import { useCluster, useClusterClients, type WholeCluster } from '../../support/whole-cluster';

/** Keys for each of the three masters. */
function keysByNode(client: { nodeFor(key: string): string | undefined }): Map<string, string> {
  const keys = new Map<string, string>();
  for (let n = 0; keys.size < 3; n++) {
    const key = `shard:${n}`;
    const node = client.nodeFor(key)!;
    if (!keys.has(node)) keys.set(node, key);
  }
  return keys;
}

/** Writes unique tags to a list of each shard, and counts, until it is stopped. */
function writing(client: ReturnType<ReturnType<typeof useClusterClients>>, keys: readonly string[]) {
  let isOver = false;
  const pushed = new Map<string, string[]>(keys.map((key) => [key, []]));
  const counted = new Map<string, number>(keys.map((key) => [key, 0]));
  const failed: [key: string, error: RedisError][] = [];
  const running = Promise.all(
    keys.map(async (key) => {
      for (let n = 0; !isOver; n++) {
        const tag = `${key}-${n}`;
        const calls = [
          client.rpush(`{${key}}list`, tag).then(() => void pushed.get(key)!.push(tag)),
          client.incr(`{${key}}count`).then(() => void counted.set(key, counted.get(key)! + 1)),
        ];
        for (const call of calls) call.catch((error: RedisError) => failed.push([key, error]));
        if (n % 20 === 0) await Promise.allSettled(calls);
        else await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }),
  );
  return { pushed, counted, failed, stop: async () => ((isOver = true), await running) };
}

function portOf(cluster: WholeCluster, address: string) {
  return cluster.nodes.find(({ port }) => address.endsWith(`:${port}`))!;
}

describe.each([true, false])('a master that is killed, with full coverage %s', (fullCoverage) => {
  const cluster = useCluster({ fullCoverage, nodeTimeout: 1_000 }, { each: true });
  const connect = useClusterClients(cluster);

  it('costs no unsent command, counts nothing twice and keeps the order; other shards see no error', async () => {
    const client = connect();
    await client.connect();
    const own = keysByNode(client);
    const keys = [...own.values()];
    const load = writing(client, keys);
    await until(() => [...load.pushed.values()].every((tags) => tags.length > 20));
    const [address, key] = [...own][0]!;
    const master = portOf(cluster(), address);
    await master.kill('SIGKILL');
    const before = load.pushed.get(key)!.length;
    await until(() => load.pushed.get(key)!.length > before + 50);
    await load.stop();
    const unsent = load.failed.filter(([, { delivery }]) => delivery !== 'unknown');
    expect(unsent.map(([of, error]) => `${of}: ${error.message}`)).toEqual([]);
    expect(load.failed.filter(([of]) => of !== key).map(([, error]) => error.message)).toEqual([]);
    for (const one of keys) {
      const list = await client.lrange(`{${one}}list`, 0, -1);
      expect(new Set(list).size).toBe(list.length); // none twice
      const numbers = list.map((tag) => Number(tag.split('-')[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      const unknown = load.failed.filter(([of]) => of === one).length;
      const count = Number(await client.get(`{${one}}count`));
      expect(count).toBeLessThanOrEqual(load.counted.get(one)! + unknown);
    }
  });
});

describe.each([true, false])('a master that hangs, with full coverage %s', (fullCoverage) => {
  const cluster = useCluster({ nodeTimeout: 1_000, fullCoverage }, { each: true });
  const connect = useClusterClients(cluster);

  it('is left once another has taken its place, and nothing is left unsettled', async () => {
    const client = connect();
    await client.connect();
    const own = keysByNode(client);
    const [address, key] = [...own][0]!;
    await client.set(key, '0');
    const master = portOf(cluster(), address);
    await master.kill('SIGSTOP');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        client.set(key, String(n)).then(String, (error: RedisError) => error.delivery),
      ),
    );
    expect(outcomes.every((outcome) => outcome === 'OK' || outcome === 'unknown')).toBe(true);
    expect(await client.set(key, 'after')).toBe('OK');
    expect(client.nodeFor(key)).not.toBe(address);
    for (const other of [...own.values()].slice(1)) expect(await client.set(other, '1')).toBe('OK');
    await master.kill('SIGCONT');
    await eventually(
      () => cluster().admin(master).call<unknown[]>('ROLE'),
      ([role]) => role === 'slave',
    );
    expect(await client.get(key)).toBe('after');
  });
});

describe('a cluster of which nothing is left', () => {
  const cluster = useCluster({ fullCoverage: false }, { each: true });
  const connect = useClusterClients(cluster);

  it('has every command end by its time, and closes', async () => {
    const client = connect({ commandTimeout: 1_500, offlineQueue: 5 });
    await client.connect();
    await client.set('a', '1');
    // One for each shard: the bound is that of the whole client.
    const keys = ['a', 'b', 'c'];
    expect(new Set(keys.map((key) => client.nodeFor(key))).size).toBe(3);
    await Promise.all(cluster().nodes.map((node) => node.kill('SIGKILL')));
    await eventually(
      () =>
        client.set('a', '2').then(
          () => false,
          () => true,
        ),
      (hasFailed) => hasFailed,
    );
    const outcomes = await Promise.all(
      Array.from({ length: 21 }, (_, n) =>
        client.get(keys[n % 3]!).then(String, (error: RedisError) => `${error.code} ${error.delivery}`),
      ),
    );
    expect(new Set(outcomes)).toEqual(new Set(['DISCONNECTED unsent', 'TIMEOUT unsent']));
    expect(outcomes.filter((outcome) => outcome.startsWith('TIMEOUT')).length).toBe(5);
    await client.close();
  });

  it('is found again by the same client where all nodes come back', async () => {
    const client = connect();
    await client.connect();
    await Promise.all(cluster().nodes.map((node) => node.kill('SIGKILL')));
    const waiting = client.set('back', '1');
    const outcome = waiting.then(String);
    await Promise.all(cluster().nodes.map((node) => node.restart()));
    expect(await outcome).toBe('OK');
    await until(() => client.nodes.length === 6);
    expect(hashSlot('back')).toBeGreaterThan(0);
  });
});

describe('a cluster whose nodes all come back at other addresses', () => {
  const before = useCluster({ replicas: 0 });
  const after = useCluster({ replicas: 0 });
  const connect = useClusterClients(before);

  it('is found again behind the one address that the client was given', async () => {
    const relay = await Relay.start(before().nodes[0]!);
    // The epochs of the other one are lower.
    for (const node of before().nodes) await before().admin(node).call('CLUSTER BUMPEPOCH');
    await eventually(
      () => before().admin(before().nodes[0]!).call<string>('CLUSTER INFO'),
      (info) => Number(/cluster_current_epoch:(\d+)/.exec(info)![1]) > 3,
    );
    for (let n = 0; n < 9; n++)
      await before()
        .admin(before().nodes[n % 3]!)
        .call('CLUSTER BUMPEPOCH');
    const lookup = jest.spyOn(dns, 'lookup');
    const resolved = () => lookup.mock.calls.filter(([host]) => host === 'localhost').length;
    const client = connect({ nodes: [{ host: 'localhost', port: relay.port }] });
    const heard = record(client.subscribe('news', { gaps: true }));
    await client.set('k', 'before');
    await until(() => heard.values.length === 1);
    const first = resolved();
    await Promise.all(before().nodes.map((node) => node.kill('SIGKILL')));
    const waiting = client.set('k', 'after');
    const outcome = waiting.then(String);
    relay.pointTo(after().nodes[0]!);
    expect(await outcome).toBe('OK');
    expect(resolved()).toBeGreaterThan(first);
    lookup.mockRestore();
    await until(() => client.nodes.length === 3);
    const addresses = client.nodes.map(({ address }) => address);
    expect(addresses.sort()).toStrictEqual(
      after()
        .nodes.map(({ host, port }) => `${host}:${port}`)
        .sort(),
    );
    const keys = Array.from({ length: 100 }, (_, n) => `key:${n}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, key])));
    expect(await client.mget(...keys)).toStrictEqual(keys);
    await eventually(
      () => client.publish('news', 'after'),
      () => heard.values.some((value) => 'data' in value),
    );
    expect(heard.values.map((value) => value.type).slice(0, 3)).toStrictEqual(['subscribed', 'gap', 'subscribed']);
    heard.stop();
    await relay.stop();
  });
});

describe('many clients of a cluster that loses a master', () => {
  const CLIENTS = 1_000;
  /** One view shows the loss, others are asked for until the replica has been promoted, which takes two seconds, and it is asked for its own slots. */
  const MOST_VIEWS = 8;
  const cluster = useCluster();
  const connect = useClusterClients(cluster);

  it('ask for a few views each, whatever the number of commands that wait', async () => {
    const views = async (): Promise<number> => {
      const alive = cluster().nodes.filter(({ pid }) => pid !== undefined);
      const stats = await Promise.all(alive.map((node) => cluster().admin(node).call<string>('INFO', 'commandstats')));
      const counts = stats.map((text) => Number(/cmdstat_cluster(?:\|slots)?:calls=(\d+)/.exec(text)?.[1] ?? 0));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const clients = Array.from({ length: CLIENTS }, () => connect());
    for (const client of clients) client.events$.subscribe();
    const write = (value: string) => clients.map((client) => client.mset({ a: value, b: value, c: value }));
    await Promise.all(write('before'));
    await (await cluster().ownerOf(0)).kill('SIGKILL');
    const before = await views();
    const written = [1, 2, 3, 4, 5].flatMap((round) => write(`after ${round}`));
    expect(new Set(await Promise.all(written))).toStrictEqual(new Set(['OK']));
    expect((await views()) - before).toBeLessThanOrEqual(MOST_VIEWS * CLIENTS);
  });
});

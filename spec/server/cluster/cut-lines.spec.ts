import type { RedisError } from 'rxjs-redis';
import { startProxy, type Proxy } from '../../../infra/proxy';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster();
const connect = useClusterClients(cluster);

describe('lines to the nodes of a cluster that are cut again and again', () => {
  it('count nothing twice, and lose nothing that was answered', async () => {
    const proxies = new Map<string, Proxy>();
    for (const server of cluster().nodes) proxies.set(`127.0.0.1:${server.port}`, await startProxy({ target: server }));
    const natMap = Object.fromEntries(
      [...proxies].map(([name, proxy]) => [name, { host: '127.0.0.1', port: proxy.port }]),
    );
    const [first] = [...proxies.values()];
    const client = connect({ nodes: [`127.0.0.1:${first!.port}`], natMap });
    await client.connect();
    // All addresses are translated: nothing goes past the proxies.
    expect(
      client.nodes.every(({ address }) => [...proxies.values()].some(({ port }) => address.endsWith(`:${port}`))),
    ).toBe(true);
    const keys = Array.from({ length: 12 }, (_, n) => `cut:${n}`);
    const answered = new Map(keys.map((key) => [key, 0]));
    const unknown = new Map(keys.map((key) => [key, 0]));
    const tags = new Map<string, string[]>(keys.map((key) => [key, []]));
    const unsent: RedisError[] = [];
    let isOver = false;
    let answers = 0;
    const working = Promise.all(
      keys.map(async (key) => {
        for (let n = 0; !isOver; n++) {
          // Nothing waits for it, so that many are on their way, of which each may run once.
          client.rpush(`{${key}}tags`, `${n}`).then(
            () => tags.get(key)!.push(`${n}`),
            (error: RedisError) => error.delivery === 'unknown' || unsent.push(error),
          );
          await client.incr(key).then(
            () => (answered.set(key, answered.get(key)! + 1), answers++),
            (error: RedisError) => {
              if (error.delivery === 'unknown') unknown.set(key, unknown.get(key)! + 1);
              else unsent.push(error);
            },
          );
        }
      }),
    );
    for (let cut = 0; cut < 50; cut++) {
      for (const proxy of proxies.values()) proxy.cut();
      const before = answers;
      await until(() => answers > before + 20);
    }
    isOver = true;
    await working;
    expect(unsent.map(({ message }) => message)).toEqual([]);
    for (const key of keys) {
      const count = Number(await client.get(key));
      expect(count).toBeGreaterThanOrEqual(answered.get(key)!);
      expect(count).toBeLessThanOrEqual(answered.get(key)! + unknown.get(key)!);
      const run = await client.lrange(`{${key}}tags`, 0, -1);
      expect(new Set(run).size).toBe(run.length);
      const own = new Set(tags.get(key));
      expect(run.filter((tag) => own.has(tag))).toEqual(tags.get(key));
    }
    await client.destroy();
    for (const proxy of proxies.values()) await proxy.stop();
  });
});

import type { Redis, RedisCluster, RedisPool } from 'rxjs-redis';
import { incr, set, type Command } from 'rxjs-redis/commands';
import { startProxy, type Proxy } from '../../../infra/proxy';
import { eventually, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

type Client = Redis | RedisPool | RedisCluster;

/** Keys of one slot. */
const [N, LARGE] = ['{lost}n', '{lost}large'];
/** Eight of it are more than the buffers between a client and a server that reads nothing take. */
const PIECE = Buffer.alloc(8 * 1024 * 1024);
const largeOnes = (count: number): Command[] => Array.from({ length: count }, () => set(LARGE, PIECE));

/**
 * A transaction that counts one, and has so many large values before EXEC.
 * @param begins called when nothing is left to do but to send it
 */
type Send = (client: Client, large: number, begins: () => void) => PromiseLike<unknown>;

const WAYS: readonly (readonly [string, Send])[] = [
  [
    'multi(…)',
    (client, large, begins) => {
      begins();
      return client.multi([incr(N), ...largeOnes(large)]);
    },
  ],
  [
    'the chain',
    (client, large, begins) => {
      begins();
      const chain = client.multi().incr(N);
      for (const command of largeOnes(large)) chain.add(command);
      return chain.exec();
    },
  ],
  [
    'watch(…)',
    (client, large, begins) => {
      const commands = (): Command[] => {
        begins();
        return [incr(N), ...largeOnes(large)];
      };
      return client.watch(N, commands, { attempts: 1 });
    },
  ],
];

/** What the specs work with: a client that repeats nothing, what its lines lead through, and a client that goes past them. */
interface Lines {
  readonly client: Client;
  readonly proxies: readonly Proxy[];
  readonly admin: Client;
}

const KINDS: readonly (readonly [string, () => () => Promise<Lines>])[] = [
  ['a client', ofClient],
  ['a pool', ofPool],
  ['a cluster', ofCluster],
];

describe.each(KINDS)('A transaction of %s that is not repeated, and whose connection is lost,', (_, use) => {
  const lines = use();

  it.each(WAYS)("is 'unsent' before EXEC was written, and nothing has run: %s", async (_name, send) => {
    const { client, proxies, admin } = await lines();
    const stall = (on: boolean): void => proxies.forEach((proxy) => proxy.stall('toServer', on));
    await admin.set(N, 0);
    await client.watch(N, () => null); // all connections that are needed are there
    const lost = failure(send(client, 8, () => stall(true)));
    await until(() => proxies.some((proxy) => proxy.held('toServer') > 1024 * 1024));
    proxies.forEach((proxy) => proxy.cut('reset'));
    stall(false);
    expect(await lost).toMatchObject({ code: 'CONNECTION', command: 'MULTI', delivery: 'unsent' });
    expect(await lost).toMatchObject({ group: { results: [], deliveries: Array(9).fill('unsent') } });
    expect(await admin.get(N)).toBe('0');
  });

  it.each(WAYS)("is 'unknown' between EXEC and its reply, for it has run: %s", async (_name, send) => {
    const { client, proxies, admin } = await lines();
    const stall = (on: boolean): void => proxies.forEach((proxy) => proxy.stall('toClient', on));
    await admin.set(N, 0);
    await client.watch(N, () => null);
    const lost = failure(send(client, 0, () => stall(true)));
    await eventually(
      () => admin.get(N),
      (count) => count === '1',
    );
    proxies.forEach((proxy) => proxy.cut());
    stall(false);
    expect(await lost).toMatchObject({ code: 'CONNECTION', command: 'MULTI', delivery: 'unknown' });
    expect(await lost).toMatchObject({ group: { results: [], deliveries: ['unknown'] } });
    expect(await admin.get(N)).toBe('1');
  });
});

function ofClient(): () => Promise<Lines> {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  return async () => {
    const client = make({ url: proxy().url(), retry: false });
    await client.connect();
    return { client, proxies: [proxy()], admin: make(server().url) };
  };
}

function ofPool(): () => Promise<Lines> {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  return async () => {
    const client = pools({ url: proxy().url(), min: 2, retry: false });
    await client.connect();
    return { client, proxies: [proxy()], admin: make(server().url) };
  };
}

function ofCluster(): () => Promise<Lines> {
  const cluster = useCluster();
  const connect = useClusterClients(cluster);
  const proxies: Proxy[] = [];
  beforeEach(async () => {
    for (const server of cluster().nodes) proxies.push(await startProxy({ target: server }));
  });
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });
  return async () => {
    const addresses = proxies.map(({ host, port }) => ({ host, port }));
    const natMap = Object.fromEntries(
      cluster().nodes.map(({ port }, index) => [`127.0.0.1:${port}`, addresses[index]!]),
    );
    const client = connect({ nodes: addresses, natMap, retry: false });
    await client.connect();
    return { client, proxies: [...proxies], admin: connect() };
  };
}

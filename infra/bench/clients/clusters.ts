import type * as RxjsRedis from '../../../src/index';
import type * as Rxjs from 'rxjs';
import { MANY, SMALL_VALUE } from '../data';
import type { ClientName } from './index';
import { loadOurs, loadPeer } from './installed';

/** A client of a cluster, as its users call it. */
export interface ClusterCalls {
  set(key: string, value: string): PromiseLike<unknown>;
  get(this: void, key: string): PromiseLike<unknown>;
  /** The keys are of many slots. */
  mget(keys: readonly string[]): PromiseLike<unknown>;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

interface IoredisCluster {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
}

interface NodeRedisCluster {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): this;
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
}

const ours = (address: Address): ClusterCalls => {
  const { RedisCluster } = loadOurs<typeof RxjsRedis>();
  const { firstValueFrom } = loadOurs<typeof Rxjs>('rxjs');
  const cluster = new RedisCluster({ nodes: [address] });
  return {
    set: (key, value) => firstValueFrom(cluster.set(key, value)),
    get: (key) => firstValueFrom(cluster.get(key)),
    mget: (keys) => firstValueFrom(cluster.mget([...keys])),
  };
};

/** A client that sends no MGET of several slots has its users send GETs. */
function byGets(cluster: IoredisCluster): ClusterCalls {
  return {
    set: (key, value) => cluster.set(key, value),
    get: (key) => cluster.get(key),
    mget: (keys) => Promise.all(keys.map((key) => cluster.get(key))),
  };
}

const ioredisLike = (packageName: string, enableAutoPipelining: boolean) => (address: Address) => {
  const { Cluster } = loadPeer<{
    Cluster: new (nodes: readonly Address[], options: { enableAutoPipelining: boolean }) => IoredisCluster;
  }>(packageName);
  return byGets(new Cluster([address], { enableAutoPipelining }));
};

const nodeRedis = async ({ host, port }: Address): Promise<ClusterCalls> => {
  const { createCluster } = loadPeer<{
    readonly createCluster: (options: { rootNodes: readonly { url: string }[] }) => NodeRedisCluster;
  }>('redis');
  const cluster = createCluster({ rootNodes: [{ url: `redis://${host}:${port}` }] });
  cluster.on('error', (error) => {
    throw error;
  });
  await cluster.connect();
  return byGets(cluster);
};

const glide = async (address: Address): Promise<ClusterCalls> => {
  const { GlideClusterClient } = loadPeer<{
    GlideClusterClient: {
      createClient(options: {
        addresses: readonly Address[];
        requestTimeout: number;
        inflightRequestsLimit: number;
      }): Promise<ClusterCalls>;
    };
  }>('@valkey/valkey-glide');
  const limits = { requestTimeout: 60_000, inflightRequestsLimit: 1_000_000 };
  return GlideClusterClient.createClient({ addresses: [address], ...limits });
};

const byName: Partial<Record<ClientName, (address: Address) => ClusterCalls | Promise<ClusterCalls>>> = {
  'ours, firstValueFrom': ours,
  ioredis: ioredisLike('ioredis', false),
  'ioredis, auto-pipelining': ioredisLike('ioredis', true),
  iovalkey: ioredisLike('iovalkey', false),
  'iovalkey, auto-pipelining': ioredisLike('iovalkey', true),
  'node-redis': nodeRedis,
  'valkey-glide': glide,
};

/** Those that can be asked for a cluster. */
export const clusterClients = Object.keys(byName) as readonly ClientName[];

/** A client of the cluster that has a node at the URL; the keys that are read are there. */
export async function connectCluster(name: ClientName, url: string): Promise<ClusterCalls> {
  const { hostname, port } = new URL(url);
  const calls = await byName[name]!({ host: hostname, port: Number(port) });
  await Promise.all(MANY.map((key) => calls.set(key, SMALL_VALUE)));
  return calls;
}

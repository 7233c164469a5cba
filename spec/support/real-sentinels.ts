import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis, ServerAddress } from 'rxjs-redis';
import { startServer, type RunningServer, type ServerName, type ServerOptions } from '../../infra/servers';
import { eventually, useClients } from './clients';
import { untilReplicating } from './replicating';

/** A sentinel of its own configuration, and a client of it for what a spec does behind the back of the client under test. */
export interface RealSentinel {
  readonly server: RunningServer;
  readonly address: ServerAddress;
  readonly admin: Redis;
}

export interface RealSentinelOptions {
  readonly server?: ServerName | undefined;
  readonly args?: readonly string[];
  /** another is chosen otherwise */
  readonly port?: number;
}

/** Lines by which a sentinel watches a master; it decides alone. */
export function watching(service: string, { port }: ServerAddress, host = '127.0.0.1'): string[] {
  return [
    `sentinel monitor ${service} ${host} ${port} 1`,
    `sentinel down-after-milliseconds ${service} 500`,
    `sentinel failover-timeout ${service} 5000`,
  ];
}

/** Another version in place of the one that specs run against, where that is older than it has to be. */
export function atLeast(wanted: ServerName & `redis-${string}`): ServerName | undefined {
  return process.env['REDIS_SERVER'] === 'redis-6.0' ? wanted : undefined;
}

/** Starts servers and sentinels one by one, for each spec of a file, and stops them after it. */
export function useRealSentinels(): {
  /** a master, or a replica of one */
  readonly server: (of?: RunningServer, options?: ServerOptions) => Promise<RunningServer>;
  readonly sentinel: (configuration: readonly string[], options?: RealSentinelOptions) => Promise<RealSentinel>;
} {
  const running: RunningServer[] = [];
  const folders: string[] = [];
  const client = useClients();
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  });
  return {
    async server(of, { args = [], ...options } = {}) {
      const soon = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'];
      const follow = of === undefined ? [] : ['--replicaof', '127.0.0.1', String(of.port)];
      const server = await startServer({ own: true, ...options, args: [...soon, ...args, ...follow] });
      running.push(server);
      if (of === undefined) return server;
      const admins = [client(server.url), client(of.url)] as const;
      await untilReplicating(...admins);
      await Promise.all(admins.map((admin) => admin.destroy()));
      return server;
    },
    async sentinel(configuration, { server: named, port: own, args = [] } = {}) {
      const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-sentinel-'));
      folders.push(folder);
      const file = join(folder, 'sentinel.conf');
      const id = `sentinel myid ${randomBytes(20).toString('hex')}`;
      await writeFile(file, [id, ...configuration, ''].join('\n'));
      const chosen = { ...(named && { server: named }), ...(own !== undefined && { own: true, port: own }) };
      const server = await startServer({ ...chosen, args: [file, '--sentinel', ...args] });
      running.push(server);
      const { host, port } = server;
      return { server, address: { host, port }, admin: client({ host, port, clientInfo: false }) };
    },
  };
}

/** Resolves once a sentinel knows so many replicas that are linked to their master, so that any of them may be promoted. */
export async function untilKnown({ admin }: RealSentinel, service: string, replicas: number): Promise<void> {
  await eventually(
    () => admin.sentinelReplicas(service),
    (told) => told.filter((replica) => replica['master-link-status'] === 'ok').length === replicas,
  );
}

import { RedisCluster, type RedisClusterOptions } from 'rxjs-redis';
import { afterHandshake, type Script, type ScriptedServer } from './scripted-server';

export function portOf({ url }: ScriptedServer): number {
  return Number(new URL(url).port);
}

/** Has a client ask for a view. */
export function refresh(client: RedisCluster): void {
  (client as unknown as { core: { topology: { stale$: { next(): void } } } }).core.topology.stale$.next();
}

/** Slots, the port of their master, and that of its replica where it has one. */
export type Range = readonly [from: number, to: number, port: number, replica?: number];

/** What a node says of the cluster. */
export interface View {
  readonly ranges: readonly Range[];
  readonly epoch?: number;
  readonly state?: string;
}

/** The replies to the handshake, CLUSTER SLOTS, CLUSTER INFO and PING; all else is the script's. */
export function inCluster(view: () => View, script: Script, host = '127.0.0.1'): Script {
  return afterHandshake((words, socket) => {
    const { ranges, epoch = 1, state = 'ok' } = view();
    if (words[0] === 'CLUSTER' && words[1] === 'SLOTS') {
      const node = (port: number): string => `*2\r\n$${host.length}\r\n${host}\r\n:${port}\r\n`;
      const rows = ranges.map(([from, to, port, replica]) => {
        const nodes = [port, ...(replica === undefined ? [] : [replica])].map(node);
        return `*${2 + nodes.length}\r\n:${from}\r\n:${to}\r\n${nodes.join('')}`;
      });
      return `*${rows.length}\r\n${rows.join('')}`;
    }
    if (words[0] === 'CLUSTER') {
      const text = `cluster_state:${state}\r\ncluster_current_epoch:${epoch}\r\n`;
      return `$${text.length}\r\n${text}\r\n`;
    }
    return words[0] === 'PING' ? '+PONG\r\n' : script(words, socket);
  });
}

/** How often it was asked for its view. */
export function views({ seen }: ScriptedServer): number {
  return seen.filter(([name, word]) => name === 'CLUSTER' && word === 'SLOTS').length;
}

/** Makes clients of scripted clusters, and ends them after each spec. */
export function useScriptedClusterClients(): (options: RedisClusterOptions) => RedisCluster {
  const clients: RedisCluster[] = [];
  afterEach(() => Promise.all(clients.splice(0).map((client) => client.destroy())));
  return (options) => {
    const client = new RedisCluster(options);
    client.events$.subscribe();
    clients.push(client);
    return client;
  };
}

import { RedisCluster, type RedisClusterOptions } from 'rxjs-redis';
import { afterHandshake, type Script, type ScriptedServer } from './scripted-server';

/** The slots from one to another, and the port of the node that has them. */
export type Range = readonly [from: number, to: number, port: number];

/** What a node says of the cluster. */
export interface View {
  readonly ranges: readonly Range[];
  readonly epoch?: number;
  readonly state?: string;
}

/** The replies to the handshake, CLUSTER SLOTS, CLUSTER INFO and PING; all else is the script's. */
export function inCluster(view: () => View, script: Script): Script {
  return afterHandshake((words, socket) => {
    const { ranges, epoch = 1, state = 'ok' } = view();
    if (words[0] === 'CLUSTER' && words[1] === 'SLOTS') {
      const rows = ranges.map(
        ([from, to, port]) => `*3\r\n:${from}\r\n:${to}\r\n*2\r\n$9\r\n127.0.0.1\r\n:${port}\r\n`,
      );
      return `*${rows.length}\r\n${rows.join('')}`;
    }
    if (words[0] === 'CLUSTER') {
      const text = `cluster_state:${state}\r\ncluster_current_epoch:${epoch}\r\n`;
      return `$${text.length}\r\n${text}\r\n`;
    }
    return words[0] === 'PING' ? '+PONG\r\n' : script(words, socket);
  });
}

export function portOf({ url }: ScriptedServer): number {
  return Number(new URL(url).port);
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

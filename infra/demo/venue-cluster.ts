import { filter } from 'rxjs';
import { RedisCluster } from 'rxjs-redis';
import { startCluster, type RunningCluster } from '../servers';
import type { OwnServers } from './own-servers';
import { nameOf } from './place';
import { Space } from './space';
import { until } from './until';
import type { Venue } from './venue';

/** Servers have shard channels from this version on. */
const LEAST = 7;

/** How long a master that was killed stays away at most, where no replica takes its place, ms. */
const LONGEST_AWAY = 30_000;

/**
 * Brings a cluster of three masters and three replicas on 127.0.0.1, which ends with the venue.
 * @param log takes the line that says where the servers come from
 * @throws Error when none can be had
 */
export async function startClusterVenue(log: (line: string) => void): Promise<Venue> {
  // What a master was told outlives it, also where it is back before a replica has taken its place.
  const cluster = await startCluster({ log, args: ['--appendonly', 'yes'] });
  const servers = cluster.nodes.map(({ host, port }) => ({ host, port }));
  // Not by the demo's line: it sees what the servers do while that is cut.
  const observer = new RedisCluster({ nodes: servers, clientName: 'vitals-observer' });
  const end = async (): Promise<void> => {
    await observer.destroy();
    await cluster.stop();
  };
  try {
    const { version } = cluster;
    if (Number.parseInt(version, 10) < LEAST)
      throw new Error(`--cluster needs Redis ${LEAST} or later, not ${version}`);
    observer.events$.subscribe();
    await observer.connect();
    const space = new Space('vitals', { isSharded: true });
    return {
      place: { kind: 'cluster', servers },
      description: `a cluster of ${servers.length} servers ${version}, the first of them at ${nameOf(servers[0]!)}`,
      space,
      servers: clusterServers(cluster, observer, space),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** What is killed is a master that has one of the demo's channels, so that there is a gap. */
export function clusterServers(cluster: RunningCluster, observer: RedisCluster, space: Space): OwnServers {
  const owner = (): string | undefined => observer.nodeFor(space.channel('load'));
  return {
    async kill() {
      const killed = owner();
      const server = cluster.nodes.find((node) => nameOf(node) === killed);
      if (killed === undefined || server === undefined) throw new Error('no master is known that could be killed');
      await server.kill();
      const isReplaced$ = observer.nodes$.pipe(filter(() => owner() !== killed));
      return {
        text: `the master ${killed} is killed (SIGKILL), and stays away until a replica has taken its place`,
        outlast: (signal) => until(isReplaced$, LONGEST_AWAY, signal),
        async mend() {
          const successor = owner();
          await server.restart();
          return successor === killed
            ? `${killed} runs again, which the clients must find out`
            : `${successor} has its slots now; ${killed} runs again, as a replica`;
        },
      };
    },
  };
}

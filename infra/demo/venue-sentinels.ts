import { catchError, distinctUntilChanged, EMPTY, exhaustMap, filter, from, share, timer, type Observable } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { startSentinels, type SentinelTrio } from '../servers';
import type { OwnServers } from './own-servers';
import { nameOf } from './place';
import { Space } from './space';
import { until } from './until';
import type { Venue } from './venue';

/** How often a sentinel is asked, ms. */
const INTERVAL = 200;

/** How long a master that was killed stays away at most, where no replica takes its place, ms. */
const LONGEST_AWAY = 30_000;

/**
 * Brings a master, two replicas and three sentinels on 127.0.0.1, which end with the venue.
 * @param log takes the line that says where the servers come from
 * @throws Error when they cannot be had
 */
export async function startSentinelVenue(log: (line: string) => void): Promise<Venue> {
  const trio = await startSentinels({ log, args: ['--appendonly', 'yes'] });
  const addresses = (of: SentinelTrio['servers']) => of.map(({ host, port }) => ({ host, port }));
  const sentinels = addresses(trio.sentinels);
  const observer = new Redis({ ...sentinels[0]!, clientName: 'vitals-observer' });
  observer.events$.subscribe();
  const { version } = trio.servers[0];
  return {
    place: { kind: 'sentinels', servers: addresses(trio.servers), sentinels, service: trio.service },
    description: `${trio.servers.length} servers ${version} behind sentinels, the first of them at ${nameOf(sentinels[0]!)}`,
    space: new Space('vitals'),
    servers: sentinelServers(trio, observer),
    async [Symbol.asyncDispose]() {
      await observer.destroy();
      await trio.stop();
    },
  };
}

/** @param observer a client of a sentinel */
export function sentinelServers({ service, servers }: SentinelTrio, observer: Redis): OwnServers {
  const masterNow = async (): Promise<string> => {
    const [host, port] = (await observer.sentinelGetMasterAddrByName(service)) ?? [];
    return `${host}:${port}`;
  };
  const master$ = timer(0, INTERVAL).pipe(
    // A sentinel that does not answer is asked again.
    exhaustMap(() => from(masterNow()).pipe(catchError(() => EMPTY))),
    distinctUntilChanged(),
    share(),
  );
  const isReplaced = (old: string): Observable<unknown> => master$.pipe(filter((master) => master !== old));
  return {
    master$,
    async kill() {
      const killed = await masterNow();
      const server = servers.find((one) => nameOf(one) === killed);
      if (server === undefined) throw new Error('no master is known that could be killed');
      await server.kill();
      return {
        text: `the master ${killed} is killed (SIGKILL), and stays away until a replica has taken its place`,
        outlast: (signal) => until(isReplaced(killed), LONGEST_AWAY, signal),
        async mend() {
          const successor = await masterNow();
          await server.restart();
          return successor === killed
            ? `${killed} runs again, which the clients must find out`
            : `${successor} is the master now; ${killed} runs again, as a replica`;
        },
      };
    },
    async failOver() {
      const old = await masterNow();
      await observer.sentinelFailover(service);
      return {
        text: `SENTINEL FAILOVER: a replica is to take the place of the master ${old}`,
        outlast: (signal) => until(isReplaced(old), LONGEST_AWAY, signal),
        async mend() {
          const successor = await masterNow();
          return successor === old ? `${old} is still the master` : `${successor} is the master now, ${old} a replica`;
        },
      };
    },
  };
}

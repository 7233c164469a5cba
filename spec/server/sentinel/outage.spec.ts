import { filter, firstValueFrom, map, merge } from 'rxjs';
import { configGet, set } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { optionsOf, useFreshSentinels } from '../../support/sentinels';
import { until } from '../../support/until';

const trio = useFreshSentinels();
const client = useClients();

/** The client's own share of an outage, ms: it is told at once, dials, has the server confirmed, and sends what waits. */
const LONGEST = 200;

describe('The share of a client in the outage of a failover', () => {
  it.each(['ordered', 'killed', 'hung'] as const)(
    'is under 200 ms from the first word of a sentinel to the first write that is answered, when the master is %s',
    async (how) => {
      const { servers, sentinels, service } = trio();
      const redis = client({ ...optionsOf(trio()), offlineQueue: Infinity, commandTimeout: 60_000 });
      await redis.ping();
      await until(() => redis.inspect().links.length > 0);
      // One listener for each sentinel, as the client has: the first that tells counts.
      const words = sentinels.map(({ host, port }) =>
        client({ host, port, clientInfo: false })
          .psubscribe(['+switch-master', '+promoted-slave'])
          .pipe(
            filter(({ data }) => data.includes(service)),
            map(() => performance.now()),
          ),
      );
      const told = firstValueFrom(merge(...words));
      const answered: { readonly at: number; readonly by: number }[] = [];
      let goesOn = true;
      const lane = async (): Promise<void> => {
        while (goesOn) {
          // The server itself says that it has answered.
          const ended = await outcome(redis.multi(set('k', 1), configGet('port')));
          if ('value' in ended) answered.push({ at: performance.now(), by: Number(ended.value[1]?.['port']) });
        }
      };
      const lanes = Array.from({ length: 4 }, lane);
      await until(() => answered.length > 100);
      if (how === 'ordered') {
        const admin = client({ host: sentinels[0].host, port: sentinels[0].port, clientInfo: false });
        await admin.sentinelFailover(service);
      } else await servers[0].kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
      const at = await told;
      const isNew = () => answered.find(({ by }) => by !== servers[0].port);
      await until(() => isNew() !== undefined);
      goesOn = false;
      await Promise.all(lanes);
      expect(isNew()!.at - at).toBeLessThan(LONGEST);
    },
  );
});

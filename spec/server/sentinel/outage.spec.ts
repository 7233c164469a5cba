import { filter, firstValueFrom } from 'rxjs';
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
      const old = `${servers[0].host}:${servers[0].port}`;
      await redis.ping();
      await until(() => redis.inspect().links.length > 0);
      // One listener for each sentinel, as the client has: the first that tells counts.
      const told = sentinels.map(({ host, port }) => {
        const listener = client({ host, port, clientInfo: false });
        return firstValueFrom(
          listener
            .psubscribe('+switch-master', '+promoted-slave')
            .pipe(filter(({ data }) => data.includes(` ${service}`) || data.startsWith(service))),
        ).then(() => performance.now());
      });
      const answered: { readonly at: number; readonly by: string }[] = [];
      let goesOn = true;
      const lane = async (): Promise<void> => {
        while (goesOn) {
          const ended = await outcome(redis.set('k', 1));
          if ('value' in ended) answered.push({ at: performance.now(), by: redis.inspect().address });
        }
      };
      const lanes = Array.from({ length: 4 }, lane);
      await until(() => answered.length > 100);
      if (how === 'ordered') {
        const admin = client({ host: sentinels[0].host, port: sentinels[0].port, clientInfo: false });
        await admin.sentinelFailover(service);
      } else await servers[0].kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
      const at = await Promise.race(told);
      const isNew = () => answered.find(({ by }) => by !== old);
      await until(() => isNew() !== undefined);
      goesOn = false;
      await Promise.all(lanes);
      expect(isNew()!.at - at).toBeLessThan(LONGEST);
      for (const each of told) each.catch(() => undefined);
    },
  );
});

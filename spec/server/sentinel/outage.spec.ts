import { filter, firstValueFrom, map, merge } from 'rxjs';
import { configGet, set } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { optionsOf, useFreshSentinels } from '../../support/sentinels';
import { until } from '../../support/until';

const trio = useFreshSentinels();
const client = useClients();

/** How long this process was held up by others on its machine, ms: more than that is no share of the client. */
function stalls(): { readonly since: (at: number) => number; readonly stop: () => void } {
  const seen: { readonly at: number; readonly ms: number }[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - last > STALL) seen.push({ at: now, ms: now - last });
    last = now;
  }, 1);
  return {
    since: (from) => seen.filter(({ at }) => at > from).reduce((sum, { ms }) => sum + ms, 0),
    stop: () => clearInterval(timer),
  };
}

/** A turn of the event loop that takes so long was not scheduled, ms. */
const STALL = 15;

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
          if (!('value' in ended)) continue;
          const [, by] = ended.value as readonly ['OK', Record<string, string>];
          answered.push({ at: performance.now(), by: Number(by['port']) });
        }
      };
      const lanes = Array.from({ length: 4 }, lane);
      await until(() => answered.length > 100);
      if (how === 'ordered') {
        const admin = client({ host: sentinels[0].host, port: sentinels[0].port, clientInfo: false });
        await admin.sentinelFailover(service);
      } else await servers[0].kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
      const at = await told;
      const stalled = stalls();
      const isNew = () => answered.find(({ by }) => by !== servers[0].port);
      await until(() => isNew() !== undefined);
      const share = isNew()!.at - at - stalled.since(at);
      stalled.stop();
      goesOn = false;
      await Promise.all(lanes);
      expect(share).toBeLessThan(LONGEST);
    },
  );
});

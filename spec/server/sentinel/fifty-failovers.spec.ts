import type { ServerAddress } from 'rxjs-redis';
import type { RunningServer } from '../../../infra/servers';
import { eventually, record, useClients } from '../../support/clients';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { useServer } from '../../support/server';
import { leadsTo } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const FAILOVERS = 50;

const one = useServer({ own: true });
const other = useServer({ own: true });
const client = useClients();
const sentinel = useScriptedSentinels();
const service = 'mymaster';

const placeOf = ({ host, port }: RunningServer): ServerAddress => ({ host, port });

/** How many sockets this process has open. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

/** How many timers wait. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

describe('After fifty failovers', () => {
  it('there are as many connections, timers and listeners as before, and no write was counted twice', async () => {
    const servers = [one(), other()];
    const sentinels = [await sentinel(), await sentinel(), await sentinel()];
    const admins = servers.map(({ url }) => client(url));
    await Promise.all(admins.map((admin) => admin.ping()));
    for (const { says } of sentinels) says.master = placeOf(servers[0]!);
    const redis = client({ sentinels: sentinels.map(({ address }) => address), service });
    const notices = record(redis.subscribe('news', { gaps: true }));
    await redis.set('n', 0);
    await redis.dedicated((connection) => connection.ping());
    await until(() => sentinels.every(({ listeners }) => listeners === 1) && notices.values.length === 1);
    const before = { sockets: sockets(), timers: timers() };

    let counted = 0;
    for (let times = 1; times <= FAILOVERS; times++) {
      const [from, to] = [servers[(times + 1) % 2]!, servers[times % 2]!];
      const [demoted, promoted] = [admins[(times + 1) % 2]!, admins[times % 2]!];
      const there = leadsTo(redis, placeOf(to));
      await promoted.call('REPLICAOF', 'NO', 'ONE');
      await promoted.set('n', counted);
      await demoted.call('REPLICAOF', to.host, to.port);
      for (const { says } of sentinels) Object.assign(says, { master: placeOf(to), epoch: times + 1 });
      const words = `${service} ${from.host} ${from.port} ${to.host} ${to.port}`;
      for (const each of sentinels) each.tell('+switch-master', words);
      await there;
      const [first, second] = await Promise.all([
        redis.incr('n'),
        redis.dedicated((connection) => connection.incr('n')),
      ]);
      expect(Math.max(first, second)).toBe((counted += 2));
    }

    await until(() => notices.values.length === 1 + 2 * FAILOVERS);
    // What is closed is gone from the process some turns of the event loop later.
    await until(() => sockets() <= before.sockets && timers() <= before.timers);
    expect(sentinels.map(({ listeners }) => listeners)).toEqual([1, 1, 1]);
    expect(sentinels.map(({ script }) => script.seenOn.length)).toEqual([1, 1, 1]);
    const mine = await eventually(
      async () => (await Promise.all(admins.map((admin) => admin.clientList()))).map((all) => all.length),
      ([first = 0, second = 0]) => first + second <= 3 + admins.length + 1,
    );
    expect(mine.length).toBe(2);
  });
});

import type { Redis } from 'rxjs-redis';
import { eventually, record, useClients } from '../../support/clients';
import { optionsOf, useSentinels } from '../../support/sentinels';
import { until } from '../../support/until';

const client = useClients();
const SETTING = 'notify-keyspace-events';

describe.each(['replica', 'prefer-replica', 'master'] as const)(
  'Keyspace events of a client with the role %s',
  (role) => {
    // A sentinel of a busy machine holds a server to be down that was not scheduled for half a second: the reader leaves it, and is told a gap.
    const trio = useSentinels({ downAfter: 60_000 });

    /** The servers, none of which tells of keyspace events. */
    async function silent(): Promise<Redis[]> {
      const admins = trio().servers.map(({ url }) => client(url));
      await Promise.all(admins.map((admin) => admin.configSet(SETTING, '')));
      return admins;
    }

    /** Which of the servers the messages of a client come from. */
    async function carrying(admins: readonly Redis[]): Promise<Redis> {
      const counts = () => Promise.all(admins.map((admin) => admin.pubsubNumpat()));
      const found = await eventually(counts, (told) => told.includes(1));
      return admins[found.indexOf(1)]!;
    }

    it.each([3, 2] as const)('are told of by the server that messages come from, in RESP%d', async (protocol) => {
      const admins = await silent();
      const reader = client({ ...optionsOf(trio()), role, protocol });
      await reader.ping();
      const { values, ended } = record(reader.keyspace('k:*', { configure: true, gaps: true }));
      await until(() => values.length === 1);
      const carrier = await carrying(admins);
      expect((await carrier.configGet(SETTING))[SETTING]).toContain('K');
      await client(optionsOf(trio())).set('k:1', 'x');
      await until(() => values.length === 2);
      expect([values[1], ended]).toEqual([{ key: 'k:1', event: 'set', database: 0 }, undefined]);
    });

    it('go on at another one, where the messages have to go on', async () => {
      const admins = await silent();
      const reader = client({ ...optionsOf(trio()), role, reconnect: { initialDelay: 5 } });
      await reader.ping();
      const { values } = record(reader.keyspace('k:*', { configure: true, gaps: true }));
      await until(() => values.length === 1);
      await (await carrying(admins)).clientKill({ TYPE: 'PUBSUB' });
      await until(() => values.filter(({ type }) => type === 'subscribed').length === 2);
      await client(optionsOf(trio())).set('k:2', 'x');
      await until(() => values.some((item) => 'key' in item && item.key === 'k:2'));
    });
  },
);


import { useClients } from '../../support/clients';
import { untilKnown, useRealSentinels, watching } from '../../support/real-sentinels';
import { leadsTo } from '../../support/swapping-masters';

const real = useRealSentinels();
const client = useClients();
const service = 'mymaster';

describe('A sentinel that an operator sets up anew', () => {
  it('is followed to the master that it is given, also where the number of its failovers begins from naught', async () => {
    const [first, second] = [await real.server(), await real.server()];
    const replica = await real.server(first);
    const one = await real.sentinel(watching(service, first));
    await untilKnown(one, service, 1);
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    const left = leadsTo(redis, replica);
    await one.admin.call('SENTINEL FAILOVER', service);
    await left;
    await one.admin.call('SENTINEL REMOVE', service);
    await one.admin.call('SENTINEL MONITOR', service, second.host, second.port, 1);
    await leadsTo(redis, second);
  });
});

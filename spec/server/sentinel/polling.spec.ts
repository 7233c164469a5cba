import { useClients } from '../../support/clients';
import { leadsTo } from '../../support/sentinel-clients';
import { useSwappingMasters } from '../../support/swapping-masters';
import { until } from '../../support/until';

const masters = useSwappingMasters();
const client = useClients();

describe('A failover whose events are lost', () => {
  it('is found by the question that is asked every ten seconds, and nothing is sent to the old master from then on', async () => {
    const { options, sentinel, servers, admins, promote } = await masters();
    const redis = client(options);
    await redis.ping();
    await until(() => sentinel.listeners === 1);
    const { asked } = sentinel;
    const there = leadsTo(redis, servers[1]);
    await promote();
    await there;
    // It was asked once for it, not again and again.
    expect(sentinel.asked - asked).toBe(1);
    await redis.set('k', 'new');
    expect([await admins[0].get('k'), await admins[1].get('k')]).toEqual([null, 'new']);
  });
});

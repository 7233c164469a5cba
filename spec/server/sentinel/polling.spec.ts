import { useClients } from '../../support/clients';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { leadsTo, troubles } from '../../support/sentinel-clients';
import { useSwappingMasters } from '../../support/swapping-masters';
import { until } from '../../support/until';

const masters = useSwappingMasters();
const client = useClients();
const sentinel = useScriptedSentinels();

describe('A failover whose events are lost', () => {
  it('is found by the question that is asked every ten seconds, and nothing is sent to the old master from then on', async () => {
    const { options, sentinel, servers, admins, promote } = await masters();
    const redis = client(options);
    await redis.ping();
    await until(() => sentinel.listeners === 1);
    const ago = () => redis.inspect().sentinels?.known[0]?.answeredAgo ?? 0;
    let longest = 0;
    const looking = setInterval(() => (longest = Math.max(longest, ago())), 1);
    const { asked } = sentinel;
    const there = leadsTo(redis, servers[1]);
    await promote();
    await there;
    clearInterval(looking);
    // It was asked once for it, not again and again, and after 7.5 to 10 s: by chance, so that clients do not ask all at once.
    expect(sentinel.asked - asked).toBe(1);
    expect(longest).toBeGreaterThan(7_000);
    expect(longest).toBeLessThan(20_000);
    await redis.set('k', 'new');
    expect([await admins[0].get('k'), await admins[1].get('k')]).toEqual([null, 'new']);
  });
});

describe('A sentinel that is asked', () => {
  it('is not held to be silent for the time for which the process itself stood still', async () => {
    const { servers } = await masters();
    const { host, port } = servers[0];
    const one = await sentinel({ master: { host, port } });
    // It may take 100 ms.
    const redis = client({ sentinels: [one.address], service: 'mymaster', connectTimeout: 200 });
    const told = troubles(redis, 'sentinel');
    const answer = redis.ping().then((pong) => pong);
    await until(() => one.script.seen.length > 0);
    const end = performance.now() + 300;
    while (performance.now() < end);
    expect(await answer).toBe('PONG');
    expect(told).toEqual([]);
  });
});

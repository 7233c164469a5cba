import { inspect } from 'node:util';
import type { InspectedSentinel } from 'rxjs-redis';
import { nameOf } from '../../../src/options/addresses';
import { useClients, usePools } from '../../support/clients';
import { untilKnown, useRealSentinels, watching } from '../../support/real-sentinels';
import { optionsOf, useSentinels } from '../../support/sentinels';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { until } from '../../support/until';

const client = useClients();
const isHeard = ({ answeredAgo, listens }: InspectedSentinel): boolean => answeredAgo !== undefined && listens;
const pools = usePools();

describe('inspect() of a client behind sentinels', () => {
  const trio = useSentinels();
  const names = () => trio().sentinels.map(nameOf);
  const [service, role] = ['mymaster', 'master'] as const;

  it('shows before the first connection what the options say, and that nothing was told yet', () => {
    const redis = client(optionsOf(trio()));
    const unasked = { isGiven: true, answeredAgo: undefined, listens: false, trouble: undefined };
    const known = names().map((address) => ({ address, ...unasked }));
    expect(redis.inspect()).toMatchObject({ address: service, state: 'idle', sentinels: { service, role, known } });
    expect(redis.inspect().sentinels?.master).toBeUndefined();
    expect(String(redis.inspect()).split('\n')).toEqual(
      expect.arrayContaining([
        'service mymaster, role master: no sentinel has told where the master is',
        ...names().map((name) => `sentinel ${name}: has not answered yet`),
      ]),
    );
    expect(inspect(redis, { depth: 1 })).toBe('Redis <mymaster, idle>');
  });

  it('shows the master, and of each sentinel when it answered, whether it is listened to and who has named it', async () => {
    const [, one, other] = trio().sentinels;
    const redis = client({ ...optionsOf(trio()), sentinels: [{ host: one.host, port: one.port }] });
    await redis.ping();
    await until(() => redis.inspect().sentinels?.known.every(isHeard) === true);
    const { sentinels } = redis.inspect();
    const master = nameOf(trio().servers[0]);
    expect(sentinels).toMatchObject({ service, role, master });
    expect(sentinels?.known.map(({ address }) => address).sort()).toEqual(names().sort());
    for (const { address, isGiven, answeredAgo, trouble } of sentinels?.known ?? []) {
      expect([isGiven, trouble]).toEqual([address === nameOf(one), undefined]);
      expect(answeredAgo).toBeGreaterThanOrEqual(0);
    }
    const text = String(redis.inspect());
    expect(text).toContain(
      `\nservice mymaster, role master: the master is ${master}\nsentinel ${nameOf(one)}: answered `,
    );
    expect(text).toMatch(
      new RegExp(`\\nsentinel ${nameOf(other)}: answered \\d+ ms ago, is listened to, learnt from another\\n`),
    );
    expect(inspect(redis, { depth: 1 })).toBe(`Redis <mymaster at ${master}, ready>`);
  });

  it('shows the role, and of a replica the master as well', async () => {
    const pool = pools({ ...optionsOf(trio()), role: 'replica' });
    expect(inspect(pool)).toBe('RedisPool <mymaster, 0 of 0 in use>');
    await pool.ping();
    const master = nameOf(trio().servers[0]);
    expect(pool.inspect()).toMatchObject({ address: service, sentinels: { role: 'replica', master } });
  });
});

describe('inspect() of a client one of whose sentinels is gone', () => {
  const real = useRealSentinels();
  const scripted = useScriptedSentinels();
  const service = 'mymaster';

  it('shows the one that answers first, why the other does not, and how long ago it did', async () => {
    const master = await real.server();
    const [gone, left] = [
      await real.sentinel(watching(service, master)),
      await real.sentinel(watching(service, master)),
    ];
    const redis = client({ sentinels: [gone.address, left.address], service });
    await redis.ping();
    await until(() => redis.inspect().sentinels?.known.every(isHeard) === true);
    expect(redis.inspect().sentinels?.known[0]?.address).toBe(nameOf(gone.address));
    await gone.server.stop();
    const wrong = () => redis.inspect().sentinels?.known.find(({ trouble }) => trouble !== undefined);
    await until(() => wrong() !== undefined);
    const { known = [] } = redis.inspect().sentinels ?? {};
    expect(known.map(({ address }) => address)).toEqual([nameOf(left.address), nameOf(gone.address)]);
    expect(wrong()).toMatchObject({ address: nameOf(gone.address), listens: false });
    expect(wrong()?.trouble).toMatch(/^cannot be asked: /);
    expect(wrong()?.answeredAgo).toBeGreaterThan(0);
    expect(inspect(redis)).toBe(`Redis <mymaster at ${nameOf(master)}, ready, trouble with 1 of 2 sentinels>`);
  });

  it('shows the new master after a failover, and what is wrong with the service', async () => {
    const [master, well] = [await real.server(), await real.server()];
    const next = await real.server(master);
    const one = await real.sentinel(watching(service, master));
    await untilKnown(one, service, 1);
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    await one.admin.sentinelFailover(service);
    await until(() => redis.inspect().address === nameOf(next));
    expect(redis.inspect().sentinels?.master).toBe(nameOf(next));
    const ignorant = await real.sentinel(watching('another', well));
    const lost = client({ sentinels: [ignorant.address], service });
    lost.ping().subscribe({ error: () => undefined });
    await until(() => lost.inspect().sentinels?.known[0]?.trouble !== undefined);
    expect(String(lost.inspect())).toContain(`does not know 'mymaster'`);
    expect(lost.inspect()).toMatchObject({ address: service, sentinels: { master: undefined } });
  });

  it('shows one that speaks RESP2 as one that is not listened to', async () => {
    const one = await scripted({ master: await real.server() }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    await until(() => one.asked > 1);
    expect(redis.inspect().sentinels?.known).toMatchObject([{ listens: false, trouble: undefined }]);
  });
});

import { nameOf } from '../../../src/options/addresses';
import { startProxy, type Proxy } from '../../../infra/proxy';
import type { RunningServer } from '../../../infra/servers';
import { record, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { optionsOf, useFreshSentinels } from '../../support/sentinels';
import { leadsTo } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const trio = useFreshSentinels();
const client = useClients();
const proxies: Proxy[] = [];
afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.stop())));

/** Puts a line that can be cut before each server and each sentinel, which tell of each other what lies behind it. */
async function behindLines() {
  const { servers, sentinels, service } = trio();
  const natMap: Record<string, string> = {};
  const lineTo = async (target: RunningServer): Promise<Proxy> => {
    const proxy = await startProxy({ target });
    proxies.push(proxy);
    natMap[nameOf(target)] = nameOf(proxy);
    return proxy;
  };
  const toServers = await Promise.all(servers.map(lineTo));
  const toSentinels = await Promise.all(sentinels.map(lineTo));
  const redis = client({ sentinels: [nameOf(toSentinels[0]!)], service, natMap });
  const failOver = async (): Promise<void> => {
    const { host, port } = sentinels[0];
    await client({ host, port, clientInfo: false }).sentinelFailover(service);
  };
  const isNew = () => toServers.slice(1).some((proxy) => redis.inspect().address === nameOf(proxy));
  return { redis, toServers, toSentinels, failOver, isNew };
}

describe('A client behind lines that can be cut', () => {
  it('hears of a failover from the sentinels that it reaches, while it is cut off from those that it was given', async () => {
    const { redis, toSentinels, failOver, isNew } = await behindLines();
    await redis.ping();
    // Those that it has learnt are behind lines as well.
    await until(() => toSentinels.every(({ connections }) => connections.open === 1));
    toSentinels[0]!.blackhole(true);
    toSentinels[1]!.cut();
    await toSentinels[1]!.refuse(true);
    await failOver();
    await until(isNew);
    expect(await redis.role()).toMatchObject({ role: 'master' });
  });

  it('is cut off from all sentinels during a failover, and follows once it reaches one', async () => {
    const { redis, toSentinels, failOver, isNew } = await behindLines();
    await redis.ping();
    await until(() => toSentinels.every(({ connections }) => connections.open === 1));
    for (const proxy of toSentinels) {
      await proxy.refuse(true);
      proxy.cut();
    }
    await failOver();
    const watcher = client(optionsOf(trio()));
    await leadsToAnother(watcher);
    expect(isNew()).toBe(false);
    await toSentinels[2]!.refuse(false);
    await until(isNew);
    expect(await redis.role()).toMatchObject({ role: 'master' });
  });

  it('leaves a master whose line is dead once the sentinels name another', async () => {
    const { redis, toServers, failOver, isNew } = await behindLines();
    await redis.set('k', 'v');
    await redis.wait(2, 5_000);
    const reads = record(redis.subscribe('news', { gaps: true }));
    await until(() => reads.values.length === 1);
    toServers[0]!.blackhole(true);
    const read = outcome(redis.get('k'));
    const counted = outcome(redis.incr('n'));
    await failOver();
    await until(isNew);
    expect(await read).toEqual({ value: 'v' });
    expect(await counted).toMatchObject({ error: { delivery: 'unknown' } });
    // Messages go along, through a line as well, and tell what may be missing.
    await until(() => reads.values.length === 3);
    expect(reads.values[1]).toMatchObject({ type: 'gap' });
    const there = toServers.find((proxy) => nameOf(proxy) === redis.inspect().address);
    expect(there?.connections.open).toBe(2);
  });
});

/** Resolves once a client that reaches everything is at another master than the first. */
async function leadsToAnother(redis: ReturnType<typeof client>): Promise<void> {
  const { servers } = trio();
  await redis.connect();
  await Promise.race([leadsTo(redis, servers[1]), leadsTo(redis, servers[2])]);
}

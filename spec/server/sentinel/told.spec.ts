import { startProxy, type Proxy } from '../../../infra/proxy';
import type { Redis } from 'rxjs-redis';
import { useClients } from '../../support/clients';
import { useRealSentinels, untilKnown, watching } from '../../support/real-sentinels';
import { untilReplicating } from '../../support/replicating';
import { isHeld, leadsTo } from '../../support/sentinel-clients';
import { until } from '../../support/until';
import { lostOf, writing } from '../../support/writing';

const real = useRealSentinels();
const client = useClients();
const service = 'mymaster';
let proxy: Proxy | undefined;
afterEach(() => proxy?.stop());

/** A master and a replica, which a sentinel reaches by a line that can be stalled: it promotes when the line lets it. */
async function promotedWhenLet() {
  const master = await real.server();
  const replica = await real.server();
  proxy = await startProxy({ target: replica });
  const { host, port } = proxy;
  const [atMaster, atReplica] = [client(master.url), client(replica.url)];
  await atReplica.configSet('replica-announce-ip', host);
  await atReplica.configSet('replica-announce-port', port);
  await atReplica.replicaof(master.host, master.port);
  await untilReplicating(atReplica, atMaster);
  // What does not answer for a while is not held to be down.
  const patient = `sentinel down-after-milliseconds ${service} 60000`;
  const one = await real.sentinel([...watching(service, master), patient]);
  await untilKnown(one, service, 1);
  return { line: proxy, replica: { host, port }, atMaster, atReplica, one };
}

/** The replica has all that the master has written. */
async function untilEqual(one: Redis, other: Redis): Promise<void> {
  const offset = async (of: Redis) => /master_repl_offset:(\d+)/.exec(await of.call<string>('INFO', 'replication'))![1];
  while ((await offset(one)) !== (await offset(other)));
}

describe('A promotion that the client is told of before the replica is a master', () => {
  it('loses no write that was answered, and fails none', async () => {
    const { line, replica, atMaster, atReplica, one } = await promotedWhenLet();
    const redis = client({ sentinels: [one.address], service, offlineQueue: Infinity });
    await redis.ping();
    const writes = writing(redis, 50);
    await until(() => writes.answered.length > 500);
    const left = leadsTo(redis, replica);
    line.stall('toServer', true);
    await one.admin.sentinelFailover(service);
    await until(() => isHeld(redis) && redis.inspect().inFlight === 0);
    await untilEqual(atMaster, atReplica);
    line.stall('toServer', false);
    await left;
    const { length } = writes.answered;
    await until(() => writes.answered.length > length + 500);
    await writes.stop();
    expect(writes.failed).toEqual([]);
    expect(await lostOf(redis, writes.answered)).toEqual([]);
  });
});

import type { Redis, ServerAddress } from 'rxjs-redis';
import type { RunningServer } from '../../../infra/servers';
import { nameOf } from '../../../src/options/addresses';
import { eventually, record, useClients } from '../../support/clients';
import { atLeast, untilKnown, useRealSentinels, watching } from '../../support/real-sentinels';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { leadsTo, troubles } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const real = useRealSentinels();
const scripted = useScriptedSentinels();
const role = useScriptedRoles();
const client = useClients();
const service = 'mymaster';

/** The link of a replica to its master, which does not come back before it is repaired. */
function linkOf({ url }: RunningServer) {
  const admin = client(url);
  const untilIs = (state: string) =>
    eventually(
      () => admin.call<string>('INFO', 'replication'),
      (info) => info.includes(`master_link_status:${state}`),
    );
  return {
    async breakOff(): Promise<void> {
      // The master wants no password, and refuses one.
      await admin.configSet('masterauth', 'wrong');
      await admin.clientKill({ TYPE: 'MASTER' });
      await untilIs('down');
    },
    async repair(): Promise<void> {
      await admin.configSet('masterauth', '');
      await untilIs('up');
    },
  };
}

const preferring = (sentinel: { readonly address: ServerAddress }, others = {}): Redis =>
  client({ sentinels: [sentinel.address], service, role: 'prefer-replica', ...others });

/** A master with one replica, and a sentinel that says of its link what a spec says: sentinels ask replicas every ten seconds alone. */
async function pair(link: 'ok' | 'err', args: readonly string[] = []) {
  const master = await real.server();
  const replica = await real.server(master, { args });
  const one = await scripted({ master, replicas: [{ host: replica.host, port: replica.port, link }] }, { protocol: 2 });
  return { master, replica, one, link: linkOf(replica) };
}

describe('A client that prefers replicas', () => {
  it('reads from one that is linked, where its sentinel does not know that yet', async () => {
    const { replica, one } = await pair('err');
    const redis = preferring(one);
    const there = leadsTo(redis, replica);
    await redis.ping();
    await there;
    expect(await redis.role()).toMatchObject({ role: 'slave' });
  });

  it('reads from one that gets its link after that, where its sentinel does not know that yet', async () => {
    const { master, replica, one, link } = await pair('err');
    await link.breakOff();
    const redis = preferring(one);
    await redis.ping();
    await until(() => one.asked > 1);
    expect(redis.inspect().address).toBe(nameOf(master));
    const there = leadsTo(redis, replica);
    await link.repair();
    await there;
  });

  it('reads from the master where the replica has lost it and its sentinel does not know that yet, until the link is there again', async () => {
    const { master, replica, one, link } = await pair('ok', ['--replica-serve-stale-data', 'no']);
    const redis = preferring(one, { reconnect: { initialDelay: 5 } });
    const told = troubles(redis, 'commands');
    await redis.get('k');
    expect(redis.inspect().address).toBe(nameOf(replica));
    await link.breakOff();
    expect(await redis.get('k')).toBeNull();
    expect(redis.inspect().address).toBe(nameOf(master));
    expect(told).toContain(
      `${nameOf(replica)} is a replica that has lost its master, and a linked replica of '${service}' is wanted`,
    );
    // It is asked, and not led back to, in place of that.
    const [{ asked }, { length }] = [one, told];
    await until(() => one.asked > asked + 1);
    expect([redis.inspect().address, told.length]).toEqual([nameOf(master), length]);
    const there = leadsTo(redis, replica);
    await link.repair();
    await there;
  });

  it('leaves the only replica for the master when its link breaks, and comes back to it', async () => {
    // The info-period of a sentinel can be set since 7.0; one that may not be listened to is asked each second.
    const server = atLeast('redis-7.0');
    const master = await real.server();
    const replica = await real.server(master);
    const user = 'user deaf on >secret resetchannels -@all +hello +sentinel +info';
    const one = await real.sentinel([...watching(service, master), user], { server });
    await one.admin.call('SENTINEL', 'DEBUG', 'info-period', '200');
    await untilKnown(one, service, 1);
    const redis = preferring(one, { sentinelUsername: 'deaf', sentinelPassword: 'secret' });
    await redis.ping();
    expect(redis.inspect().address).toBe(nameOf(replica));
    const link = linkOf(replica);
    const left = leadsTo(redis, master);
    await link.breakOff();
    await left;
    await client(master.url).set('k', 'new');
    expect(await redis.get('k')).toBe('new');
    const back = leadsTo(redis, replica);
    await link.repair();
    await back;
  });

  it('stays at the only replica where the link breaks for a moment, and where the master is down', async () => {
    const [master, replica] = [await role('master'), await role('slave connected')];
    const linked = { master: master.address, replicas: [replica.address] };
    const one = await scripted(linked, { protocol: 2 });
    const redis = preferring(one);
    await redis.ping();
    const dials = () => replica.dials;
    replica.said = 'slave connect';
    one.says.replicas = [{ ...replica.address, link: 'err' }];
    const before = dials();
    await until(() => dials() > before);
    replica.said = 'slave connected';
    const asked = dials();
    await until(() => dials() > asked + 1);
    one.says.flags = 'master,s_down,o_down';
    replica.said = 'slave connect';
    const rounds = one.asked;
    await until(() => one.asked > rounds + 2);
    expect([redis.inspect().address, master.dials]).toEqual([nameOf(replica.address), 0]);
  });

  it('stays at a replica that has lost its master where that cannot be reached, and its sentinel does not know that yet', async () => {
    const { master, replica, one, link } = await pair('err');
    await link.breakOff();
    await master.stop();
    const redis = preferring(one, { reconnect: { initialDelay: 5 } });
    await redis.get('k');
    const told = troubles(redis, 'commands');
    const rounds = one.asked;
    await until(() => one.asked > rounds + 5);
    expect([redis.inspect().address, told]).toEqual([nameOf(replica), []]);
  });

  it('stays at a replica that takes no more clients, and has further connections lead to the master', async () => {
    const { replica, master, one } = await pair('ok');
    const redis = preferring(one, { reconnect: { initialDelay: 5 } });
    await redis.ping();
    const admin = client(replica.url);
    const [, clients = ''] = /connected_clients:(\d+)/.exec(await admin.call<string>('INFO', 'clients')) ?? [];
    await admin.configSet('maxclients', clients);
    const port = await redis.dedicated((lease) => lease.configGet('port'));
    expect(port).toEqual({ port: String(master.port) });
    const states = record(redis.state$);
    const { asked } = one;
    await until(() => one.asked > asked + 2);
    expect(states.values).toMatchObject([{ kind: 'ready' }]);
    expect(redis.inspect().address).toBe(nameOf(replica));
    expect(await redis.configGet('port')).toEqual({ port: String(replica.port) });
  });

  it('reads from a replica that has lost its master where that cannot be reached, whatever its sentinel says', async () => {
    const replica = await role('slave connect');
    const one = await scripted({
      master: { host: '127.0.0.1', port: 1 },
      replicas: [{ ...replica.address, link: 'err' }],
    });
    const redis = preferring(one, { reconnect: { initialDelay: 5 } });
    expect(await redis.get('k')).toBe('GET');
  });
});

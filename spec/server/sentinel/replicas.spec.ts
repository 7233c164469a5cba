import { filter, firstValueFrom } from 'rxjs';
import { nameOf } from '../../../src/options/addresses';
import { set, incr, get } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { optionsOf, useSentinels } from '../../support/sentinels';
import { leadsTo } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const client = useClients();
const pools = usePools();
const sentinel = useScriptedSentinels();
const role = useScriptedRoles();
const service = 'mymaster';

describe('A client of replicas', () => {
  const trio = useSentinels();

  it('reads from one of them', async () => {
    const writer = client(optionsOf(trio()));
    const reader = client({ ...optionsOf(trio()), role: 'replica' });
    await writer.set('read', 'there');
    await eventually(
      () => reader.get('read'),
      (value) => value === 'there',
    );
    expect(await reader.role()).toMatchObject({ role: 'slave' });
  });

  it('has its connections spread over all of them', async () => {
    const pool = pools({ ...optionsOf(trio()), role: 'replica', min: 4, max: 4 });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire()]);
    const ports = await Promise.all(
      leases.map(async (lease) => /tcp_port:(\d+)/.exec(await lease.call<string>('INFO', 'server'))?.[1]),
    );
    const { servers } = trio();
    expect(new Set(ports)).toEqual(new Set([String(servers[1].port), String(servers[2].port)]));
    for (const lease of leases) pool.release(lease);
  });

  it('refuses what writes before it is sent, also inside groups, on leases and where it would wait', async () => {
    const redis = client({ ...optionsOf(trio()), role: 'replica' });
    const why = "writes, and the option 'role' is 'replica': replicas take no writes";
    const refused = await failure(redis.set('k', 1));
    expect(refused).toMatchObject({ code: 'CONFIGURATION', message: `SET ${why}`, delivery: 'unsent' });
    expect((await failure(redis.multi(get('k'), incr('n')))).message).toBe(`INCR of a MULTI ${why}`);
    expect((await failure(redis.pipeline(set('k', 1)))).message).toBe(`SET of a PIPELINE ${why}`);
    expect((await failure(redis.blpop('jobs', 1))).message).toBe(`BLPOP ${why}`);
    expect((await failure(redis.dedicated((lease) => lease.set('k', 1)))).message).toBe(`SET ${why}`);
    const pool = pools({ ...optionsOf(trio()), role: 'replica' });
    expect((await failure(pool.set('k', 1))).message).toBe(`SET ${why}`);
  });

  it('ends at once what waits at one of them, where its other connections may not lead', async () => {
    const redis = client({ ...optionsOf(trio()), role: 'replica' });
    const admins = trio()
      .servers.slice(1)
      .map(({ url }) => client(url));
    const blocked = async (): Promise<number> => {
      const infos = await Promise.all(admins.map((admin) => admin.call<string>('INFO', 'clients')));
      return infos.reduce((sum, info) => sum + Number(/blocked_clients:(\d+)/.exec(info)?.[1]), 0);
    };
    await redis.ping();
    const first = record(redis.tail('s'));
    await eventually(blocked, (clients) => clients === 1);
    first.stop();
    await eventually(blocked, (clients) => clients === 0);
    // No CLIENT UNBLOCK has reached a server where the number is that of another client's connection.
    const stats = await Promise.all(admins.map((admin) => admin.call<string>('INFO', 'commandstats')));
    expect(stats.join()).not.toMatch(/cmdstat_client\|unblock/);
  });

  it('leaves it to the server what scripts do, and stays where it is when one writes', async () => {
    const redis = client({ ...optionsOf(trio()), role: 'replica' });
    expect(await redis.eval('return redis.call("GET", KEYS[1])', 'none')).toBeNull();
    const state = redis.state$;
    const ready = await firstValueFrom(state.pipe(filter(({ kind }) => kind === 'ready')));
    expect((await failure(redis.eval('return redis.call("SET", KEYS[1], 1)', 'k'))).message).toContain('READONLY');
    expect(await firstValueFrom(state)).toBe(ready);
  });
});

describe('The replica of a client', () => {
  it('is one that the sentinels hold to be up and linked to the master', async () => {
    const [down, unlinked, up] = [
      await role('slave connected'),
      await role('slave connect'),
      await role('slave connected'),
    ];
    const one = await sentinel({
      master: { host: '127.0.0.1', port: 1 },
      replicas: [{ ...down.address, flags: 's_down,slave' }, { ...unlinked.address, link: 'err' }, up.address],
    });
    for (let times = 0; times < 3; times++) {
      const redis = client({ sentinels: [one.address], service, role: 'replica' });
      await redis.get('k');
      expect(redis.inspect().address).toBe(nameOf(up.address));
    }
    // While the master is gone no replica is linked to one: what is there is better than nothing.
    one.says.replicas = [
      { ...down.address, flags: 's_down,slave' },
      { ...unlinked.address, link: 'err' },
    ];
    const redis = client({ sentinels: [one.address], service, role: 'replica' });
    await redis.get('k');
    expect(redis.inspect().address).toBe(nameOf(unlinked.address));
  });

  it('is none that has no data yet, and none that has become a master', async () => {
    const [syncing, promoted, good] = [await role('slave sync'), await role('master'), await role('slave connected')];
    const one = await sentinel({
      master: { host: '127.0.0.1', port: 1 },
      replicas: [syncing.address, promoted.address, good.address],
    });
    const redis = client({ sentinels: [one.address], service, role: 'replica' });
    expect(await redis.get('k')).toBe('GET');
    expect(redis.inspect().address).toBe(nameOf(good.address));
    expect([syncing.commands, promoted.commands]).toEqual([[], []]);
  });

  it('is left when a sentinel cannot reach it, and when it is promoted', async () => {
    const [first, second] = [await role('slave connected'), await role('slave connected')];
    const master = { host: '127.0.0.1', port: 1 };
    const one = await sentinel({ master, replicas: [first.address] });
    const redis = client({ sentinels: [one.address], service, role: 'replica' });
    await redis.get('k');
    await until(() => one.listeners === 1);
    one.says.replicas = [second.address];
    const left = leadsTo(redis, second.address);
    const { host, port } = first.address;
    one.tell('+sdown', `slave ${host}:${port} ${host} ${port} @ ${service} ${master.host} ${master.port}`);
    await left;
    Object.assign(one.says, { replicas: [first.address], master: second.address, epoch: 2 });
    const back = leadsTo(redis, first.address);
    one.tell('+switch-master', `${service} 127.0.0.1 1 ${second.address.host} ${second.address.port}`);
    await back;
  });

  it('is left when a sentinel says that it has lost its master, for one that has not, and is not come back to by the word of another', async () => {
    const [first, second] = [await role('slave connected'), await role('slave connected')];
    const master = { host: '127.0.0.1', port: 1 };
    const linked = { master, replicas: [first.address, second.address] };
    // They speak RESP2 alone, so they are asked each second.
    const [news, behind] = [await sentinel(linked, { protocol: 2 }), await sentinel(linked, { protocol: 2 })];
    const redis = client({ sentinels: [behind.address, news.address], service, role: 'replica' });
    await redis.get('k');
    await until(() => news.asked > 0);
    // It has had its turn when the link is made anew.
    await redis.dedicated((connection) => connection.get('k'));
    const [left, other] = redis.inspect().address === nameOf(first.address) ? [first, second] : [second, first];
    news.says.replicas = [first.address, second.address].map((one) => ({ ...one, link: 'err' }));
    const { asked } = news;
    // While no other is linked, as during a failover, it stays.
    await until(() => news.asked > asked + 1);
    expect(redis.inspect().address).toBe(nameOf(left.address));
    const there = leadsTo(redis, other.address);
    news.says.replicas = [{ ...left.address, link: 'err' }, other.address];
    await there;
    expect([left.dials, other.dials]).toEqual([1, 2]);
  });

  it('is waited for where there is none, which is told', async () => {
    const master = await role('master');
    const late = await role('slave connected');
    const one = await sentinel({ master: master.address });
    const redis = client({ sentinels: [one.address], service, role: 'replica' });
    const error = await failure(redis.withOptions({ commandTimeout: 300 }).get('k'));
    expect(error.message).toContain(
      `No sentinel tells where a replica of 'mymaster' is: ${nameOf(one.address)} knows no replica of 'mymaster' that is up`,
    );
    one.says.replicas = [late.address];
    expect(await redis.get('k')).toBe('GET');
    expect(master.commands).toEqual([]);
  });
});

describe('A client that prefers replicas', () => {
  it('reads from the master while there is none, refuses writes all the same, and goes to the first that comes', async () => {
    const master = await role('master');
    const late = await role('slave connected');
    const one = await sentinel({ master: master.address });
    const redis = client({ sentinels: [one.address], service, role: 'prefer-replica' });
    await redis.get('k');
    expect(redis.inspect().address).toBe(nameOf(master.address));
    expect((await failure(redis.set('k', 1))).code).toBe('CONFIGURATION');
    await until(() => one.listeners === 1);
    one.says.replicas = [late.address];
    const there = leadsTo(redis, late.address);
    const { host, port } = late.address;
    one.tell(
      '+slave',
      `slave ${host}:${port} ${host} ${port} @ ${service} ${nameOf(master.address).replace(':', ' ')}`,
    );
    await there;
  });

  it('goes to one whose data comes late, once it is there', async () => {
    const master = await role('master');
    const late = await role('slave sync');
    const replicas = [{ ...late.address, link: 'err' }];
    const one = await sentinel({ master: master.address, replicas }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service, role: 'prefer-replica' });
    await redis.get('k');
    expect(redis.inspect().address).toBe(nameOf(master.address));
    late.said = 'slave connected';
    const there = leadsTo(redis, late.address);
    one.says.replicas = [late.address];
    await there;
  });

  it('goes back to the master when the last one is gone', async () => {
    const master = await role('master');
    const replica = await role('slave connected');
    const one = await sentinel({ master: master.address, replicas: [replica.address] });
    const redis = client({ sentinels: [one.address], service, role: 'prefer-replica' });
    await redis.get('k');
    expect(redis.inspect().address).toBe(nameOf(replica.address));
    await until(() => one.listeners === 1);
    one.says.replicas = [];
    const back = leadsTo(redis, master.address);
    const { host, port } = replica.address;
    one.tell(
      '+sdown',
      `slave ${host}:${port} ${host} ${port} @ ${service} ${nameOf(master.address).replace(':', ' ')}`,
    );
    await back;
  });
});

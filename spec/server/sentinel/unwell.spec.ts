import { setTimeout as delay } from 'node:timers/promises';
import { eventually, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { untilKnown, useRealSentinels, watching, type RealSentinel } from '../../support/real-sentinels';
import { nameOf } from '../../../src/options/addresses';
import { leadsTo, troubles } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const real = useRealSentinels();
const role = useScriptedRoles();
const scripted = useScriptedSentinels();
const client = useClients();
const service = 'mymaster';

/** A sentinel that was held up for longer than two seconds has lost track of time. */
async function tilt({ server, admin }: RealSentinel): Promise<void> {
  await server.kill('SIGSTOP');
  await delay(2_500);
  await server.kill('SIGCONT');
  await eventually(
    () => admin.call<string>('INFO', 'sentinel'),
    (info) => info.includes('sentinel_tilt:1'),
  );
}

describe('A real sentinel in TILT', () => {
  it('is told of, and asked only where no other answers', async () => {
    const [master, old] = [await real.server(), await real.server()];
    const [lost, well] = [await real.sentinel(watching(service, old)), await real.sentinel(watching(service, master))];
    await tilt(lost);
    const redis = client({ sentinels: [lost.address, well.address], service });
    const told = troubles(redis, 'sentinel');
    await redis.ping();
    expect(redis.inspect().address).toBe(nameOf(master));
    expect(told).toContain(`Sentinel ${nameOf(lost.address)} is in TILT: it has lost track of time`);
    const alone = client({ sentinels: [lost.address], service });
    await alone.ping();
    expect(alone.inspect().address).toBe(nameOf(old));
  });
});

describe('Real sentinels that do not help', () => {
  it('because they do not know the service, are named with that', async () => {
    const one = await real.sentinel(watching('another', await real.server()));
    const redis = client({ sentinels: [one.address], service, commandTimeout: 500 });
    const error = await failure(redis.ping());
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    expect(error.message).toContain(`${nameOf(one.address)} does not know '${service}'`);
  });

  it('because they have no quorum to replace a master that is down, tell that', async () => {
    const master = await real.server();
    const replica = await real.server(master);
    const [monitor = '', ...others] = watching(service, master);
    const one = await real.sentinel([monitor.replace(/ 1$/, ' 2'), ...others]);
    await untilKnown(one, service, 1);
    const redis = client({ sentinels: [one.address], service, commandTimeout: 60_000 });
    const told = troubles(redis, 'sentinel');
    await redis.ping();
    await master.kill('SIGKILL');
    const down = `Sentinel ${nameOf(one.address)} holds the master of '${service}' at ${nameOf(master)} to be down, and has no quorum for that (s_down`;
    await until(() => told.some((message) => message.startsWith(down)));
    expect(await client(replica.url).role()).toMatchObject({ role: 'slave' });
  });
});

describe('A master at an address of IPv6', () => {
  it('is led to by a real sentinel at one, over a failover', async () => {
    const bound = { args: ['--bind', '127.0.0.1', '::1', '--replica-announce-ip', '::1'] };
    const master = await real.server(undefined, bound);
    const replica = await real.server(master, bound);
    // Up to 6.2 a sentinel dials from the first address that it is bound to.
    const one = await real.sentinel(watching(service, master, '::1'), { args: ['--bind', '::1', '127.0.0.1'] });
    await untilKnown(one, service, 1);
    const redis = client({ sentinels: [`[::1]:${one.address.port}`], service });
    await redis.ping();
    expect(redis.inspect().address).toBe(nameOf({ host: '::1', port: master.port }));
    await one.admin.sentinelFailover(service);
    await until(() => redis.inspect().address === nameOf({ host: '::1', port: replica.port }));
    expect(await redis.set('k', 1)).toBe('OK');
  });
});

describe('A replica that has lost its master, and is not to tell what is old', () => {
  it('is left for another one', async () => {
    const master = await real.server();
    const strict = await real.server(master, { args: ['--replica-serve-stale-data', 'no'] });
    const other = await real.server(master);
    const one = await real.sentinel(watching(service, master));
    await untilKnown(one, service, 2);
    const redis = client({ sentinels: [one.address], service, role: 'replica', reconnect: { initialDelay: 5 } });
    await redis.ping();
    while (redis.inspect().address !== nameOf(strict)) await redis.reconnect();
    // It reads what is written until then, and the sentinel leads it back to its master only after seconds.
    await client(strict.url).call('REPLICAOF', '127.0.0.1', '1');
    const left = leadsTo(redis, other);
    expect(await redis.get('k')).toBeNull();
    await left;
  });

  it('is not preferred to a master that is up', async () => {
    const [master, replica] = [await role('master'), await role('slave connect')];
    for (const { answers } of [master, replica]) answers.set('GET', '$1\r\n1\r\n');
    const replicas = [{ ...replica.address, link: 'err' }];
    const one = await scripted({ master: master.address, replicas });
    const redis = client({ sentinels: [one.address], service, role: 'prefer-replica' });
    expect(await redis.get('k')).toBe('1');
    expect([master.commands, replica.commands]).toEqual([['GET'], []]);
  });

  it('is not left in a loop without delay, where no other knows more', async () => {
    const replicas = [await role('slave connected'), await role('slave connected')];
    const lost = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    for (const { answers } of replicas) answers.set('GET', `-${lost}\r\n`);
    const one = await scripted({ master: replicas[0]!.address, replicas: replicas.map(({ address }) => address) });
    const redis = client({ sentinels: [one.address], service, role: 'replica', commandTimeout: 1_000 });
    const { delivery, message } = await failure(redis.get('k'));
    // Its time may be up while it is on its way once more.
    expect(message).toContain(delivery === 'unknown' ? 'was sent and not answered within 1000 ms' : lost);
    expect(replicas.every(({ dials }) => dials > 0)).toBe(true);
    expect(replicas.reduce((sum, { dials }) => sum + dials, 0)).toBeLessThan(20);
  });
});

describe('A replica whose link to its master breaks while it is read', () => {
  it('is left for one that is linked, once a sentinel has seen that', async () => {
    const master = await real.server();
    const replicas = [await real.server(master), await real.server(master)];
    const one = await real.sentinel(watching(service, master));
    await untilKnown(one, service, 2);
    const reader = client({ sentinels: [one.address], service, role: 'replica' });
    await reader.ping();
    const [left, other] = replicas.map(({ url }) => client(url));
    const [from, to] =
      reader.inspect().address === nameOf(replicas[0]!) ? [left!, replicas[1]!] : [other!, replicas[0]!];
    const there = leadsTo(reader, to);
    await client(master.url).configSet('requirepass', 'secret');
    await from.clientKill({ TYPE: 'MASTER' });
    await there;
    expect(await reader.role()).toMatchObject({ role: 'slave', state: 'connected' });
  });
});

describe('A replica that reads what it has', () => {
  it('is left for another one', async () => {
    const replicas = [await role('slave connect'), await role('slave connected')] as const;
    replicas[0].answers.set('GET', '-LOADING Redis is loading the dataset in memory\r\n');
    replicas[1].answers.set('GET', '$1\r\n1\r\n');
    const addresses = replicas.map(({ address }) => ({ ...address, link: 'ok' }));
    const one = await scripted({ master: addresses[0]!, replicas: addresses });
    const redis = client({ sentinels: [one.address], service, role: 'replica' });
    for (let times = 0; times < 2; times++) {
      expect(await redis.get('k')).toBe('1');
      await redis.reconnect();
    }
    expect(replicas[0].commands).toContain('GET');
  });
});

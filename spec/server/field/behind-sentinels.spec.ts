import type { ServerAddress } from 'rxjs-redis';
import { startServer, type RunningServer } from '../../../infra/servers';
import { nameOf } from '../../../src/options/addresses';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { atLeast, untilKnown, useRealSentinels, watching } from '../../support/real-sentinels';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { leadsTo, troubles, words } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const real = useRealSentinels();
const scripted = useScriptedSentinels();
const role = useScriptedRoles();
const client = useClients();
const pools = usePools();
const service = 'mymaster';

const placeOf = ({ host, port }: RunningServer): ServerAddress => ({ host, port });

describe('Sentinels that are not what they should be', () => {
  // StackExchange/StackExchange.Redis#2025
  it('but a server of data are passed over, and named with what that says', async () => {
    const master = await real.server();
    const one = await scripted({ master: placeOf(master) });
    const redis = client({ sentinels: [placeOf(master), one.address], service });
    const told = troubles(redis, 'sentinel');
    expect(await redis.ping()).toBe('PONG');
    expect(told).toEqual([expect.stringMatching(`^Sentinel ${nameOf(master)} .*unknown command .?SENTINEL`)]);
  });

  // redis/lettuce#3920: a service of discovery that speaks so much of a sentinel as clients of its time needed
  it('but answer for the address alone, in RESP2 and without events, are asked each second and followed', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const one = await scripted({ master: old.address, isCurt: true }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    one.says.master = next.address;
    const there = leadsTo(redis, next.address);
    await there;
    expect(await redis.set('k', 1)).toBe('OK');
    expect([old.commands.includes('SET'), next.commands]).toEqual([false, ['SET']]);
  });

  // redis/redis#8507: what a sentinel tells while it cannot resolve a name
  it('because they tell no port or no name, are asked again until they do', async () => {
    const master = await role('master');
    const one = await scripted({ master: { host: '127.0.0.1', port: 0 } });
    const redis = client({ sentinels: [one.address], service, reconnect: { initialDelay: 5 } });
    const told = troubles(redis, 'sentinel');
    const answer = outcome(redis.get('k'));
    await until(() => one.asked > 1);
    one.says.master = { host: '?', port: master.address.port };
    const { asked } = one;
    await until(() => one.asked > asked + 1);
    one.says.master = master.address;
    expect(await answer).toEqual({ value: 'GET' });
    expect(told).toEqual([`Sentinel ${nameOf(one.address)} does not know '${service}'`]);
  });

  // StackExchange/StackExchange.Redis#3063
  it('because they are not started yet, are found once they are', async () => {
    const master = await real.server();
    const gone = await startServer({ own: true });
    const { port } = gone;
    await gone.stop();
    const redis = client({ sentinels: [`127.0.0.1:${port}`], service });
    const told = troubles(redis, 'sentinel');
    const answer = outcome(redis.ping());
    await until(() => told.length > 0);
    await real.sentinel(watching(service, master), { port });
    expect(await answer).toEqual({ value: 'PONG' });
  });

  // vert-x3/vertx-redis-client#307: questions on connections that had subscribed
  it('but speak RESP2 answer each connection of a pool, however many these are', async () => {
    const master = await role('master');
    const one = await scripted({ master: master.address }, { protocol: 2 });
    const pool = pools({ sentinels: [one.address], service, min: 12, max: 12 });
    const leases = await Promise.all(Array.from({ length: 12 }, () => pool.acquire()));
    expect(await Promise.all(leases.map((lease) => lease.ping()))).toEqual(Array(12).fill('PING'));
    for (const lease of leases) pool.release(lease);
    expect(one.script.seenOn).toHaveLength(1);
  });
});

describe('A replica that is read behind sentinels', () => {
  // redisson/redisson#3442
  it('is come back to after an outage that no sentinel has noticed', async () => {
    const [master, replica] = [await role('master'), await role('slave connected')];
    const one = await scripted({ master: master.address, replicas: [replica.address] }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service, role: 'prefer-replica', reconnect: { initialDelay: 5 } });
    await redis.get('k');
    expect(redis.inspect().address).toBe(nameOf(replica.address));
    // It answers nobody who comes, for a while.
    replica.said = 'slave sync';
    const left = leadsTo(redis, master.address);
    await redis.reconnect();
    await left;
    replica.said = 'slave connected';
    const back = leadsTo(redis, replica.address);
    await back;
  });

  // redis/redis#8507: one whose name does not resolve
  it('is another one where a name cannot be resolved', async () => {
    const replica = await role('slave connected');
    const nameless = { host: 'nowhere.invalid', port: 6379 };
    const one = await scripted({ master: { host: '127.0.0.1', port: 1 }, replicas: [nameless, replica.address] });
    for (let times = 0; times < 2; times++) {
      const redis = client({ sentinels: [one.address], service, role: 'replica', reconnect: { initialDelay: 5 } });
      expect(await redis.get('k')).toBe('GET');
    }
  });

  // redis/redis-py#534: a pool that is reset led to the master
  it('is a replica still when the connections of a pool are made anew', async () => {
    const master = await real.server();
    const replica = await real.server(master);
    const one = await scripted({ master: placeOf(master), replicas: [placeOf(replica)] });
    const pool = pools({ sentinels: [one.address], service, role: 'replica', reconnect: { initialDelay: 5 } });
    const said = await pool.use((connection) => connection.role());
    await client(replica.url).clientKill({ TYPE: 'NORMAL', SKIPME: true });
    await until(() => pool.stats.total === 0);
    expect([said, await pool.use((connection) => connection.role())]).toMatchObject([
      { role: 'slave' },
      { role: 'slave' },
    ]);
  });

  // redisson/redisson#85
  it('brings messages from another one when it is gone', async () => {
    const master = await real.server();
    const replicas = [await real.server(master), await real.server(master)];
    const one = await real.sentinel(watching(service, master));
    await untilKnown(one, service, 2);
    const redis = client({ sentinels: [one.address], service, role: 'replica' });
    const heard = record(redis.subscribe('news'));
    const admins = replicas.map(({ url }) => client(url));
    const listening = async () =>
      (await Promise.all(admins.map((one) => one.pubsubNumsub('news')))).map(({ news = 0 }) => news);
    const [first] = await eventually(listening, (counts) => counts.some((count) => count === 1));
    await replicas[first === 1 ? 0 : 1]!.kill('SIGKILL');
    const writer = client(master.url);
    await eventually(
      () => writer.publish('news', 'there'),
      () => heard.values.length > 0,
    );
  });
});

describe('A failover that no sentinel has begun', () => {
  // valkey-io/valkey#1292: the master hands over by itself, and holds what writes meanwhile
  it('loses no write and fails none: what the old master refuses is sent to the new one', async () => {
    // FAILOVER is there since 6.2.
    const server = atLeast('redis-7.0');
    const named = server && { server };
    const master = await real.server(undefined, named);
    const replica = await real.server(master, named);
    const one = await scripted({ master: placeOf(master), replicas: [placeOf(replica)] });
    const redis = client({ sentinels: [one.address], service, reconnect: { initialDelay: 5 } });
    await redis.set('n', 0);
    let goesOn = true;
    let answered = 0;
    const failed: unknown[] = [];
    const writing = (async () => {
      while (goesOn) {
        const ended = await outcome(redis.incr('n'));
        if ('value' in ended) answered++;
        else failed.push(ended);
      }
    })();
    await until(() => answered > 100);
    await client(master.url).call('FAILOVER', 'TO', replica.host, String(replica.port), 'TIMEOUT', '10000');
    const next = client(replica.url);
    await eventually(
      () => next.role(),
      (said) => said.role === 'master',
    );
    Object.assign(one.says, { master: placeOf(replica), epoch: 2, replicas: [placeOf(master)] });
    one.tell('+switch-master', `${service} ${words(placeOf(master))} ${words(placeOf(replica))}`);
    const before = answered;
    await until(() => answered > before + 100);
    goesOn = false;
    await writing;
    expect(failed).toEqual([]);
    expect(await next.get('n')).toBe(String(answered));
  });

  // redis/go-redis#1446: the address of a master that is long gone, told again and again
  it('leads past a sentinel that names a master which is gone, where another knows more', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const all = [await scripted({ master: old.address }), await scripted({ master: old.address })];
    const redis = client({ sentinels: all.map(({ address }) => address), service, reconnect: { initialDelay: 5 } });
    await redis.ping();
    Object.assign(all[1]!.says, { master: next.address, epoch: 2 });
    const there = leadsTo(redis, next.address);
    await old.server.stop();
    await there;
    expect(await redis.set('k', 1)).toBe('OK');
  });
});

import { firstValueFrom } from 'rxjs';
import type { RedisOptions } from 'rxjs-redis';
import { eventually, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { untilKnown, useRealSentinels, watching, type RealSentinel } from '../../support/real-sentinels';
import { leadsTo, troubles } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const real = useRealSentinels();
const client = useClients();
const service = 'mymaster';

const behind = (...sentinels: readonly RealSentinel[]): RedisOptions => ({
  sentinels: sentinels.map(({ address }) => address),
  service,
});

/** A master with a replica, and a sentinel. */
async function pair() {
  const master = await real.server();
  const replica = await real.server(master);
  const one = await real.sentinel(watching(service, master));
  await untilKnown(one, service, 1);
  return { master, replica, one };
}

describe('A sentinel that an operator sets up anew', () => {
  it('is followed to the master that it is given, also where the number of its failovers begins from naught', async () => {
    const { replica, one } = await pair();
    const another = await real.server();
    const redis = client(behind(one));
    await redis.ping();
    const left = leadsTo(redis, replica);
    await one.admin.sentinelFailover(service);
    await left;
    await one.admin.call('SENTINEL REMOVE', service);
    await one.admin.call('SENTINEL MONITOR', service, another.host, another.port, 1);
    await leadsTo(redis, another);
  });

  it('does not disturb a client when it forgets its replicas', async () => {
    const { master, one } = await pair();
    const redis = client(behind(one));
    await redis.ping();
    const ready = redis.state$;
    const before = await firstValueFrom(ready);
    await one.admin.call('SENTINEL RESET', service);
    await untilKnown(one, service, 1);
    expect(await redis.role()).toMatchObject({ role: 'master' });
    expect(await firstValueFrom(ready)).toBe(before);
    expect(redis.inspect().address).toBe(`${master.host}:${master.port}`);
  });

  it('that does not know the service any more is told of, and the master that there is stays in use', async () => {
    const { one } = await pair();
    const redis = client(behind(one));
    await redis.ping();
    const told = troubles(redis, 'sentinel');
    await one.admin.call('SENTINEL REMOVE', service);
    redis.reconnect().subscribe({ error: () => undefined });
    await until(() => told.length > 0);
    expect(told[0]).toContain(`does not know '${service}'`);
  });
});

describe('A sentinel of several services', () => {
  it('leads each client to its own, and a failover of one disturbs no client of another', async () => {
    const { replica, one } = await pair();
    const other = await real.server();
    for (const [name, value] of [
      ['MONITOR', [other.host, other.port, 1]],
      ['SET', ['down-after-milliseconds', 500]],
    ] as const) {
      await one.admin.call(`SENTINEL ${name}`, 'other', ...value);
    }
    const redis = client(behind(one));
    const bystander = client({ ...behind(one), service: 'other' });
    await Promise.all([redis.ping(), bystander.set('mine', 1)]);
    const before = await firstValueFrom(bystander.state$);
    const left = leadsTo(redis, replica);
    await one.admin.sentinelFailover(service);
    await left;
    expect(await bystander.get('mine')).toBe('1');
    expect(await firstValueFrom(bystander.state$)).toBe(before);
  });
});

describe('Sentinels that are away', () => {
  it('tell of a failover that has happened meanwhile once they are back', async () => {
    const { master, replica, one } = await pair();
    const redis = client(behind(one));
    await redis.ping();
    await one.server.kill();
    // By hand, while no sentinel sees it.
    const [old, next] = [client(master.url), client(replica.url)];
    await next.call('REPLICAOF', 'NO', 'ONE');
    await old.call('REPLICAOF', replica.host, replica.port);
    const written = outcome(redis.withOptions({ commandTimeout: 60_000 }).set('k', 1));
    await one.server.restart();
    await one.admin.call('SENTINEL REMOVE', service);
    await one.admin.call('SENTINEL MONITOR', service, replica.host, replica.port, 1);
    expect(await written).toEqual({ value: 'OK' });
    expect(redis.inspect().address).toBe(`${replica.host}:${replica.port}`);
  });

  it('all of them, are asked again at the addresses of the options, while the master goes on answering', async () => {
    const { master, replica, one } = await pair();
    const other = await real.sentinel(watching(service, master));
    await untilKnown(other, service, 1);
    const redis = client(behind(one, other));
    await redis.ping();
    const told = troubles(redis, 'sentinel');
    await Promise.all([one.server.kill(), other.server.kill()]);
    await until(() => told.some((message) => message.includes('ECONNREFUSED')));
    expect(await redis.ping()).toBe('PONG');
    await Promise.all([one.server.restart(), other.server.restart()]);
    await untilKnown(one, service, 1);
    const left = leadsTo(redis, replica);
    await one.admin.sentinelFailover(service);
    await left;
  });

  it('because they take no more clients, are passed over, and asked again later', async () => {
    const { master, one } = await pair();
    const full = await real.sentinel(watching(service, master), { args: ['--maxclients', '1'] });
    await full.admin.ping();
    const redis = client(behind(full, one));
    const told = troubles(redis, 'sentinel');
    expect(await redis.ping()).toBe('PONG');
    expect(told[0]).toMatch(/max number of clients/);
    await full.admin.destroy();
    await one.server.stop();
    await redis.reconnect();
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('A master without replicas', () => {
  it('is enough for a client that prefers replicas, and its sentinel is asked no more often for that', async () => {
    const master = await real.server();
    const one = await real.sentinel(watching(service, master));
    const redis = client({ ...behind(one), role: 'prefer-replica' });
    for (let times = 0; times < 20; times++) await redis.get('k');
    const stats = await one.admin.call<string>('INFO', 'stats');
    expect(Number(/total_connections_received:(\d+)/.exec(stats)?.[1])).toBeLessThan(10);
    const alone = client({ ...behind(one), role: 'replica' });
    const error = await failure(alone.withOptions({ commandTimeout: 300 }).get('k'));
    expect(error.message).toContain(`knows no replica of '${service}' that is up`);
  });

  it('is connected to again after a restart that no failover answers', async () => {
    const master = await real.server();
    const one = await real.sentinel(watching(service, master));
    const redis = client(behind(one));
    await redis.ping();
    await master.kill();
    const waits = outcome(redis.withOptions({ commandTimeout: 60_000 }).set('k', 1));
    await master.restart();
    expect(await waits).toEqual({ value: 'OK' });
  });
});

describe('Two failovers in a row', () => {
  it('lead there and back, between servers that are known', async () => {
    const { master, replica, one } = await pair();
    const redis = client(behind(one));
    await redis.ping();
    const there = leadsTo(redis, replica);
    await one.admin.sentinelFailover(service);
    await there;
    await untilKnown(one, service, 1);
    const back = leadsTo(redis, master);
    await eventually(
      () => outcome(one.admin.sentinelFailover(service)),
      (ended) => 'value' in ended,
    );
    await back;
    expect(await redis.set('k', 1)).toBe('OK');
  });
});

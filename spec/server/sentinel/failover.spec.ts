import { filter, firstValueFrom } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { nameOf } from '../../../src/options/addresses';
import { eventually, record, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { optionsOf, useFreshSentinels } from '../../support/sentinels';
import { isHeld } from '../../support/sentinel-clients';
import { until } from '../../support/until';
import { lostOf, writing } from '../../support/writing';

const trio = useFreshSentinels();
const client = useClients();

/** Where the client's connection leads to. */
const addressOf = (redis: Redis): string => redis.inspect().address;

/** Resolves once the client leads to another server than before. */
function leftFor(redis: Redis, old: string): Promise<unknown> {
  return firstValueFrom(redis.state$.pipe(filter(({ kind }) => kind === 'ready' && addressOf(redis) !== old)));
}

describe('A failover that an operator orders', () => {
  it('fails no write, and loses none that was called for once the client had heard of it', async () => {
    const { servers, sentinels, service } = trio();
    const redis = client({ ...optionsOf(trio()), offlineQueue: Infinity });
    await redis.connect();
    const old = nameOf(servers[0]);
    const writes = writing(redis, 50, () => isHeld(redis) || addressOf(redis) !== old);
    await until(() => writes.answered.length > 500);
    const left = leftFor(redis, old);
    const admin = client({ host: sentinels[0].host, port: sentinels[0].port, clientInfo: false });
    await admin.call('SENTINEL FAILOVER', service);
    await left;
    const { length } = writes.answered;
    await until(() => writes.answered.length > length + 500);
    await writes.stop();
    expect(writes.failed).toEqual([]);
    // A sentinel of a busy machine may tell only when the replica is a master: what was on its way then is lost at the old one (told.spec.ts).
    expect((await lostOf(redis, writes.answered)).filter((key) => writes.late.has(key))).toEqual([]);
  });

  it('takes messages and leases along, and tells the gap', async () => {
    const { servers, sentinels, service } = trio();
    const old = nameOf(servers[0]);
    const redis = client(optionsOf(trio()));
    await redis.connect();
    const notices = record(redis.subscribe('news', { gaps: true }));
    await until(() => notices.values.length === 1);
    const left = leftFor(redis, old);
    const admin = client({ host: sentinels[0].host, port: sentinels[0].port, clientInfo: false });
    await admin.call('SENTINEL FAILOVER', service);
    await left;
    await until(() => notices.values.length === 3);
    expect(notices.values.map((notice) => ('type' in notice ? notice.type : 'message'))).toEqual([
      'subscribed',
      'gap',
      'subscribed',
    ]);
    await redis.publish('news', 'after');
    await until(() => notices.values.length === 4);
    expect(await redis.dedicated((connection) => connection.role())).toMatchObject({ role: 'master' });
  });
});

describe('A master that is killed', () => {
  it('is left for the next one, and no write is counted twice', async () => {
    const { servers } = trio();
    const redis = client({ ...optionsOf(trio()), offlineQueue: Infinity });
    await redis.connect();
    let counted = 0;
    let unknown = 0;
    let goesOn = true;
    const lane = async (): Promise<void> => {
      while (goesOn) {
        const ended = await outcome(redis.incr('counter'));
        if ('value' in ended) counted++;
        else unknown++;
      }
    };
    const lanes = Array.from({ length: 20 }, lane);
    await until(() => counted > 200);
    const left = leftFor(redis, nameOf(servers[0]));
    await servers[0].kill('SIGKILL');
    await left;
    const before = counted;
    await until(() => counted > before + 200);
    goesOn = false;
    await Promise.all(lanes);
    // Replication is not synchronous: what was answered last may be lost with the master, and nothing may be there twice.
    const value = Number(await redis.get('counter'));
    expect(value).toBeLessThanOrEqual(counted + unknown);
  });
});

describe('A master that hangs', () => {
  it('is left once the sentinels name another, and when it comes back it is not used', async () => {
    const { servers } = trio();
    const redis = client(optionsOf(trio()));
    await redis.set('k', 'v');
    await eventually(
      () => redis.wait(2, 1_000),
      (replicas) => replicas === 2,
    );
    const left = leftFor(redis, nameOf(servers[0]));
    await servers[0].kill('SIGSTOP');
    const read = outcome(redis.get('k'));
    const unsafe = outcome(redis.incr('n'));
    await left;
    expect(await read).toEqual({ value: 'v' });
    // It may have run where it was sent.
    expect(await unsafe).toMatchObject({ error: { delivery: 'unknown' } });
    await servers[0].kill('SIGCONT');
    expect(await redis.incr('n')).toBe(1);
    expect(addressOf(redis)).not.toBe(nameOf(servers[0]));
    await eventually(
      () => redis.role(),
      ({ role }) => role === 'master',
    );
  });
});

describe('Sentinels that are killed or hang while there is a failover', () => {
  it('are done without: any of them tells', async () => {
    const { servers, sentinels, service } = trio();
    const redis = client(optionsOf(trio()));
    await redis.connect();
    await until(() => redis.inspect().links.length > 0);
    const left = leftFor(redis, nameOf(servers[0]));
    await sentinels[2].kill('SIGSTOP');
    const admin = client({ host: sentinels[0].host, port: sentinels[0].port, clientInfo: false });
    await admin.call('SENTINEL FAILOVER', service);
    await sentinels[1].kill('SIGKILL');
    await left;
    expect(await redis.role()).toMatchObject({ role: 'master' });
    await sentinels[2].kill('SIGCONT');
  });
});

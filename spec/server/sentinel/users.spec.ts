import { filter } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { nameOf } from '../../../src/options/addresses';
import { useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { atLeast, untilKnown, useRealSentinels, watching, type RealSentinel } from '../../support/real-sentinels';
import { leadsTo, troubles } from '../../support/sentinel-clients';

const real = useRealSentinels();
const client = useClients();
const service = 'mymaster';

/** A master with a replica, and a sentinel with users of its own. */
async function guarded(...users: string[]) {
  // Sentinels have users since 6.2.
  const server = atLeast('redis-7.0');
  const master = await real.server();
  const replica = await real.server(master);
  const one = await real.sentinel([...watching(service, master), ...users.map((user) => `user ${user}`)], { server });
  await untilKnown(one, service, 1);
  return { master, replica, one };
}

async function failOver(redis: Redis, { one, replica }: Awaited<ReturnType<typeof guarded>>): Promise<void> {
  await redis.ping();
  const left = leadsTo(redis, replica);
  await one.admin.call('SENTINEL FAILOVER', service);
  await left;
}

const as = (one: RealSentinel, sentinelUsername: string) => ({
  sentinels: [one.address],
  service,
  sentinelUsername,
  sentinelPassword: 'secret',
});

describe('A user of sentinels who may do little', () => {
  it('follows a failover with the rights that the documentation of Redis gives to clients', async () => {
    const all = await guarded(
      'clients on >secret resetchannels &* -@all +auth +client|getname +client|id +client|setname +command +hello +ping +role ' +
        '+subscribe +psubscribe +sentinel|get-master-addr-by-name +sentinel|master +sentinel|myid +sentinel|replicas +sentinel|sentinels',
    );
    await failOver(client(as(all.one, 'clients')), all);
  });

  it('is not let hear of a failover, and asks each second in place of that', async () => {
    const all = await guarded('deaf on >secret resetchannels -@all +hello +sentinel +info');
    await failOver(client(as(all.one, 'deaf')), all);
  });

  it('may ask for the address alone, and follows a failover all the same', async () => {
    const all = await guarded('curt on >secret resetchannels -@all +hello +sentinel|get-master-addr-by-name');
    await failOver(client(as(all.one, 'curt')), all);
  });

  it('may not ask for replicas, which is told as it is, and one that prefers them reads from the master', async () => {
    const { master, one } = await guarded(
      'narrow on >secret &* -@all +hello +psubscribe +info +sentinel -sentinel|replicas',
    );
    const why = /^Sentinel \S+ does not tell of replicas: NOPERM /i;
    const wanting = client({ ...as(one, 'narrow'), role: 'replica', commandTimeout: 400 });
    const told = troubles(wanting, 'sentinel');
    expect((await failure(wanting.ping())).message).toMatch(/ does not tell of replicas: NOPERM /i);
    expect(told).toEqual([expect.stringMatching(why)]);
    const preferring = client({ ...as(one, 'narrow'), role: 'prefer-replica' });
    const toldAsWell = troubles(preferring, 'sentinel');
    await preferring.ping();
    expect(preferring.inspect().address).toBe(nameOf(master));
    expect(toldAsWell).toEqual([expect.stringMatching(why)]);
  });

  it('may not even ask for the address, which is told as it is', async () => {
    const { one } = await guarded('mute on >secret -@all +hello');
    const redis = client(as(one, 'mute'));
    redis.events$.pipe(filter(({ type }) => type === 'error')).subscribe();
    const error = await failure(redis.withOptions({ commandTimeout: 400 }).ping());
    expect(error.message).toMatch(/NOPERM/i);
    expect(error.message).not.toContain('secret');
  });
});

describe('The password of sentinels that is changed while a client runs', () => {
  it('leaves the connections that there are as they are, and is asked for where one is made', async () => {
    const all = await guarded('clients on >secret &* -@all +hello +psubscribe +sentinel +info');
    const redis = client(as(all.one, 'clients'));
    const told: string[] = [];
    redis.events$.subscribe((event) => 'error' in event && told.push(event.error.message));
    await redis.ping();
    await all.one.admin.call('ACL SETUSER', 'clients', 'resetpass', '>another');
    await failOver(redis, all);
    expect(told.filter((message) => message.includes('WRONGPASS'))).toEqual([]);
    const late = client(as(all.one, 'clients'));
    expect(await failure(late.ping())).toMatchObject({ code: 'AUTHENTICATION' });
  });
});

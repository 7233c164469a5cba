import type { ServerAddress } from 'rxjs-redis';
import { nameOf } from '../../../src/options/addresses';
import { useClients, usePools } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useScriptedRoles, type ScriptedRole } from '../../support/scripted-roles';
import { useScriptedSentinels, type ScriptedSentinel } from '../../support/scripted-sentinel';
import { isHeld, leadsTo, ofReplica, words } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const client = useClients();
const pools = usePools();
const sentinel = useScriptedSentinels();
const role = useScriptedRoles();
const service = 'mymaster';

/** Has a sentinel tell of a switch. What it answers stays as it is. */
function tellSwitch(one: ScriptedSentinel, from: ServerAddress, to: ServerAddress): void {
  one.tell('+switch-master', `${service} ${words(from)} ${words(to)}`);
}

function switchTo(one: ScriptedSentinel, from: ServerAddress, to: ServerAddress): void {
  Object.assign(one.says, { master: to, epoch: one.says.epoch + 1 });
  tellSwitch(one, from, to);
}

function announce(one: ScriptedSentinel, replica: ServerAddress, master: ServerAddress): void {
  one.tell('+failover-state-send-slaveof-noone', ofReplica(replica, master));
}

/** Resolves once what was sent before has been read, for client and servers are in this process. */
async function read(server: ScriptedRole): Promise<void> {
  const other = client(server.server.url);
  for (let times = 0; times < 10; times++) await other.ping();
}

/** Two masters, as during a failover, so many sentinels that name the first, and a client that listens to them. */
async function listening(epochs: readonly number[] = [1]) {
  const [old, next] = [await role('master'), await role('master')];
  const sentinels = await Promise.all(epochs.map((epoch) => sentinel({ master: old.address, epoch })));
  const options = { sentinels: sentinels.map(({ address }) => address), service };
  const redis = client(options);
  await redis.ping();
  await until(() => sentinels.every(({ listeners }) => listeners > 0));
  return { old, next, sentinels, one: sentinels[0]!, redis, options };
}

/** The client has heard that the second is being promoted. */
async function held(epochs?: readonly number[]) {
  const all = await listening(epochs);
  announce(all.one, all.next.address, all.old.address);
  await until(() => isHeld(all.redis));
  return all;
}

describe('A word of a sentinel that is not true', () => {
  it('leads nowhere where it is corrected before the old link has been left', async () => {
    const { old, next, one, redis } = await listening();
    old.answers.set('GET', '');
    const owed = outcome(redis.get('k'));
    await until(() => old.commands.includes('GET'));
    old.answers.delete('GET');
    tellSwitch(one, old.address, next.address);
    expect(await owed).toEqual({ value: 'GET' });
    expect(redis.inspect().address).toBe(nameOf(old.address));
    expect(next.commands).toEqual([]);
  });

  it('is followed no longer than until the answers of that sentinel show that it is behind others', async () => {
    const { old, next, sentinels, redis } = await listening([3, 2]);
    const [, behind] = sentinels;
    behind!.says.master = next.address;
    const there = until(() => next.dials > 0);
    tellSwitch(behind!, old.address, next.address);
    await there;
    await leadsTo(redis, old.address);
    expect(await redis.set('k', 1)).toBe('OK');
    expect(next.commands).not.toContain('SET');
  });
});

describe('A connection that is made while a replica is promoted', () => {
  it('sends nothing to the old master, as one that was there before', async () => {
    const { old, next, one, redis } = await held();
    const written = outcome(redis.dedicated((lease) => lease.set('k', 1)));
    await read(old);
    switchTo(one, old.address, next.address);
    await written;
    expect(old.commands).not.toContain('SET');
  });

  it('of a pool sends at the new one what has waited', async () => {
    const { old, next, one, options } = await listening();
    const pool = pools(options);
    const lease = await pool.acquire();
    await until(() => one.listeners === 2);
    announce(one, next.address, old.address);
    await until(() => pool['sentinels']!.promotion.holding > 0);
    const written = outcome(pool.set('k', 1));
    await read(old);
    switchTo(one, old.address, next.address);
    expect(await written).toEqual({ value: 'OK' });
    expect([old.commands.includes('SET'), next.commands.includes('SET')]).toEqual([false, true]);
    pool.release(lease);
  });

  it('is held when it takes the place of one that was held', async () => {
    const { old, next, one, redis } = await held();
    await redis.reconnect();
    const written = outcome(redis.set('k', 1));
    await read(old);
    switchTo(one, old.address, next.address);
    expect(await written).toEqual({ value: 'OK' });
    expect(old.commands).not.toContain('SET');
  });
});

describe('What is held while a replica is promoted', () => {
  it('goes on at once at the new master, also where there was no link when it was told', async () => {
    const { old, next, one, redis } = await listening();
    one.says.isSilent = true;
    const { asked } = one;
    redis.reconnect().subscribe();
    await until(() => one.asked > asked);
    announce(one, next.address, old.address);
    await until(() => isHeld(redis));
    const there = leadsTo(redis, next.address);
    tellSwitch(one, old.address, next.address);
    await there;
    expect(isHeld(redis)).toBe(false);
    expect(await redis.set('k', 1)).toBe('OK');
    expect(next.commands).toContain('SET');
  });

  it('is not let go by a sentinel that was not elected', async () => {
    const { old, next, sentinels, redis } = await held([1, 1]);
    const [one, other] = sentinels;
    other!.tell('-failover-abort-not-elected', `master ${service} ${words(old.address)}`);
    await read(old);
    const written = outcome(redis.set('k', 1));
    await read(old);
    switchTo(one!, old.address, next.address);
    expect(await written).toEqual({ value: 'OK' });
    expect(old.commands).not.toContain('SET');
  });
});

describe('While sentinels still name the old master', () => {
  const writes = (commands: readonly string[]) => commands.filter((name) => name === 'SET').length;

  it('connections that are made lead to the replica that was found to be promoted', async () => {
    const { old, next, redis } = await held();
    await redis.set('k', 1);
    await redis.dedicated((lease) => lease.set('k', 2));
    await redis.reconnect();
    await redis.set('k', 3);
    expect([writes(old.commands), writes(next.commands)]).toEqual([0, 3]);
  });

  it('so do those of a pool', async () => {
    const { old, next, one, options } = await listening();
    const pool = pools({ ...options, min: 2 });
    await pool.ping();
    announce(one, next.address, old.address);
    // All are made anew once the replica has been asked.
    await until(() => next.dials > 2);
    await pool.set('k', 1);
    expect([writes(old.commands), writes(next.commands)]).toEqual([0, 1]);
  });

  it('so do those of a pool where one sentinel has told and the others have not heard yet', async () => {
    const { old, next, sentinels, options } = await listening([1, 1]);
    const pool = pools({ ...options, min: 2 });
    await pool.ping();
    const [, first] = sentinels;
    await until(() => sentinels.every(({ listeners }) => listeners === 2));
    first!.says.isSilent = true;
    tellSwitch(first!, old.address, next.address);
    await until(() => next.dials > 1);
    await pool.set('k', 1);
    expect([writes(old.commands), writes(next.commands)]).toEqual([0, 1]);
  });
});

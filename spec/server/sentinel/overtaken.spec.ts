import type { ServerAddress } from 'rxjs-redis';
import { nameOf } from '../../../src/options/addresses';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels, type ScriptedSentinel } from '../../support/scripted-sentinel';
import { isHeld, leadsTo, ofReplica, words } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const client = useClients();
const sentinel = useScriptedSentinels();
const role = useScriptedRoles();
const service = 'mymaster';

/** A client at the first of three masters that has heard nothing of the second, of two sentinels: one that tells, and one that is asked each second. */
async function behind() {
  const [first, second, third] = [await role('master'), await role('master'), await role('master')];
  const teller = await sentinel({ master: first.address });
  const asked = await sentinel({ master: first.address }, { protocol: 2 });
  const redis = client({ sentinels: [teller.address, asked.address], service });
  await redis.ping();
  await until(() => teller.listeners === 1 && asked.asked > 0);
  return { first, second, third, teller, asked, redis };
}

function promote(by: ScriptedSentinel, replica: ServerAddress, replaced: ServerAddress): void {
  by.tell('+failover-state-send-slaveof-noone', ofReplica(replica, replaced));
}

describe('A promotion in place of a master that the client has not heard of', () => {
  it('holds the queue at that one as well', async () => {
    const { second, third, teller, asked, redis } = await behind();
    promote(teller, third.address, second.address);
    await until(() => isHeld(redis));
    const written = redis.set('k', 1);
    const there = leadsTo(redis, second.address);
    Object.assign(asked.says, { master: second.address, epoch: 2 });
    await there;
    expect(isHeld(redis)).toBe(true);
    Object.assign(teller.says, { master: third.address, epoch: 3 });
    teller.tell('+promoted-slave', ofReplica(third.address, second.address));
    expect(await written).toBe('OK');
    expect([second.commands.includes('SET'), third.commands.includes('SET')]).toEqual([false, true]);
  });

  it('leads to the replica that was seen to be the master, whatever is heard of the one before', async () => {
    const { first, second, third, teller, asked, redis } = await behind();
    const there = leadsTo(redis, third.address);
    promote(teller, third.address, second.address);
    await there;
    Object.assign(asked.says, { master: second.address, epoch: 2 });
    const before = asked.asked;
    await until(() => asked.asked >= before + 3);
    expect([first.dials, second.dials]).toEqual([1, 0]);
    const next = leadsTo(redis, first.address);
    Object.assign(asked.says, { master: first.address, epoch: 4 });
    await next;
  });

  it('leads to that one when it is called off after the replica was seen to be a master', async () => {
    const { second, third, teller, redis } = await behind();
    const there = leadsTo(redis, third.address);
    promote(teller, third.address, second.address);
    await there;
    const back = leadsTo(redis, second.address);
    teller.tell('-failover-abort-slave-timeout', `master ${service} ${words(second.address)}`);
    await back;
  });
});

describe('A master that a sentinel names and takes back', () => {
  it('is not turned to, and the one before is gone back to without asking anew', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const [first, teller] = [await sentinel({ master: old.address }), await sentinel({ master: old.address })];
    const redis = client({ sentinels: [first.address, teller.address], service });
    await redis.ping();
    await until(() => first.listeners === 1 && teller.listeners === 1);
    first.says.isSilent = true;
    const before = first.asked;
    // What is owed is waited for, so that the link is still being left when the sentinel answers.
    old.answers.set('INCR', '');
    const owed = outcome(redis.incr('k'));
    await until(() => old.commands.includes('INCR'));
    teller.tell('+switch-master', `${service} ${words(old.address)} ${words(next.address)}`);
    await until(() => old.dials === 2);
    expect([next.dials, first.asked]).toEqual([0, before]);
    expect(await owed).toMatchObject({ error: { delivery: 'unknown' } });
  });
});

describe('A master that a sentinel tells of again after it has answered', () => {
  it('is asked for by the connections that follow', async () => {
    const { first, second, third, teller, redis } = await behind();
    const there = leadsTo(redis, second.address);
    const before = teller.asked;
    Object.assign(teller.says, { master: second.address, epoch: 2 });
    teller.tell('+promoted-slave', ofReplica(second.address, first.address));
    await there;
    await until(() => teller.asked === before + 1);
    teller.tell('+switch-master', `${service} ${words(first.address)} ${words(second.address)}`);
    await until(() => teller.asked === before + 2);
    // What the sentinel has answered last has to have been read as well.
    const other = client({ sentinels: [teller.address], service });
    await other.ping();
    Object.assign(teller.says, { master: third.address });
    await redis.reconnect();
    expect(redis.inspect().address).toBe(nameOf(third.address));
  });
});

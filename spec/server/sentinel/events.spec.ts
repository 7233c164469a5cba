import { filter, firstValueFrom } from 'rxjs';
import type { ServerAddress } from 'rxjs-redis';
import { useClients, usePools } from '../../support/clients';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels, type ScriptedSentinel } from '../../support/scripted-sentinel';
import { heldUntil, isHeld, leadsTo, ofReplica, timeOf, words } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const client = useClients();
const pools = usePools();
const sentinel = useScriptedSentinels();
const role = useScriptedRoles();
const service = 'mymaster';

function switchAll(sentinels: readonly ScriptedSentinel[], from: ServerAddress, to: ServerAddress, of = service): void {
  for (const one of sentinels) {
    if (of === service) Object.assign(one.says, { master: to, epoch: one.says.epoch + 1 });
    one.tell('+switch-master', `${of} ${words(from)} ${words(to)}`);
  }
}

/** A client at the first of two servers, which listens to their sentinel. */
async function listening(second: 'master' | 'slave connected' = 'master') {
  const [old, next] = [await role('master'), await role(second)];
  const one = await sentinel({ master: old.address });
  const redis = client({ sentinels: [one.address], service });
  await redis.ping();
  await until(() => one.listeners === 1);
  return { old, next, one, redis };
}

describe('+switch-master', () => {
  it('of any sentinel has the link left at once, and the next one made', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const sentinels = [await sentinel({ master: old.address }), await sentinel({ master: old.address })];
    const redis = client({ sentinels: sentinels.map(({ address }) => address), service });
    await redis.ping();
    await until(() => sentinels.every(({ listeners }) => listeners === 1));
    const there = leadsTo(redis, next.address);
    switchAll(sentinels.slice(1), old.address, next.address);
    await there;
    expect(old.dials).toBe(1);
    await redis.get('k');
    expect(next.commands).toEqual(['GET']);
  });

  it('of another service is ignored', async () => {
    const { old, next, one, redis } = await listening();
    switchAll([one], old.address, next.address, 'mymaster2');
    one.tell('+promoted-slave', ofReplica(next.address, old.address, 'mymaster2'));
    one.tell('+failover-state-send-slaveof-noone', ofReplica(next.address, old.address, 'mymaster2'));
    await redis.get('k');
    await redis.get('k');
    expect([old.dials, next.dials]).toEqual([1, 0]);
  });

  it('that comes again for the same master changes nothing', async () => {
    const { old, next, one, redis } = await listening();
    const there = leadsTo(redis, next.address);
    switchAll([one], old.address, next.address);
    await there;
    switchAll([one], old.address, next.address);
    await redis.get('k');
    await redis.get('k');
    expect(next.dials).toBe(1);
  });

  it('breaks off an attempt at a master that does not accept', async () => {
    const { old, next, one, redis } = await listening();
    // The handshake with it never ends.
    const silent = await sentinel({ isSilent: true });
    one.says.master = silent.address;
    const begun = silent.script.next('HELLO');
    void redis.reconnect();
    await begun;
    const there = leadsTo(redis, next.address);
    switchAll([one], old.address, next.address);
    await there;
  });

  it('that is not true is found out, and the sentinels are asked', async () => {
    const { old, next: replica, one, redis } = await listening('slave connected');
    const refused = firstValueFrom(redis.state$.pipe(filter(({ kind }) => kind === 'reconnecting')));
    one.tell('+switch-master', `${service} ${words(old.address)} ${words(replica.address)}`);
    await refused;
    await leadsTo(redis, old.address);
    expect(await redis.get('k')).toBe('GET');
    expect(replica.commands).toEqual([]);
  });

  it('takes the connections of messages, of leases and of pools along', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const one = await sentinel({ master: old.address });
    const pool = pools({ sentinels: [one.address], service, min: 2 });
    await Promise.all([pool.get('a'), pool.use((connection) => connection.get('b'))]);
    await until(() => one.listeners === 1);
    switchAll([one], old.address, next.address);
    await until(() => next.dials >= 1);
    await pool.get('c');
    await pool.use((connection) => connection.get('d'));
    expect(next.commands).toEqual(['GET', 'GET']);
    expect(old.commands).toEqual(['GET', 'GET']);
  });
});

describe('+promoted-slave', () => {
  it('of the sentinel that leads a failover is as good', async () => {
    const { old, next, one, redis } = await listening();
    const there = leadsTo(redis, next.address);
    Object.assign(one.says, { master: next.address, epoch: 2 });
    one.tell('+promoted-slave', ofReplica(next.address, old.address));
    await there;
  });
});

describe('+failover-state-send-slaveof-noone', () => {
  /** A client that has heard of the promotion. */
  async function held(second?: 'master' | 'slave connected') {
    const { old, next, one, redis } = await listening(second);
    const before = timeOf(redis);
    one.tell('+failover-state-send-slaveof-noone', ofReplica(next.address, old.address));
    await until(() => isHeld(redis));
    return { old, next, one, redis, before };
  }

  it('holds the queue until the master is another', async () => {
    const { old, next, one, redis } = await held();
    const written = redis.set('k', 1);
    const there = leadsTo(redis, next.address);
    switchAll([one], old.address, next.address);
    await there;
    expect(await written).toBe('OK');
    expect(old.commands).not.toContain('SET');
  });

  it.each(['-failover-abort-no-good-slave', '-failover-abort-not-elected', '-failover-abort-slave-timeout'])(
    'lets it go on %s',
    async (channel) => {
      const { old, one, redis } = await held();
      // After two seconds it goes on without being told.
      const paused = jest.spyOn(redis['connection'].line, 'pause');
      one.tell(channel, `master ${service} ${words(old.address)}`);
      await until(() => !isHeld(redis));
      expect(paused.mock.calls).toEqual([[0]]);
      expect(await redis.set('k', 1)).toBe('OK');
      expect(old.commands).toContain('SET');
    },
  );

  it('lets it go after 2 s at the most', async () => {
    const { old, redis, before } = await held('slave connected');
    const end = heldUntil(redis);
    expect(end).toBeGreaterThanOrEqual(before + 2_000);
    expect(end).toBeLessThanOrEqual(timeOf(redis) + 2_000);
    expect(await redis.set('k', 1)).toBe('OK');
    expect(old.commands).toContain('SET');
    expect(timeOf(redis)).toBeGreaterThanOrEqual(end);
  });

  it('sends nothing more to the old master where the replica is one after that time and no sentinel has told yet', async () => {
    const { old, next, redis } = await held('master');
    expect(await redis.set('k', 1)).toBe('OK');
    expect([old.commands.includes('SET'), next.commands]).toEqual([false, ['SET']]);
  });

  it.each(['-failover-abort-slave-timeout', '+switch-master'])('leaves the replica alone after %s', async (channel) => {
    const { old, next, one, redis } = await held('master');
    const other = await role('master');
    if (channel === '+switch-master') switchAll([one], old.address, other.address);
    else one.tell(channel, `master ${service} ${words(old.address)}`);
    expect(await redis.set('k', 1)).toBe('OK');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(next.dials).toBe(0);
  });

  it('lets the queue go where the replica does not answer', async () => {
    const { old, one, redis } = await listening();
    const silent = await sentinel({ isSilent: true });
    const dialled = silent.script.next('HELLO');
    const left = silent.script.gone();
    one.tell('+failover-state-send-slaveof-noone', ofReplica(silent.address, old.address));
    await until(() => isHeld(redis));
    expect(await redis.set('k', 1)).toBe('OK');
    expect(old.commands).toContain('SET');
    await Promise.all([dialled, left]);
  });
});

describe('A server that has become a replica', () => {
  it('is left when it says so to a write, which is sent to the master', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const one = await sentinel({ master: old.address });
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    old.said = 'slave connected';
    old.answers.set('SET', "-READONLY You can't write against a read only replica.\r\n");
    one.says.master = next.address;
    expect(await redis.set('k', 1)).toBe('OK');
    expect(next.commands).toEqual(['SET']);
  });

  it('is left by what the sentinels say when they are asked again, whether it says so or not', async () => {
    const [old, next] = [await role('master'), await role('master')];
    const one = await sentinel({ master: old.address }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    const there = leadsTo(redis, next.address);
    Object.assign(one.says, { master: next.address, epoch: 2 });
    await there;
  });
});

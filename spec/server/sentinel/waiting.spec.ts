import { repeat } from 'rxjs';
import { record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { leadsTo } from '../../support/sentinel-clients';
import { untilBlocked, untilHeard, useSwappingMasters } from '../../support/swapping-masters';
import { until } from '../../support/until';

const masters = useSwappingMasters();
const client = useClients();
const pools = usePools();

/** A client at the master, which listens to the sentinel, and what has it leave for the new one. */
async function listening() {
  const swapping = await masters();
  const redis = client(swapping.options);
  await redis.ping();
  await untilHeard(swapping.sentinel);
  const leave = async () => {
    await swapping.promote();
    const there = leadsTo(redis, swapping.servers[1]);
    swapping.tell();
    await there;
  };
  const [old, next] = swapping.admins;
  return { ...swapping, redis, old, next, leave };
}

describe('A command that waits at a master which is left', () => {
  it('goes on at the new one, and at the old one nothing is kept waiting', async () => {
    const { redis, old, next, leave } = await listening();
    const waiting = outcome(redis.blpop('jobs', 0));
    await untilBlocked(old);
    await leave();
    await untilBlocked(next);
    await untilBlocked(old, 0);
    await next.rpush('jobs', 'one', 'two');
    expect(await waiting).toEqual({ value: ['jobs', 'one'] });
    expect(await next.lrange('jobs', 0, -1)).toEqual(['two']);
  });

  it('goes on in a pool as well', async () => {
    const { options, admins, promote, tell, sentinel } = await masters();
    const [old, next] = admins;
    const pool = pools({ ...options, min: 2 });
    await pool.ping();
    await untilHeard(sentinel);
    const waiting = outcome(pool.brpop('jobs', 0));
    await untilBlocked(old);
    await promote();
    tell();
    await untilBlocked(next);
    await next.rpush('jobs', 'one');
    expect(await waiting).toEqual({ value: ['jobs', 'one'] });
  });

  it('ends there when its time is over', async () => {
    const { redis, old, next, leave } = await listening();
    const waiting = outcome(redis.blpop('jobs', 2));
    await untilBlocked(old);
    await leave();
    await untilBlocked(next);
    expect(await waiting).toEqual({ value: null });
  });

  it('brings what the old master has sent before it is left, and what comes to the new one is taken once', async () => {
    const { redis, old, next, promote, tell, servers } = await listening();
    const taken = record(redis.blpop('jobs', 0).pipe(repeat()));
    await untilBlocked(old);
    await old.rpush('jobs', 'a');
    await until(() => taken.values.length === 1);
    await untilBlocked(old);
    await promote();
    await old.rpush('jobs', 'b');
    const there = leadsTo(redis, servers[1]);
    tell();
    await there;
    await next.rpush('jobs', 'c', 'd', 'e');
    await until(() => taken.values.length === 5);
    expect(taken.values.map((one) => one?.[1])).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(taken.ended).toBeUndefined();
    expect(await next.llen('jobs')).toBe(0);
    taken.stop();
  });

  it('moves an element at the new one', async () => {
    const { redis, old, next, leave } = await listening();
    const moved = outcome(redis.brpoplpush('jobs', 'done', 0));
    await untilBlocked(old);
    await leave();
    await untilBlocked(next);
    await next.rpush('jobs', 'one');
    expect(await moved).toEqual({ value: 'one' });
    expect(await next.lrange('done', 0, -1)).toEqual(['one']);
  });

  it('goes on when the old one hangs, and when it says that it is no master any more', async () => {
    const { redis, old, next, leave, servers } = await listening();
    const waiting = outcome(redis.blpop('jobs', 0));
    await untilBlocked(old);
    await servers[0].kill('SIGSTOP');
    await leave();
    await untilBlocked(next);
    await servers[0].kill('SIGCONT');
    await next.rpush('jobs', 'one');
    expect(await waiting).toEqual({ value: ['jobs', 'one'] });
    const demoted = await listening();
    const other = outcome(demoted.redis.blpop('others', 0));
    await untilBlocked(demoted.old);
    await demoted.promote();
    await demoted.demote();
    await untilBlocked(demoted.next);
    await demoted.next.rpush('others', 'two');
    expect(await other).toEqual({ value: ['others', 'two'] });
  });

  it('is not taken along where it is about the old one, or waits on a connection that is lent', async () => {
    const { redis, old, leave, demote } = await listening();
    const waits = failure(redis.dedicated((lease) => lease.blpop('jobs', 0)));
    await untilBlocked(old);
    await leave();
    expect(await waits).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', command: 'BLPOP' });
    await demote();
  });
});

import { Subject, firstValueFrom } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { get, incr, lrange, rpush, set } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { isHeld, leadsTo, ofReplica } from '../../support/sentinel-clients';
import { untilBlocked, untilHeard, useSwappingMasters } from '../../support/swapping-masters';
import { until } from '../../support/until';

const masters = useSwappingMasters();
const client = useClients();
const pools = usePools();

/** A client at the master, which listens to the sentinel, and what has it leave for the new one. */
async function listening(options: RedisOptions = {}) {
  const swapping = await masters();
  const redis = client({ ...swapping.options, ...options });
  await redis.ping();
  await untilHeard(swapping.sentinel);
  const [old, next] = swapping.admins;
  const leave = async () => {
    await replicated(old);
    await swapping.promote();
    const there = leadsTo(redis, swapping.servers[1]);
    swapping.tell();
    await there;
  };
  return { ...swapping, redis, old, next, leave };
}

/** Resolves once the replica has what was written so far. WAIT asks about the writes of its own connection, so there is one behind them. */
async function replicated(master: Redis): Promise<void> {
  await master.set('written', 'last');
  await eventually(
    () => master.wait(1, 5_000),
    (replicas) => replicas === 1,
  );
}

describe('What a client does while its master is left', () => {
  it('is sent once: commands, pipelines and transactions that were queued run at the new master alone', async () => {
    const { redis, old, next, leave, sentinel, servers } = await listening({ offlineQueue: Infinity });
    sentinel.tell('+failover-state-send-slaveof-noone', ofReplica(servers[1], servers[0]));
    await until(() => isHeld(redis));
    const counted = [outcome(redis.incr('n')), outcome(redis.incr('n'))];
    const piped = outcome(redis.pipeline(incr('n'), rpush('list', 'piped')));
    const grouped = outcome(redis.multi(incr('n'), rpush('list', 'grouped')));
    await leave();
    expect(await Promise.all(counted)).toEqual([{ value: 1 }, { value: 2 }]);
    expect([await piped, await grouped]).toEqual([{ value: [3, 1] }, { value: [4, 2] }]);
    expect([await old.get('n'), await next.get('n')]).toEqual([null, '4']);
  });

  it('is unknown where it was in flight at a master that hangs, and is not sent again', async () => {
    const { redis, old, next, servers, promote, tell } = await listening();
    await redis.set('k', 'v');
    await replicated(old);
    await servers[0].kill('SIGSTOP');
    const grouped = failure(redis.multi(incr('n'), rpush('list', 'grouped')));
    const piped = failure(redis.pipeline(get('k'), incr('n')));
    const read = outcome(redis.pipeline(get('k'), lrange('list', 0, -1)));
    await until(() => redis.inspect().inFlight > 0);
    await promote();
    const there = leadsTo(redis, servers[1]);
    tell();
    await there;
    expect(await grouped).toMatchObject({ delivery: 'unknown', command: 'MULTI' });
    expect(await piped).toMatchObject({ delivery: 'unknown' });
    expect(await read).toEqual({ value: ['v', []] });
    await servers[0].kill('SIGCONT');
    expect([await next.get('n'), await next.lrange('list', 0, -1)]).toEqual([null, []]);
  });

  it('ends with a connection that is lent, whose user is told, and the next one leads to the new master', async () => {
    const { redis, old, next, leave, options } = await listening();
    const gate = new Subject<void>();
    const work = failure(
      redis.dedicated(async (lease) => {
        await lease.set('before', 1);
        gate.next();
        await firstValueFrom(gate);
        await lease.set('after', 1);
      }),
    );
    await firstValueFrom(gate);
    await leave();
    gate.next();
    expect(await work).toMatchObject({ code: 'DISCONNECTED', command: 'SET', delivery: 'unsent' });
    expect([await old.get('after'), await next.get('after')]).toEqual([null, null]);
    expect(await redis.dedicated((lease) => lease.set('after', 1))).toBe('OK');
    expect(await next.get('after')).toBe('1');
    const pool = pools({ ...options, min: 2 });
    expect(await pool.use((lease) => lease.get('after'))).toBe('1');
  });

  it('is watched anew: the transaction of a watch runs once, at the new master', async () => {
    const { redis, old, next, leave } = await listening();
    await redis.set('n', 1);
    const seen: unknown[] = [];
    const values = await redis.watch('n', async ({ n }) => {
      seen.push(n);
      if (seen.length === 1) await leave();
      return [incr('n'), set('last', 'set')];
    });
    expect(values).toEqual([2, 'OK']);
    expect(seen).toEqual(['1', '1']);
    expect([await old.get('n'), await next.get('n')]).toEqual(['1', '2']);
  });

  it('is consumed on: each entry of a stream is handled, and acknowledged where it is pending now', async () => {
    const { redis, old, next, leave } = await listening();
    const seen: (string | undefined)[] = [];
    const progress = record(redis.consume('s', { group: 'g', from: '0' }, ({ fields }) => void seen.push(fields['n'])));
    await redis.xadd('s', '*', { n: 1 });
    await until(() => seen.length === 1);
    await eventually(
      () => old.xpending('s', 'g'),
      ({ count }) => count === 0,
    );
    await untilBlocked(old);
    await leave();
    await untilBlocked(next);
    await next.xadd('s', '*', { n: 2 });
    await until(() => seen.length === 2);
    await eventually(
      () => next.xpending('s', 'g'),
      ({ count }) => count === 0,
    );
    expect([seen, progress.ended]).toEqual([['1', '2'], undefined]);
    progress.stop();
  });

  it('is read on by a tail, from where it was', async () => {
    const { redis, old, next, leave } = await listening();
    const first = await redis.xadd('s', '*', { n: 1 });
    const entries = record(redis.tail('s', { from: '0' }));
    await until(() => entries.values.length === 1);
    await untilBlocked(old);
    await leave();
    await untilBlocked(next);
    const second = await next.xadd('s', '*', { n: 2 });
    await until(() => entries.values.length === 2);
    expect(entries.values.map((one) => ('id' in one ? one.id : one.type))).toEqual([first, second]);
    entries.stop();
  });

  it('is worked on by a queue, and no job is done twice', async () => {
    const { redis, old, next, leave } = await listening();
    const queue = redis.queue('q');
    const done: string[] = [];
    const work = record(queue.work(({ payload }) => void done.push(payload)));
    await queue.push('1');
    await until(() => work.values.length === 1);
    await untilBlocked(old);
    await leave();
    await untilBlocked(next);
    await queue.push('2');
    await client(redisOf(next)).queue('q').push('3');
    await until(() => work.values.length === 3);
    expect([done, work.values.map(({ type }) => type), work.ended]).toEqual([
      ['1', '2', '3'],
      ['done', 'done', 'done'],
      undefined,
    ]);
    work.stop();
  });

  it('is shown by a live query as it is at the new master, and as it changes there', async () => {
    const { redis, next, leave } = await listening();
    await redis.set('k', 'old');
    const query = record(redis.live(get('k')));
    const { values } = query;
    await until(() => values.length === 1);
    await leave();
    await next.set('k', 'new');
    await until(() => values.at(-1) === 'new');
    await next.set('k', 'newer');
    await until(() => values.at(-1) === 'newer');
    expect(values[0]).toBe('old');
    query.stop();
  });

  it('is not answered from what a cache has kept of the old master', async () => {
    const { redis, old, next, leave } = await listening({ cache: true });
    await redis.set('k', 'old');
    await eventually(
      () => redis.get('k'),
      () => redis.cache.stats.hits > 0,
    );
    await leave();
    await next.set('k', 'new');
    await eventually(
      () => redis.get('k'),
      (value) => value === 'new',
    );
    // What changes at the old one says nothing any more.
    await old.set('k', 'lost');
    const { hits } = redis.cache.stats;
    await eventually(
      () => redis.get('k'),
      () => redis.cache.stats.hits > hits,
    );
    await next.set('k', 'newer');
    await eventually(
      () => redis.get('k'),
      (value) => value === 'newer',
    );
  });

  it('is heard on: messages of the new master come behind a gap, and none of the old one', async () => {
    const { redis, old, next, leave } = await listening();
    const notices = record(redis.subscribe('news', { gaps: true }));
    const matching = record(redis.psubscribe('ne*'));
    await until(() => notices.values.length === 1);
    await redis.publish('news', 'before');
    await until(() => notices.values.length === 2 && matching.values.length === 1);
    await leave();
    await until(() => notices.values.length === 4);
    await old.publish('news', 'lost');
    await next.publish('news', 'after');
    await until(() => notices.values.length === 5 && matching.values.length === 2);
    expect(notices.values.map((one) => (one.type === 'message' ? one.data : one.type))).toEqual([
      'subscribed',
      'before',
      'gap',
      'subscribed',
      'after',
    ]);
    expect(matching.values.map(({ data }) => data)).toEqual(['before', 'after']);
  });
});

/** Where a client of a server leads to. */
function redisOf(redis: Redis): string {
  return `redis://${redis.inspect().address}`;
}

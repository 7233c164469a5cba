import type { Command, Redis } from 'rxjs-redis';
import { useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { QueueKeys, written } from '../../../src/streams/queue-keys';
import { fail, leave, pushLater, redrive, takeBack, tend } from '../../../src/streams/queue-scripts';

const keys = new QueueKeys('q');
const mine = keys.ownedBy('me');
const limits = { lease: 100_000, attempts: 3, deadLetter: true };
const me = { worker: 'me', lease: 100_000, held: [], settling: [] };
const job = (id: string, tries = 0) => written(id, tries, `payload of ${id}`);

// Each has to leave after the second time what it has left after the first, for its reply may have been lost.
describe('A move between the lists of a queue that is sent twice', () => {
  const server = useServer({ own: true });
  const make = useClients();
  let redis: Redis;
  beforeEach(async () => {
    redis = make(server().url);
    await redis.flushall();
  });

  /** All that there is, without the times of leases and delays, which count from the last time. */
  async function state(): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {};
    for (const key of (await redis.keys('*')).sort()) {
      const part = key.slice('queue:{q}:'.length);
      found[part] =
        (await redis.type(key)) === 'list' ? await redis.lrange(key, 0, -1) : await redis.zrange(key, 0, -1);
    }
    return found;
  }

  /** Sends it twice; what it was answered, and what it has left. */
  async function twice<T>(command: Command<T>): Promise<{ replies: T[]; left: Record<string, string[]> }> {
    const send = async () => {
      const [reply] = await redis.bytes.pipeline([command], { failFast: true });
      return reply;
    };
    const first = await send();
    const after = await state();
    const second = await send();
    expect(await state()).toStrictEqual(after);
    return { replies: [first, second], left: after };
  }

  const text = (...jobs: Buffer[]) => jobs.map(String);

  it('takes no more jobs the second time, and tells those of the first once more', async () => {
    await redis.lpush(
      keys.waiting,
      ['a', 'b', 'c'].map((id) => job(id)),
    );
    const { replies, left } = await twice(tend(keys, { ...me, limit: 2 }));
    expect(replies.map(({ jobs }) => jobs.map(({ id }) => id))).toStrictEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(left).toStrictEqual({ waiting: text(job('c')), 'worker:me': text(job('b'), job('a')), workers: ['me'] });
  });

  it('tells neither what a worker holds nor what it settles, but what it has lost', async () => {
    await redis.lpush(mine, job('held'), job('settled'), job('stray'));
    const command = tend(keys, { ...me, limit: 5, held: ['held', 'gone'], settling: ['settled'] });
    const { replies } = await twice(command);
    for (const { jobs, lost } of replies) {
      expect([jobs.map(({ id }) => id), lost]).toStrictEqual([['stray'], ['gone']]);
    }
  });

  it('makes a delayed job that is due wait once', async () => {
    await redis.zadd(keys.delayed, [
      [1, job('due')],
      [2, job('due too')],
      [9e15, job('later')],
    ]);
    const { replies, left } = await twice(tend(keys, { ...me, limit: 0 }));
    expect(left).toStrictEqual({
      delayed: text(job('later')),
      waiting: text(job('due too'), job('due')),
      workers: ['me'],
    });
    expect(replies[1]!.nextDue).toBeGreaterThan(1e14);
  });

  it('takes the jobs of a dead worker back once, and counts the attempt once', async () => {
    await redis.zadd(keys.workers, { dead: 1 });
    await redis.lpush(keys.ownedBy('dead'), job('a'), job('b', 2), job('c', 1));
    await redis.lpush(keys.waiting, job('later'));
    const { replies, left } = await twice(takeBack(keys, 'dead', limits));
    expect(replies).toStrictEqual([
      { waiting: 2, dead: 1 },
      { waiting: 0, dead: 0 },
    ]);
    // The oldest is taken next. The worker stays known, because a command that still waits could bring it another job.
    expect(left).toStrictEqual({
      dead: text(job('b', 3)),
      waiting: text(job('later'), job('c', 2), job('a', 1)),
      workers: ['dead'],
    });
  });

  it('takes nothing from a worker whose lease holds, nor from one that is not known', async () => {
    await redis.zadd(keys.workers, { alive: 9e15 });
    await redis.lpush(keys.ownedBy('alive'), job('a'));
    const { replies, left } = await twice(takeBack(keys, 'alive', limits));
    expect(replies[0]).toStrictEqual({ waiting: 0, dead: 0 });
    expect(left).toStrictEqual({ 'worker:alive': text(job('a')), workers: ['alive'] });
    expect((await twice(takeBack(keys, 'unknown', limits))).replies[0]).toStrictEqual({ waiting: 0, dead: 0 });
  });

  it('forgets a dead worker that has nothing, and keeps no dead job where none is wanted', async () => {
    await redis.zadd(keys.workers, { dead: 1 });
    expect((await twice(takeBack(keys, 'dead', limits))).left).toStrictEqual({});
    await redis.zadd(keys.workers, { dead: 1 });
    await redis.lpush(keys.ownedBy('dead'), job('a', 2));
    const { left } = await twice(takeBack(keys, 'dead', { ...limits, deadLetter: false }));
    expect(left).toStrictEqual({ workers: ['dead'] });
  });

  it('gives back what a worker has not begun, untried, and keeps what runs', async () => {
    await redis.lpush(mine, job('a'), job('runs'), job('b', 1));
    await redis.lpush(keys.waiting, job('later'));
    const { replies, left } = await twice(leave(keys, 'me', 100_000, ['runs']));
    expect(replies).toStrictEqual([2, 0]);
    expect(left).toStrictEqual({
      waiting: text(job('later'), job('b', 1), job('a')),
      'worker:me': text(job('runs')),
      workers: ['me'],
    });
    expect((await twice(leave(keys, 'me', 0, []))).left).toStrictEqual({
      waiting: text(job('later'), job('b', 1), job('a'), job('runs')),
    });
  });

  it('puts a failed job among the delayed or the dead ones once, and only where the worker has it', async () => {
    await redis.lpush(mine, job('a'), job('b', 2));
    expect((await twice(fail(keys, 'me', job('a'), job('a', 1), 1_000))).replies).toStrictEqual([1, 0]);
    const { left } = await twice(fail(keys, 'me', job('b', 2), job('b', 3), undefined));
    const expected = { dead: text(job('b', 3)), delayed: text(job('a', 1)) };
    expect(left).toStrictEqual(expected);
    // A worker that has lost its job brings it back neither as failed nor as dead.
    for (const delay of [0, undefined]) {
      expect((await twice(fail(keys, 'me', job('gone'), job('gone', 1), delay))).left).toStrictEqual(expected);
    }
  });

  it('puts in a delayed job once, and keeps the time that it had', async () => {
    const command = pushLater(keys, 50_000, [job('a'), job('b')]);
    expect((await twice(command)).left).toStrictEqual({ delayed: text(job('a'), job('b')) });
    const first = await redis.zscore(keys.delayed, job('a'));
    await twice(pushLater(keys, 90_000, [job('a')]));
    expect(await redis.zscore(keys.delayed, job('a'))).toBe(first);
  });

  it('has dead jobs wait again once', async () => {
    await redis.lpush(keys.dead, job('a', 3), job('b', 3));
    const { replies, left } = await twice(redrive(keys));
    expect(replies).toStrictEqual([2, 0]);
    expect(left).toStrictEqual({ waiting: text(job('b'), job('a')) });
  });
});

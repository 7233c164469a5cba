import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { EMPTY, NEVER, concat, defer, firstValueFrom, lastValueFrom, of, take, toArray } from 'rxjs';
import type { Job, Queue, QueueEvent, Redis } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { thrownBy } from '../../support/outcomes';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { jobsOfWorkers, keysLeft, untilNothingIsLeft, waitingAtServer } from './left';

const kinds = (events: readonly QueueEvent[]) =>
  events.map((event) => `${event.type} ${'job' in event ? event.job.payload : ''}`);

describe('A queue', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const pools = usePools();
  let redis: Redis;
  let queue: Queue;
  beforeEach(async () => {
    redis = make(server().url);
    await redis.flushall();
    queue = redis.queue('q', { backoff: 1 });
  });

  /** Resolves once all jobs are done and acknowledged. */
  const untilEmpty = () =>
    eventually(
      () => Promise.all([queue.counts(), jobsOfWorkers(redis)]),
      ([{ waiting, delayed }, running]) => waiting + delayed + running.length === 0,
    );

  it('gives jobs in the order in which they were pushed', async () => {
    await queue.push('a');
    expect(await queue.push(['b', 3, 4n, Buffer.from('e')])).toHaveLength(4);
    const events = await lastValueFrom(queue.work((job) => job.payload).pipe(take(5), toArray()));
    expect(kinds(events)).toStrictEqual(['done a', 'done b', 'done 3', 'done 4', 'done e']);
    await untilNothingIsLeft(redis);
  });

  it('sends nothing before it is used, and pushes once per subscription, with other ids', async () => {
    const pushing = queue.push('a');
    queue.jobs();
    queue.work(() => undefined);
    await redis.ping();
    expect(await keysLeft(redis)).toStrictEqual([]);
    expect(await pushing).toBe(await pushing);
    const others = await lastValueFrom(pushing);
    expect(others).not.toStrictEqual(await pushing);
    expect((await queue.counts()).waiting).toBe(2);
  });

  it('takes what comes later as it comes, and has a worker wait at the server meanwhile', async () => {
    const seen = record(queue.work((job) => job.payload));
    await eventually(
      () => waitingAtServer(redis),
      (count) => count === 1,
    );
    await queue.push('a');
    await until(() => seen.values.length === 1);
    await queue.push('b');
    await until(() => seen.values.length === 2);
    expect(kinds(seen.values)).toStrictEqual(['done a', 'done b']);
  });

  it.each<[string, () => unknown, unknown]>([
    ['a value', () => 'text', 'text'],
    ['nothing', () => undefined, undefined],
    ['an array, which is a value', () => [1, 2], [1, 2]],
    ['a Promise', () => Promise.resolve(5), 5],
    ['an Observable, whose last value counts', () => of(1, 2), 2],
    ['an empty Observable', () => EMPTY, undefined],
    ['a reply', () => redis.echo('e'), 'e'],
  ])('takes from a handler %s', async (_, handler, value) => {
    await queue.push('a');
    const event = await firstValueFrom(queue.work(handler));
    expect(event).toMatchObject({ type: 'done', value, job: { payload: 'a', attempt: 1 } });
    await untilNothingIsLeft(redis);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => fail()],
    ['gives a Promise that rejects', () => Promise.resolve().then(fail)],
    ['gives an Observable that errors', () => concat(of(1), defer(fail))],
  ])('tries again what %s, and keeps it among the dead ones in the end', async (_, handler) => {
    const [id] = await queue.push('a');
    await queue.push('b');
    const events = await lastValueFrom(
      queue.work((job) => (job.payload === 'a' ? handler() : undefined)).pipe(take(4), toArray()),
    );
    expect(events.map(({ type }) => type).sort()).toStrictEqual(['dead', 'done', 'failed', 'failed']);
    const own = events.filter((event) => 'job' in event && event.job.payload === 'a');
    expect(own).toMatchObject([
      { type: 'failed', delay: 1, error: { message: 'it failed' }, job: { id, attempt: 1 } },
      { type: 'failed', delay: 1, error: { message: 'it failed' }, job: { id, attempt: 2 } },
      { type: 'dead', error: { message: 'it failed' }, job: { id, attempt: 3 } },
    ]);
    expect(await queue.dead()).toStrictEqual([{ id, payload: 'a', attempts: 3 }]);
    await eventually(
      () => keysLeft(redis),
      (keys) => keys.join() === 'queue:{q}:dead',
    );
  });

  function fail(): never {
    throw new Error('it failed');
  }

  it('has dead jobs wait again when it is told to, as if they were new', async () => {
    const once = redis.queue('q', { attempts: 1 });
    await once.push(['a', 'b', 'c']);
    await lastValueFrom(once.work(fail).pipe(take(3)));
    expect((await once.dead(2)).map(({ payload }) => payload)).toStrictEqual(['a', 'b']);
    expect(await once.redrive()).toBe(3);
    expect(await once.redrive()).toBe(0);
    const events = await lastValueFrom(once.work((job) => job.attempt).pipe(take(3), toArray()));
    expect(kinds(events)).toStrictEqual(['done a', 'done b', 'done c']);
    expect(events).toMatchObject([{ value: 1 }, { value: 1 }, { value: 1 }]);
    await untilNothingIsLeft(redis);
  });

  it('keeps nothing of dead jobs with `deadLetter: false`', async () => {
    const forgetful = redis.queue('q', { attempts: 1, deadLetter: false });
    await forgetful.push('a');
    expect(await firstValueFrom(forgetful.work(fail))).toMatchObject({ type: 'dead' });
    await untilNothingIsLeft(redis);
  });

  it('asks its `backoff` how long the next attempt waits, and ends with false', async () => {
    const asked: unknown[] = [];
    const backoff = (attempt: number, error: unknown) => {
      asked.push([attempt, (error as Error).message]);
      return attempt < 3 && attempt;
    };
    const own = redis.queue('q', { attempts: Infinity, backoff });
    await own.push('a');
    const events = await lastValueFrom(own.work(fail).pipe(take(3), toArray()));
    expect(events).toMatchObject([{ delay: 1 }, { delay: 2 }, { type: 'dead' }]);
    expect(asked).toStrictEqual([1, 2, 3].map((attempt) => [attempt, 'it failed']));
  });

  it('gives a job that is delayed when it is due on the clock of the server, however many are due later', async () => {
    const clock = async () => {
      const [seconds, micros] = await redis.time();
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    };
    await queue.push(
      Array.from({ length: 500 }, (_, n) => `later ${n}`),
      { delay: 1_000_000 },
    );
    const before = await clock();
    await queue.push('soon', { delay: 100 });
    await queue.push('now');
    const times: number[] = [];
    const events = await lastValueFrom(queue.work(async () => times.push(await clock())).pipe(take(2), toArray()));
    expect(kinds(events)).toStrictEqual(['done now', 'done soon']);
    expect(times[1]! - before).toBeGreaterThanOrEqual(100);
    await eventually(
      () => queue.counts(),
      ({ workers }) => workers === 0,
    );
    expect(await queue.counts()).toStrictEqual({ waiting: 0, delayed: 500, dead: 0, workers: 0 });
  });

  it('gives a delayed job once, however many workers look', async () => {
    const seen: string[] = [];
    const others = Array.from({ length: 5 }, () => make(server().url).queue('q'));
    for (const other of others) record(other.work((job) => seen.push(job.payload), { concurrency: 3 }));
    const jobs = Array.from({ length: 300 }, (_, n) => `${n}`);
    for (const job of jobs) await queue.push(job, { delay: (Number(job) % 5) + 1 });
    await until(() => seen.length >= jobs.length);
    await untilEmpty();
    expect(seen.sort()).toStrictEqual(jobs.sort());
  });

  it('has no more jobs than there is room for', async () => {
    await queue.push(Array.from({ length: 50 }, (_, n) => n));
    const open: Job[] = [];
    record(queue.work((job) => (open.push(job), NEVER), { concurrency: 4 }));
    await until(() => open.length === 4);
    for (let turn = 0; turn < 20; turn++) await redis.ping();
    expect((await jobsOfWorkers(redis)).length).toBe(4);
    expect([open.length, (await queue.counts()).waiting]).toStrictEqual([4, 46]);
    const others: Job[] = [];
    const jobs = record(queue.jobs({ concurrency: 3 }));
    await until(() => jobs.values.length === 3);
    others.push(...jobs.values);
    expect((await queue.counts()).waiting).toBe(43);
    await others[0]!.ack();
    await until(() => jobs.values.length === 4);
    for (let turn = 0; turn < 20; turn++) await redis.ping();
    expect((await queue.counts()).waiting).toBe(42);
    jobs.stop();
  });

  it('gives jobs one by one to a loop, each when it is asked for', async () => {
    await queue.push(['a', 'b', 'c', 'd']);
    const seen: string[] = [];
    for await (const job of queue.jobs({ concurrency: 3 })) {
      seen.push(job.payload);
      for (let turn = 0; turn < 5; turn++) await redis.ping();
      expect((await queue.counts()).waiting).toBe(4 - seen.length);
      await job.ack();
      if (seen.length === 3) break;
    }
    expect(seen).toStrictEqual(['a', 'b', 'c']);
    expect(await queue.counts()).toMatchObject({ waiting: 1 });
    await queue.close();
    expect(await keysLeft(redis)).toStrictEqual(['queue:{q}:waiting']);
  });

  it('tells a loop of each job that it does, and takes no more while one of these waits', async () => {
    await queue.push(Array.from({ length: 20 }, (_, n) => n));
    const done: string[] = [];
    let told = 0;
    for await (const event of queue.work(({ payload }) => void done.push(payload), { concurrency: 2 })) {
      expect(event.type).toBe('done');
      told++;
      for (let turn = 0; turn < 5; turn++) await redis.ping();
      // Two whose ends are on their way, two more for which there was room by then, and one from a wait at the server.
      expect(done.length - told).toBeLessThanOrEqual(5);
      if (told === 20) break;
    }
    expect([told, done.length]).toStrictEqual([20, 20]);
    await queue.close();
    expect(await keysLeft(redis)).toStrictEqual([]);
  });

  it('lets a job be settled by its own methods, the first of which counts', async () => {
    await queue.push(['a', 'b']);
    const jobs = record(queue.jobs());
    await until(() => jobs.values.length === 1);
    const [first] = jobs.values as [Job];
    const acked = first.ack();
    expect(first.fail(new Error('too late'))).toBe(acked);
    await acked;
    await until(() => jobs.values.length === 2);
    const second = jobs.values[1]!;
    await second.fail(undefined, { delay: 0 });
    await until(() => jobs.values.length === 3);
    expect(jobs.values[2]).toMatchObject({ id: second.id, payload: 'b', attempt: 2 });
    await jobs.values[2]!.ack();
    jobs.stop();
    await untilNothingIsLeft(redis);
  });

  it('can be settled after its Observer has left, as by `firstValueFrom`', async () => {
    await queue.push(['a', 'b']);
    const job = await firstValueFrom(queue.jobs());
    expect(job.payload).toBe('a');
    expect(await jobsOfWorkers(redis)).toHaveLength(1);
    await job.ack();
    await eventually(
      () => keysLeft(redis),
      (keys) => keys.join() === 'queue:{q}:waiting',
    );
  });

  it('carries any bytes, and gives Buffers on `redis.bytes`', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const payloads = [
      all,
      Buffer.alloc(0),
      Buffer.from(':1:'),
      Buffer.from('a:b:c\0\r\n'),
      Buffer.alloc(100_000, 0xff),
    ];
    const bytes = redis.bytes.queue('q', { attempts: 2, backoff: 0 });
    await bytes.push(payloads);
    let failed = 0;
    const events = await lastValueFrom(
      bytes
        .work((job) => {
          if (job.attempt === 1) throw new Error(String(failed++));
        })
        .pipe(take(10), toArray()),
    );
    const done = events.flatMap((event) => (event.type === 'done' ? [event.job.payload] : []));
    expect(done.sort((one, other) => Buffer.compare(one, other))).toStrictEqual(
      payloads.sort((one, other) => Buffer.compare(one, other)),
    );
    await untilNothingIsLeft(redis);
    await bytes.push(all);
    const text = await firstValueFrom(queue.work(() => undefined));
    expect(text).toMatchObject({ type: 'done', job: { payload: all.toString() } });
    await untilNothingIsLeft(redis);
  });

  it('takes what was put into the list by hand for jobs', async () => {
    await redis.lpush('queue:{q}:waiting', 'plain', 'plain', '{"a":1}', Buffer.from([0xff, 0x3a, 0x31]), '');
    let tries = 0;
    const events = await lastValueFrom(
      queue
        .work(
          (job) => {
            if (job.payload === '{"a":1}' && tries++ === 0) throw new Error('once');
          },
          { concurrency: 3 },
        )
        .pipe(take(6), toArray()),
    );
    expect(kinds(events).sort()).toStrictEqual(
      ['done plain', 'done plain', 'failed {"a":1}', 'done {"a":1}', 'done �:1', 'done '].sort(),
    );
    await untilNothingIsLeft(redis);
  });

  it('has names of bytes, and keys with the prefix of the client in one slot', async () => {
    const own = make({ url: server().url, prefix: 'app:' });
    const named = own.queue(Buffer.from([0xff, 0x7d]));
    await named.push('a');
    await named.push('b', { delay: 1 });
    const events = record(named.work((job) => job.payload));
    await until(() => events.values.length === 2);
    const keys = await redis.bytes.keys('*');
    expect(keys).toStrictEqual([Buffer.from('app:queue:{\xff}}:workers', 'latin1')]);
    events.stop();
    await untilNothingIsLeft(own);
    expect(await redis.dbsize()).toBe(0);
  });

  it('has all its keys in one slot of a cluster', async () => {
    await queue.push('running');
    const open = record(queue.jobs());
    await until(() => open.values.length === 1);
    await queue.push('waiting');
    await queue.push('delayed', { delay: 100_000 });
    const keys = await redis.keys('queue:*');
    expect(keys).toHaveLength(4);
    expect(new Set(keys.map(hashSlot)).size).toBe(1);
    await open.values[0]!.ack();
    open.stop();
  });

  it('does the same in RESP2', async () => {
    const own = make({ url: server().url, protocol: 2 }).queue('q', { attempts: 2, backoff: 1 });
    await own.push(['a', 'b']);
    await own.push('c', { delay: 5 });
    const seen = record(own.work(({ payload }) => (payload === 'b' ? fail() : payload), { concurrency: 2 }));
    await until(() => seen.values.length === 4);
    await eventually(
      () => waitingAtServer(redis),
      (count) => count === 1,
    );
    await own.close();
    expect(kinds(seen.values).sort()).toStrictEqual(['dead b', 'done a', 'done c', 'failed b']);
    expect(await keysLeft(redis)).toStrictEqual(['queue:{q}:dead']);
  });

  it('calls handlers in the AsyncLocalStorage of the subscription', async () => {
    const storage = new AsyncLocalStorage<string>();
    await queue.push(['a', 'b']);
    const events = storage.run('mine', () => record(queue.work(() => storage.getStore())));
    await until(() => events.values.length === 2);
    expect(events.values).toMatchObject([{ value: 'mine' }, { value: 'mine' }]);
  });

  it('works on a pool, and with limits of commands of its own', async () => {
    const pool = pools({ url: server().url, min: 1, max: 4 });
    const own = pool.queue('q', { backoff: 1 });
    await own.push(Array.from({ length: 200 }, (_, n) => n));
    const seen = new Set<string>();
    const done = record(own.work(({ payload }) => void seen.add(payload), { concurrency: 8 }));
    await until(() => done.values.length >= 200);
    await own.close();
    expect([seen.size, done.values.length, done.ended]).toStrictEqual([200, 200, 'complete']);
    await untilNothingIsLeft(redis);
    const hasty = redis.withOptions({ commandTimeout: 400, retry: false }).queue('q');
    const waiting = record(hasty.work((job) => job.payload));
    await eventually(
      () => waitingAtServer(redis),
      (count) => count === 1,
    );
    await hasty.push('a', { delay: 1_200 });
    await until(() => waiting.values.length === 1);
    expect(waiting.ended).toBeUndefined();
    waiting.stop();
    await untilNothingIsLeft(redis);
  });

  it('takes jobs of dead workers back, and counts the attempt: one that kills its workers is dead in the end', async () => {
    await queue.push('poison');
    const [job] = await redis.lrange('queue:{q}:waiting', 0, -1);
    for (let deaths = 1; deaths <= 3; deaths++) {
      // What a worker leaves that was killed in the middle of its job.
      await redis.rpoplpush('queue:{q}:waiting', 'queue:{q}:worker:killed');
      await redis.zadd('queue:{q}:workers', { killed: 1 });
      const next = redis.queue('q', { drainTimeout: 0 });
      const seen = record(next.work(() => NEVER));
      await until(() => seen.values.length > 0);
      expect(seen.values[0]).toStrictEqual(
        deaths < 3 ? { type: 'recovered', waiting: 1, dead: 0 } : { type: 'recovered', waiting: 0, dead: 1 },
      );
      await next.close();
      await redis.zrem('queue:{q}:workers', 'killed');
    }
    expect(job).toMatch(/:0:poison$/);
    expect(await queue.dead()).toMatchObject([{ payload: 'poison', attempts: 3 }]);
  });

  it.each<[string, (given: Redis) => unknown, string]>([
    ['no name', (given) => given.queue(undefined as never), 'queue: a name is a string or bytes, got undefined'],
    ['an empty name', (given) => given.queue(''), 'queue: the name is not to be empty'],
    ['a name that is no hash tag', (given) => given.queue('}a'), "queue: the name is not to begin with '}'"],
    ['a number for options', (given) => given.queue('q', 5 as never), 'queue: options were expected, got a number'],
    [
      'an unknown option',
      (given) => given.queue('q', { retries: 5 } as never),
      "queue: there is no option 'retries'; known are lease, attempts, backoff, deadLetter, drainTimeout",
    ],
    [
      'a short lease',
      (given) => given.queue('q', { lease: 5 }),
      "The option 'lease' is a number from 1000 to 2147483647, got 5",
    ],
    [
      'no attempts',
      (given) => given.queue('q', { attempts: 0 }),
      "The option 'attempts' is a number from 1 to Infinity, got 0",
    ],
    [
      'half attempts',
      (given) => given.queue('q', { attempts: 1.5 }),
      "The option 'attempts' is a whole number, got 1.5",
    ],
    [
      'a text for backoff',
      (given) => given.queue('q', { backoff: '1s' as never }),
      "The option 'backoff' is a number, an object or a function, got a string",
    ],
    [
      'an unknown backoff',
      (given) => given.queue('q', { backoff: { min: 1 } as never }),
      "There is no option 'backoff.min'",
    ],
    [
      'a backoff that shrinks',
      (given) => given.queue('q', { backoff: { factor: 0.5 } }),
      "The option 'backoff.factor' is a number from 1 to Infinity, got 0.5",
    ],
    [
      'a text for deadLetter',
      (given) => given.queue('q', { deadLetter: 'dead' as never }),
      "The option 'deadLetter' is a boolean, got a string",
    ],
    [
      'no drainTimeout',
      (given) => given.queue('q', { drainTimeout: NaN }),
      "The option 'drainTimeout' is a number from 0 to 2147483647, got NaN",
    ],
    [
      'no handler',
      (given) => given.queue('q').work(undefined as never),
      'work: a function was expected, got undefined',
    ],
    [
      'no room',
      (given) => given.queue('q').work(() => 1, { concurrency: 0 }),
      "The option 'concurrency' is a number from 1 to 100000, got 0",
    ],
    [
      'an unknown option of jobs',
      (given) => given.queue('q').jobs({ batch: 1 } as never),
      "jobs: there is no option 'batch'; known are concurrency, signal",
    ],
    [
      'no signal',
      (given) => given.queue('q').jobs({ signal: 1 as never }),
      "The option 'signal' is an AbortSignal, got a number",
    ],
    [
      'no payload',
      (given) => given.queue('q').push(undefined as never),
      'push: a payload is a string, a number, a bigint or bytes, got undefined',
    ],
    [
      'an object',
      (given) => given.queue('q').push(['a', {} as never]),
      'push: a payload is a string, a number, a bigint or bytes, got an object (Object)',
    ],
    [
      'nothing to push',
      (given) => given.queue('q').push([]),
      'push: at least one payload was expected, got an empty array',
    ],
    [
      'a delay in the past',
      (given) => given.queue('q').push('a', { delay: -1 }),
      "The option 'delay' is a number from 0 to 9007199254740991, got -1",
    ],
    [
      'no count',
      (given) => given.queue('q').dead(0),
      "The option 'count' is a number from 1 to 9007199254740991, got 0",
    ],
  ])('refuses %s', (_, act, message) => {
    expect(thrownBy(() => act(redis))).toBe(`TypeError: ${message}`);
  });

  it('refuses a delay of `fail` that is none, and the job is still there', async () => {
    await queue.push('a');
    const jobs = record(queue.jobs());
    await until(() => jobs.values.length === 1);
    const job = jobs.values[0]!;
    expect(thrownBy(() => job.fail('x', { delay: -1 }))).toBe(
      "TypeError: The option 'delay' is a number from 0 to 2147483647, got -1",
    );
    await job.ack();
    await setImmediate();
    jobs.stop();
    await untilNothingIsLeft(redis);
  });
});

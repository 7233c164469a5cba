import { NEVER, Observable, Subject, defer, firstValueFrom } from 'rxjs';
import type { Job, Redis, RedisPool } from 'rxjs-redis';
import { Random } from '../../simulation/random';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { turns } from '../../support/turns';
import { jobsOfWorkers, keysLeft, untilNothingIsLeft, waitingAtServer } from './left';

const quick = { initialDelay: 2, maxDelay: 20 };
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('A worker of a queue that is left', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  let admin: Redis;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
  });

  /** Waits until the queue has that many jobs, and no worker. */
  const untilLeft = (waiting: number, name = 'q') =>
    eventually(
      () => Promise.all([admin.queue(name).counts(), jobsOfWorkers(admin)]),
      ([counts, running]) => counts.waiting === waiting && counts.workers === 0 && running.length === 0,
    );

  it('leaves nothing at the server while it waits there for a job', async () => {
    const redis = make(server().url);
    const seen = record(redis.queue('q').work(() => undefined));
    await eventually(
      () => waitingAtServer(admin),
      (count) => count === 1,
    );
    seen.stop();
    await eventually(
      () => waitingAtServer(admin),
      (count) => count === 0,
    );
    await untilNothingIsLeft(admin);
  });

  it('lets what runs finish, and acknowledges it; what has not begun goes back, in its order', async () => {
    const redis = make(server().url);
    const queue = redis.queue('q');
    await queue.push(numbers(10));
    const finish = new Subject<void>();
    const begun: string[] = [];
    let finished = 0;
    const seen = record(
      queue.work(
        ({ payload }) => {
          begun.push(payload);
          return new Observable<void>((subscriber) => {
            finish.subscribe(() => {
              finished++;
              subscriber.complete();
            });
          });
        },
        { concurrency: 3 },
      ),
    );
    await until(() => begun.length === 3);
    seen.stop();
    for (let n = 0; n < 20; n++) await admin.ping();
    expect((await jobsOfWorkers(admin)).length).toBe(3);
    finish.next();
    await untilLeft(7);
    expect([begun, finished]).toStrictEqual([['0', '1', '2'], 3]);
    const rest: string[] = [];
    for await (const job of queue.jobs()) {
      rest.push(job.payload);
      await job.ack();
      if (rest.length === 7) break;
    }
    expect(rest).toStrictEqual(['3', '4', '5', '6', '7', '8', '9']);
    await untilNothingIsLeft(admin);
  });

  it('waits for what runs no longer than `drainTimeout`: it is left, told by its signal, and the job goes back untried', async () => {
    const queue = make(server().url).queue('q', { drainTimeout: 50 });
    await queue.push(['a', 'b', 'c']);
    let left = 0;
    const signals: AbortSignal[] = [];
    const seen = record(
      queue.work(
        (job) => {
          signals.push(job.signal);
          return new Observable<never>(() => () => left++);
        },
        { concurrency: 2 },
      ),
    );
    await until(() => signals.length === 2);
    await queue.close();
    expect([left, seen.ended]).toStrictEqual([2, 'complete']);
    expect(seen.values).toMatchObject([
      { type: 'lost', job: { payload: 'a' } },
      { type: 'lost', job: { payload: 'b' } },
    ]);
    expect(signals.map(({ aborted }) => aborted)).toStrictEqual([true, true]);
    expect((await admin.queue('q').counts()).waiting).toBe(3);
    const again = await firstValueFrom(queue.jobs());
    expect(again).toMatchObject({ payload: 'a', attempt: 1 });
    await again.ack();
  });

  it('gives jobs back at once that a loop was not given', async () => {
    const queue = make(server().url).queue('q');
    const jobs = queue.jobs({ concurrency: 5 })[Symbol.asyncIterator]();
    const next = jobs.next();
    await queue.push(['a', 'b', 'c']);
    const { value: first } = (await next) as IteratorYieldResult<Job>;
    expect(first.payload).toBe('a');
    void jobs.next();
    await jobs.return!();
    await first.ack();
    await untilLeft(2);
  });

  it('errors with the reason of its signal, and leaves as when it is unsubscribed from', async () => {
    const queue = make(server().url).queue('q');
    await queue.push(['a', 'b']);
    const stopped = new AbortController();
    const finish = new Subject<void>();
    const seen = record(queue.work(() => finish, { signal: stopped.signal }));
    await until(() => finish.observed);
    stopped.abort(new Error('enough'));
    expect(seen.ended).toMatchObject({ message: 'enough' });
    finish.complete();
    await untilLeft(1);
    const late = { signal: AbortSignal.abort(new Error('late')) };
    expect(await failure(queue.jobs(late).forEach(() => undefined))).toMatchObject({ message: 'late' });
    expect(await keysLeft(admin)).toStrictEqual(['queue:{q}:waiting']);
  });

  it('loses no job and leaves nothing in 2 000 random races of leaving against pushing', async () => {
    const random = new Random(4);
    const queue = make(server().url).queue('q', { drainTimeout: 10_000 });
    const pushed: string[] = [];
    const done: string[] = [];
    for (let round = 0; round < 2_000; round++) {
      const seen = record(queue.work(({ payload }) => void done.push(payload), { concurrency: random.int(1, 3) }));
      await turns(random.int(0, 6));
      const items = numbers(random.int(1, 3)).map((n) => `${round}:${n}`);
      pushed.push(...items);
      const isFirst = random.chance(0.5);
      if (isFirst) seen.stop();
      const pushing = queue.push(items).then();
      await turns(random.int(0, 4));
      seen.stop();
      await pushing;
    }
    await queue.close();
    await eventually(
      () => admin.queue('q').counts(),
      ({ workers }) => workers === 0,
    );
    expect(await jobsOfWorkers(admin)).toStrictEqual([]);
    const rest = await admin.lrange('queue:{q}:waiting', 0, -1);
    const all = [...done, ...rest.map((job) => job.slice(job.indexOf(':', job.indexOf(':') + 1) + 1))];
    expect(all.sort()).toStrictEqual(pushed.sort());
    expect(done.length).toBeGreaterThan(100);
    await eventually(
      () => waitingAtServer(admin),
      (count) => count === 0,
    );
  });

  it('leaves nothing when its connections are lost meanwhile', async () => {
    const random = new Random(7);
    const redis = make({ url: proxy().url(), reconnect: quick });
    const queue = redis.queue('q', { lease: 1_000 });
    await admin.queue('q').push(numbers(200));
    const done = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const seen = record(queue.work(({ payload }) => void done.add(payload), { concurrency: 2 }));
      const before = done.size;
      await until(() => done.size > before || done.size === 200);
      await turns(random.int(0, 5));
      if (random.chance(0.5)) proxy().cut();
      seen.stop();
      if (random.chance(0.5)) proxy().cut();
    }
    await queue.close();
    await untilLeft(200 - done.size);
  });

  it('leaves nothing when its connection is lost while it waits, and it is left then', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const queue = redis.queue('q');
    const seen = record(queue.jobs());
    await eventually(
      () => waitingAtServer(admin),
      (count) => count === 1,
    );
    proxy().cut();
    seen.stop();
    await queue.close();
    expect([await waitingAtServer(admin), await keysLeft(admin)]).toStrictEqual([0, []]);
  });

  it('leaves nothing where the server refuses to end a wait, so that its connection is closed instead', async () => {
    await admin.aclSetuser('worker', ['on', '>secret', '~*', '+@all', '-client']);
    const redis = make({ url: server().url, username: 'worker', password: 'secret', reconnect: quick });
    const queue = redis.queue('q');
    const seen = record(queue.work(() => undefined));
    await eventually(
      () => waitingAtServer(admin),
      (count) => count === 1,
    );
    seen.stop();
    await queue.close();
    expect([await waitingAtServer(admin), await keysLeft(admin)]).toStrictEqual([0, []]);
    await admin.queue('q').push('a');
    expect((await admin.queue('q').counts()).waiting).toBe(1);
  });
});

describe.each<[string, 'redis' | 'pool']>([
  ['a client', 'redis'],
  ['a pool', 'pool'],
])('The end of the workers of %s', (_what, kind) => {
  const server = useServer({ own: true });
  const make = useClients();
  const makePool = usePools();
  let admin: Redis;
  let owner: Redis | RedisPool;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
    owner = kind === 'pool' ? makePool({ url: server().url }) : make(server().url);
  });

  it('is `complete` on close(), which leaves nothing where nothing runs', async () => {
    const seen = [record(owner.queue('q').work(() => undefined)), record(owner.queue('q').jobs())];
    await eventually(
      () => waitingAtServer(admin),
      (count) => count === 2,
    );
    await owner.close();
    expect(seen.map(({ ended }) => ended)).toStrictEqual(['complete', 'complete']);
    expect(await keysLeft(admin)).toStrictEqual([]);
    expect(await waitingAtServer(admin)).toBe(0);
  });

  it('gives back on close() what runs, for it could not be acknowledged later', async () => {
    await admin.queue('q').push(numbers(5));
    const jobs: Job[] = [];
    let left = 0;
    const seen = record(
      owner.queue('q').work(
        (job) => {
          jobs.push(job);
          return new Observable<never>(() => () => left++);
        },
        { concurrency: 2 },
      ),
    );
    await until(() => jobs.length === 2);
    await owner.close();
    expect([seen.ended, left, jobs.map(({ signal }) => signal.aborted)]).toStrictEqual(['complete', 2, [true, true]]);
    expect(await keysLeft(admin)).toStrictEqual(['queue:{q}:waiting']);
    expect(await admin.llen('queue:{q}:waiting')).toBe(5);
  });

  it('ends a loop, without an error, on close()', async () => {
    await admin.queue('q').push(numbers(5));
    let count = 0;
    for await (const job of owner.queue('q').jobs()) {
      await job.ack();
      if (++count === 5)
        void eventually(
          () => waitingAtServer(admin),
          (waiting) => waiting === 1,
        ).then(() => owner.close());
    }
    expect(count).toBe(5);
    await untilNothingIsLeft(admin);
  });

  it('is a RedisError on destroy(), at once', async () => {
    await admin.queue('q').push('a');
    const seen = [record(owner.queue('q').work(() => NEVER)), record(owner.queue('q').jobs())];
    await eventually(
      () => Promise.all([waitingAtServer(admin), jobsOfWorkers(admin)]),
      ([waiting, running]) => waiting + running.length === 2,
    );
    void owner.destroy().then();
    for (const { ended } of seen) expect(ended).toMatchObject({ code: 'DISCONNECTED' });
    expect(
      await failure(
        owner
          .queue('q')
          .jobs()
          .forEach(() => undefined),
      ),
    ).toMatchObject({ code: 'DISCONNECTED' });
    expect(await failure(owner.queue('q').push('b'))).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('comes at once when the client was closed before', async () => {
    await owner.close();
    const late = defer(() => owner.queue('q').work(() => undefined));
    expect(await failure(late.forEach(() => undefined))).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('is an error where the server refuses what it sends', async () => {
    await admin.set('queue:{q}:waiting', 'no list');
    const seen = record(owner.queue('q').work(() => undefined));
    await until(() => seen.ended !== undefined);
    expect(seen.ended).toMatchObject({ code: 'REPLY' });
    expect(String(seen.ended)).toContain('WRONGTYPE');
  });
});

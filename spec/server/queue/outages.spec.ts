import { join } from 'node:path';
import { NEVER, Subject, lastValueFrom, take, toArray } from 'rxjs';
import type { QueueEvent, Redis } from 'rxjs-redis';
import { runChild, type Child } from '../../infra/run-child';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { jobsOfWorkers, keysLeft, untilNothingIsLeft, waitingAtServer } from './left';

const quick = { initialDelay: 2, maxDelay: 20 };
const types = (events: readonly QueueEvent[]) => events.map(({ type }) => type);

describe('A worker of a queue', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const children: Child[] = [];
  let admin: Redis;
  beforeEach(async () => {
    admin = make({ url: server().url, reconnect: quick });
    await admin.flushall();
  });
  afterEach(async () => {
    for (const { process } of children) process.kill('SIGKILL');
    await Promise.all(children.splice(0).map(({ exited }) => exited));
  });

  async function startChild(): Promise<Child> {
    const child = runChild(join(__dirname, 'worker.child.ts'), [server().url, 'q']);
    children.push(child);
    expect(await child.nextLine()).toBe('ready');
    return child;
  }

  const untilWaiting = (count: number) =>
    eventually(
      () => waitingAtServer(admin),
      (waiting) => waiting === count,
    );

  /** Lets the server's clock go on. */
  async function pass(ms: number): Promise<void> {
    const now = async () => Number((await admin.time())[0]) * 1_000 + Number((await admin.time())[1]) / 1_000;
    const begun = await now();
    await eventually(now, (time) => time >= begun + ms);
  }

  it('keeps its jobs as long as it lives, however long they take', async () => {
    const queue = make(server().url).queue('q', { lease: 1_000, drainTimeout: 0 });
    const other = make(server().url).queue('q', { lease: 1_000 });
    await queue.push('long');
    let begun = 0;
    const seen = record(queue.work(() => (begun++, NEVER)));
    await until(() => begun === 1);
    const others = record(other.work(() => undefined));
    await pass(3_500);
    expect([begun, types(seen.values), types(others.values)]).toStrictEqual([1, [], []]);
    await queue.close();
    await until(() => others.values.length === 1);
    expect(types(others.values)).toStrictEqual(['done']);
  });

  it('takes the jobs of one that is stopped, while it runs itself; the other is told when it goes on', async () => {
    const child = await startChild();
    const queue = make(server().url).queue('q', { lease: 1_000 });
    await queue.push('long');
    expect(await child.nextLine()).toBe('begun');
    const seen = record(queue.work(({ payload, attempt }) => `${payload} ${attempt}`));
    await untilWaiting(1);
    child.process.kill('SIGSTOP');
    await until(() => seen.values.length === 2);
    expect(seen.values).toMatchObject([
      { type: 'recovered', waiting: 1, dead: 0 },
      { type: 'done', value: 'long 2' },
    ]);
    child.process.kill('SIGCONT');
    expect(await child.nextLine()).toBe('lost');
  });

  it('gets what the server gave to a worker that was stopped, and killed, while it waited', async () => {
    const child = await startChild();
    const queue = make(server().url).queue('q', { lease: 1_000 });
    for (;;) {
      await untilWaiting(1);
      child.process.kill('SIGSTOP');
      await queue.push('job');
      if ((await jobsOfWorkers(admin)).length === 1) break;
      // The wait was over before: once more.
      child.process.kill('SIGCONT');
      await eventually(
        () => admin.scard('handled'),
        (count) => count === 1,
      );
      await admin.del('handled');
    }
    const seen = record(queue.work(() => undefined));
    await until(() => seen.values.length >= 2);
    expect(types(seen.values)).toStrictEqual(['recovered', 'done']);
    child.process.kill('SIGKILL');
    await child.exited;
    await eventually(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.close();
    expect((await keysLeft(admin)).filter((key) => key !== 'handled')).toStrictEqual([]);
  });

  it('finds a job that was given to it with a reply that was lost', async () => {
    const queue = make({ url: proxy().url(), reconnect: quick }).queue('q');
    const seen = record(queue.work(({ payload }) => payload));
    await untilWaiting(1);
    proxy().stall('toClient', true);
    await eventually(
      async () => {
        await admin.queue('q').push('job');
        return jobsOfWorkers(admin);
      },
      (jobs) => jobs.length === 1,
    );
    proxy().stall('toClient', false);
    proxy().cut();
    await until(() => seen.values.length > 0);
    await eventually(
      () => Promise.all([queue.counts(), jobsOfWorkers(admin)]),
      ([{ waiting }, running]) => waiting + running.length === 0,
    );
    await queue.close();
    await untilNothingIsLeft(admin);
  });

  it('goes on when it waited while the server went down and came back', async () => {
    const queue = make({ url: server().url, reconnect: quick }).queue('q');
    const seen = record(queue.work(({ payload }) => payload));
    for (const job of ['a', 'b', 'c']) {
      await untilWaiting(1);
      await server().kill('SIGKILL');
      await server().restart();
      await admin.queue('q').push(job);
      await until(() => seen.values.length > 0 && (seen.values.at(-1) as { value: string }).value === job);
    }
    expect([types(seen.values), seen.ended]).toStrictEqual([['done', 'done', 'done'], undefined]);
    await queue.close();
    await untilNothingIsLeft(admin);
  });

  it('goes on when it waited while the server became a replica and a master again', async () => {
    const redis = make({ url: server().url, reconnect: quick });
    const queue = redis.queue('q');
    const seen = record(queue.work(({ payload }) => payload));
    await untilWaiting(1);
    await admin.replicaof('127.0.0.1', 1);
    await untilWaiting(0);
    await admin.replicaof('NO ONE');
    await admin.queue('q').push('a');
    await until(() => seen.values.length === 1);
    expect([types(seen.values), seen.ended]).toStrictEqual([['done'], undefined]);
    seen.stop();
    await untilNothingIsLeft(admin);
  });

  it('waits where the server takes no writes for want of memory: what is done is acknowledged all the same', async () => {
    const queue = make({ url: server().url, reconnect: quick }).queue('q', { backoff: 1 });
    await queue.push(['a', 'b', 'c']);
    const finish = new Subject<void>();
    let begun = 0;
    const seen = record(queue.work(() => (begun++, finish.pipe(take(1)))));
    await until(() => begun === 1);
    await admin.configSet({ maxmemory: 1 });
    try {
      finish.next();
      await until(() => seen.values.length === 1);
      expect(await jobsOfWorkers(admin)).toStrictEqual([]);
      expect([begun, seen.ended]).toStrictEqual([1, undefined]);
    } finally {
      await admin.configSet({ maxmemory: 0 });
    }
    await until(() => begun === 2);
    finish.next();
    await until(() => begun === 3);
    finish.next();
    await until(() => seen.values.length === 3);
    await queue.close();
    await untilNothingIsLeft(admin);
  });

  it('that is closed in an outage ends when that is over, and what it did is acknowledged', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const queue = redis.queue('q');
    await admin.queue('q').push(['a', 'b']);
    const finish = new Subject<void>();
    const seen = record(queue.work(() => finish));
    await until(() => finish.observed);
    const lost = reaches(redis, 'reconnecting');
    await proxy().refuse(true);
    proxy().cut();
    await lost;
    const closed = queue.close().then();
    finish.complete();
    await proxy().refuse(false);
    await closed;
    expect([types(seen.values), seen.ended]).toStrictEqual([['done'], 'complete']);
    expect(await keysLeft(admin)).toStrictEqual(['queue:{q}:waiting']);
  });

  it('that is closed in an outage which goes on ends after `drainTimeout`, though its lease and its commands have more time', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const limits = { drainTimeout: 20, lease: 1_000_000 };
    await admin.queue('q').push(['a', 'b']);
    const finish = new Subject<void>();
    const [idle, busy] = [redis.queue('idle', limits), redis.queue('q', limits)];
    const seen = { idle: record(idle.work(() => undefined)), busy: record(busy.work(() => finish)) };
    await untilWaiting(1);
    await until(() => finish.observed);
    const lost = reaches(redis, 'reconnecting');
    await proxy().refuse(true);
    proxy().cut();
    await lost;
    finish.complete();
    await Promise.all([idle.close(), busy.close()]);
    expect([seen.idle.values, seen.idle.ended]).toStrictEqual([[], 'complete']);
    expect(seen.busy.values).toMatchObject([{ type: 'lost', job: { payload: 'a' } }]);
    expect(seen.busy.ended).toBe('complete');
    // The last word goes out when the client is connected again, though the queue was closed.
    await proxy().refuse(false);
    await eventually(
      () => admin.queue('q').counts(),
      ({ workers }) => workers === 0,
    );
    expect(await jobsOfWorkers(admin)).toStrictEqual([]);
  });

  it('does jobs with the same payload once each', async () => {
    const queue = make(server().url).queue('q', { backoff: 1 });
    await queue.push(['same', 'same', 'same']);
    const failed = new Set<string>();
    const events = await lastValueFrom(
      queue
        .work(
          ({ id, attempt }) => {
            if (attempt > 1 || failed.size === 2) return id;
            failed.add(id);
            throw new Error('once');
          },
          { concurrency: 3 },
        )
        .pipe(take(5), toArray()),
    );
    expect(types(events).sort()).toStrictEqual(['done', 'done', 'done', 'failed', 'failed']);
    expect(new Set(events.map((event) => 'job' in event && event.job.id)).size).toBe(3);
    await untilNothingIsLeft(admin);
  });

  it('goes by the clock of the server alone', async () => {
    const clock = jest.spyOn(Date, 'now').mockReturnValue(0);
    try {
      const queue = make(server().url).queue('q');
      await queue.push('late', { delay: 100_000 });
      await queue.push('soon', { delay: 20 });
      const seen = record(queue.work(({ payload }) => payload));
      clock.mockReturnValue(9e12);
      await until(() => seen.values.length === 1);
      expect(seen.values).toMatchObject([{ type: 'done', value: 'soon' }]);
      expect(await queue.counts()).toMatchObject({ delayed: 1 });
      await queue.close();
    } finally {
      clock.mockRestore();
    }
  });
});

describe('A queue in a cluster', () => {
  const server = useServer({ own: true, args: ['--cluster-enabled', 'yes'] });
  const make = useClients();

  it('has all its keys in one slot: a job is pushed, delayed, tried again, taken back, dead and given back', async () => {
    const redis = make(server().url);
    await redis.clusterAddslots(Array.from({ length: 16_384 }, (_, slot) => slot));
    await eventually(
      () => redis.call<string>('CLUSTER INFO'),
      (info) => info.includes('cluster_state:ok'),
    );
    const queue = redis.queue('q', { attempts: 2, backoff: 1, drainTimeout: 0 });
    await queue.push(['a', 'b']);
    await queue.push('c', { delay: 5 });
    await redis.rpoplpush('queue:{q}:waiting', 'queue:{q}:worker:killed');
    await redis.zadd('queue:{q}:workers', { killed: 1 });
    const seen = record(
      queue.work(({ payload }) => {
        if (payload === 'b') throw new Error('no');
      }),
    );
    await until(() => seen.values.length === 5);
    expect(types(seen.values).sort()).toStrictEqual(['dead', 'done', 'done', 'failed', 'recovered']);
    expect(seen.ended).toBeUndefined();
    expect(await queue.redrive()).toBe(1);
    await until(() => seen.values.length === 7);
    await queue.close();
    expect(await queue.dead()).toHaveLength(1);
    expect((await keysLeft(redis)).filter((key) => !key.includes('killed'))).toContain('queue:{q}:dead');
  });
});

import { join } from 'node:path';
import type { Redis } from 'rxjs-redis';
import { runChild, type Child } from '../../infra/run-child';
import { Random } from '../../simulation/random';
import { eventually, record, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { turns } from '../../support/turns';
import { untilNothingIsLeft } from './left';

const quick = { initialDelay: 2, maxDelay: 20 };
const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `job ${from + n}`);

describe('Every job is handled at least once and acknowledged', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  let admin: Redis;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
  });

  it('through 100 random cuts, with handlers that fail at random', async () => {
    const random = new Random(12);
    const handled = new Set<string>();
    const jobs = names(2_000);
    const queues = Array.from({ length: 3 }, () =>
      make({ url: proxy().url(), reconnect: quick }).queue('cut', { attempts: Infinity, backoff: 1 }),
    );
    let ends = 0;
    const streams = queues.map((queue) =>
      record(
        queue.work(
          async (job) => {
            await turns(random.int(0, 5));
            if (random.chance(0.1)) throw new Error('at random');
            handled.add(job.payload);
            ends++;
          },
          { concurrency: 6 },
        ),
      ),
    );
    const pushed = admin.queue('cut');
    let cuts = 0;
    for (const job of jobs) {
      await pushed.push(job, random.chance(0.2) ? { delay: random.int(1, 20) } : {});
      if (ends > cuts * 15 && cuts < 100) {
        cuts++;
        proxy().cut(random.chance(0.5) ? 'close' : 'reset');
      }
    }
    while (cuts < 100) {
      const before = ends;
      const more = names(15, jobs.length);
      jobs.push(...more);
      await pushed.push(more);
      await until(() => ends > before);
      cuts++;
      proxy().cut();
    }
    await until(() => handled.size === jobs.length);
    await eventually(
      () => pushed.counts(),
      ({ waiting, delayed }) => waiting + delayed === 0,
    );
    expect(streams.map(({ ended }) => ended)).toStrictEqual([undefined, undefined, undefined]);
    for (const queue of queues) await queue.close();
    await untilNothingIsLeft(admin);
    expect([...handled].sort()).toStrictEqual(jobs.sort());
    // No lease was over meanwhile, so there was no reason to do one again.
    expect(ends).toBe(jobs.length);
  });

  it('when workers are killed, again and again', async () => {
    const children = new Set<Child>();
    const start = async () => {
      const child = runChild(join(__dirname, 'worker.child.ts'), [server().url, 'killed', '5']);
      children.add(child);
      expect(await child.nextLine()).toBe('ready');
      return child;
    };
    try {
      const jobs = names(1_500);
      const queue = admin.queue('killed');
      await queue.push(jobs);
      for (let kills = 1; kills <= 4; kills++) {
        const [child] = await Promise.all([start(), start()]);
        await eventually(
          () => admin.scard('handled'),
          (count) => count > kills * 60,
        );
        child.process.kill('SIGKILL');
        await child.exited;
        children.delete(child);
      }
      await eventually(
        () => admin.scard('handled'),
        (count) => count === jobs.length,
      );
      for (const child of children) child.process.kill('SIGKILL');
      await Promise.all([...children].map((child) => child.exited));
      children.clear();
      // What the last ones had done and not acknowledged is done again by another.
      const last = admin.queue('killed', { lease: 1_000 });
      const stream = record(last.work(() => undefined, { concurrency: 20 }));
      await eventually(
        () => last.counts(),
        ({ waiting, delayed, workers }) => waiting + delayed === 0 && workers === 1,
      );
      await last.close();
      expect(stream.ended).toBe('complete');
      await untilNothingIsLeft(admin);
    } finally {
      for (const child of children) child.process.kill('SIGKILL');
    }
  });
});

describe('A server that is killed and started again with what it has written', () => {
  const server = useServer({ own: true, args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const make = useClients();

  it('keeps every job', async () => {
    const admin = make({ url: server().url, reconnect: quick });
    const handled = new Set<string>();
    const jobs = names(2_000);
    const queues = Array.from({ length: 2 }, () =>
      make({ url: server().url, reconnect: quick }).queue('restarted', { attempts: Infinity, backoff: 1 }),
    );
    await admin.queue('restarted').push(jobs);
    const streams = queues.map((queue) =>
      record(
        queue.work(
          async ({ payload }) => {
            await turns(2);
            handled.add(payload);
          },
          { concurrency: 4 },
        ),
      ),
    );
    await until(() => handled.size > 500);
    await server().kill('SIGKILL');
    await server().restart();
    await until(() => handled.size === jobs.length);
    await eventually(
      () => admin.queue('restarted').counts(),
      ({ waiting, delayed }) => waiting + delayed === 0,
    );
    expect(streams.map(({ ended }) => ended)).toStrictEqual([undefined, undefined]);
    for (const queue of queues) await queue.close();
    await untilNothingIsLeft(admin);
  });
});

import { join } from 'node:path';
import type { Redis, TailItem } from 'rxjs-redis';
import { xadd } from 'rxjs-redis/commands';
import { runChild } from '../../infra/run-child';
import { eventually, record, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 5, maxDelay: 50 };
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `${n + 1}-0`);
const idOf = (item: TailItem) => (item.type === 'entry' ? item.id : `${item.reason} ${item.from}`);

/** The same numbers every time: a linear congruential generator. */
function* chances(): Generator<number, never> {
  for (let state = 12; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

async function addAll(admin: Redis, count: number): Promise<void> {
  const ids = numbered(count);
  for (let from = 0; from < count; from += 100) {
    await admin.pipeline(ids.slice(from, from + 100).map((id) => xadd('jobs', id, { id })));
  }
}

describe('Through 100 cuts at random places', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const PORTION = 20;
  let admin: Redis;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
  });

  /**
   * Cuts the line 100 times somewhere in what passes, and adds entries meanwhile. Resolves to how many there are.
   * @param come how many have come so far
   */
  async function addAndCut(come: () => number): Promise<number> {
    const chance = chances();
    let cuts = 0;
    let added = 0;
    const counting = proxy().events$.subscribe(({ type }) => {
      if (type === 'cut-after') cuts++;
    });
    while (cuts < 100) {
      const before = cuts;
      const direction = chance.next().value < 0.5 ? 'toClient' : 'toServer';
      proxy().cutAfter(direction, 1 + Math.floor(chance.next().value * 4_000));
      while (cuts === before) {
        const ids = Array.from({ length: PORTION }, () => `${++added}-0`);
        await admin.pipeline(ids.map((id) => xadd('jobs', id, { id })));
        await until(() => come() === added || cuts > before);
      }
    }
    counting.unsubscribe();
    return added;
  }

  it('a tail brings every entry once, and in order', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen = record(redis.tail('jobs', { from: '0', batch: 10 }));
    const count = await addAndCut(() => seen.values.length);
    await until(() => seen.values.length >= count || seen.ended !== undefined);
    expect(seen.values.map(idOf)).toStrictEqual(numbered(count));
    expect(seen.ended).toBeUndefined();
  });

  it('a consumer handles every entry, and leaves none pending', async () => {
    await admin.xgroupCreate('jobs', 'g', '0', { MKSTREAM: true });
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen = new Set<string>();
    const options = { group: 'g', concurrency: 8, claimIdle: 500 };
    const progress = record(redis.consume('jobs', options, ({ id }) => void seen.add(id)));
    const count = await addAndCut(() => seen.size);
    await until(() => seen.size >= count || progress.ended !== undefined);
    await eventually(
      () => admin.xpending('jobs', 'g'),
      ({ count: pending }) => pending === 0,
    );
    expect([progress.ended, [...seen].sort()]).toStrictEqual([undefined, numbered(count).sort()]);
    expect(progress.values.at(-1)).toMatchObject({ failed: 0, dead: 0 });
  });
});

describe('When workers are killed', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('others handle every entry, and none is pending', async () => {
    const COUNT = 20_000;
    const admin = make(server().url);
    await addAll(admin, COUNT);
    await admin.xgroupCreate('jobs', 'g', '0');
    const start = () => runChild(join(__dirname, 'worker.child.ts'), [server().url, 'g']);
    let workers = [start(), start(), start()];
    let killed = 0;
    while ((await admin.scard('handled')) < COUNT / 2 && killed < 5) {
      const [worker, ...others] = workers as [ReturnType<typeof start>, ...ReturnType<typeof start>[]];
      await worker.nextLine();
      worker.process.kill('SIGKILL');
      await worker.exited;
      killed++;
      workers = [...others, start()];
    }
    const survivor = make(server().url);
    record(
      survivor.consume('jobs', { group: 'g', concurrency: 64, claimIdle: 300 }, ({ id }) =>
        survivor.sadd('handled', id),
      ),
    );
    await eventually(
      () => admin.scard('handled'),
      (count) => count === COUNT,
    );
    await eventually(
      () => admin.xpending('jobs', 'g'),
      ({ count }) => count === 0,
    );
    for (const worker of workers) {
      worker.process.kill('SIGKILL');
      await worker.exited;
    }
    expect(killed).toBeGreaterThan(0);
  });
});

describe('When a server that keeps all is started again', () => {
  const server = useServer({ own: true, args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const make = useClients();

  it('a tail brings every entry once, and a consumer handles every one', async () => {
    const COUNT = 4_000;
    const [admin, redis] = [
      make({ url: server().url, reconnect: quick }),
      make({ url: server().url, reconnect: quick }),
    ];
    await admin.xgroupCreate('jobs', 'g', '0', { MKSTREAM: true });
    const tailed = record(redis.tail('jobs', { from: '0', batch: 10, until: `${COUNT}-0` }));
    const handled = new Set<string>();
    const consumed = record(
      redis.consume('jobs', { group: 'g', concurrency: 4, claimIdle: 500 }, ({ id }) => void handled.add(id)),
    );
    await addAll(admin, COUNT / 2);
    await until(() => tailed.values.length > COUNT / 10 && handled.size > COUNT / 10);
    await server().kill();
    await server().restart();
    // Those that are there already are refused, and that is as well.
    await addAll(admin, COUNT);
    await until(() => tailed.ended !== undefined && handled.size === COUNT);
    await eventually(
      () => admin.xpending('jobs', 'g'),
      ({ count }) => count === 0,
    );
    expect([tailed.ended, consumed.ended]).toStrictEqual(['complete', undefined]);
    expect(tailed.values.map(idOf)).toStrictEqual(numbered(COUNT));
  });
});

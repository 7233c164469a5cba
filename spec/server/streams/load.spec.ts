import { createReadStream, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { from, lastValueFrom, take, toArray } from 'rxjs';
import type { Command, LoadProgress, Redis } from 'rxjs-redis';
import { call, del, get, hset, incr, rpush, set } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 5, maxDelay: 20 };
const row = (n: number) => set(`row:${n}`, `value ${n}`);

function* numbers(count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield n;
}

async function* slowly(count: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    if (n % 10 === 0) await setImmediate();
    yield n;
  }
}

const summary = ({ done, failed, isComplete }: LoadProgress<unknown>) => ({ done, failed, isComplete });

describe('A bulk write', () => {
  const server = useServer({ own: true, args: ['--lua-time-limit', '10'] });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  let redis: Redis;
  beforeEach(async () => {
    redis = make(server().url);
    await redis.flushall();
  });

  it.each<[string, () => Command[]]>([
    [
      'fail',
      () => {
        throw new Error('no');
      },
    ],
    ['need nothing', () => []],
  ])('lets the event loop go on while items %s, from a source that has them at hand', async (_, toCommands) => {
    const most = 100_000;
    let hasTurned = false;
    let read = 0;
    const untilTurned = function* () {
      void setImmediate().then(() => (hasTurned = true));
      while (!hasTurned && read < most) yield read++;
    };
    const awaited = () => {
      const items = untilTurned();
      return { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(items.next()) }) };
    };
    for (const source of [untilTurned, awaited]) {
      [hasTurned, read] = [false, 0];
      const progress = await redis.load(source(), toCommands);
      expect([hasTurned, progress.done + progress.failed]).toStrictEqual([true, read]);
    }
  });

  it.each<[string, () => Iterable<number> | AsyncIterable<number>]>([
    ['an array', () => [...numbers(2_500)]],
    ['a Set', () => new Set(numbers(2_500))],
    ['a generator', () => numbers(2_500)],
    ['an async generator', () => slowly(2_500)],
    ['a stream of Node.js', () => Readable.from(numbers(2_500))],
  ])('writes all that %s gives', async (_, source) => {
    const all = await lastValueFrom(redis.load(source(), row, { batch: 400 }).pipe(toArray()));
    expect(summary(all.at(-1)!)).toStrictEqual({ done: 2_500, failed: 0, isComplete: true });
    expect(all.slice(0, -1).every(({ isComplete }) => !isComplete)).toBe(true);
    expect(all.map(({ done }) => done)).toStrictEqual(all.map(({ done }) => done).sort((a, b) => a - b));
    expect(all.at(-1)!.perSecond).toBeGreaterThan(0);
    expect([await redis.dbsize(), await redis.get('row:2499')]).toStrictEqual([2_500, 'value 2499']);
  });

  it('writes the lines of a file, and what a scan brings', async () => {
    const file = join(tmpdir(), `rxjs-redis-load-${process.pid}.csv`);
    writeFileSync(file, [...numbers(3_000)].map((n) => `user-${n},name ${n}\n`).join(''));
    const lines = createInterface({ input: createReadStream(file) });
    const loaded = await redis.load(lines, (line) => {
      const [id, name] = line.split(',');
      return hset(`user:${id}`, { name: name! });
    });
    expect(summary(loaded)).toStrictEqual({ done: 3_000, failed: 0, isComplete: true });
    expect(await redis.hget('user:user-2999', 'name')).toBe('name 2999');
    const copied = await redis.load(redis.scanStream({ MATCH: 'user:*', COUNT: 100 }), (keys) =>
      keys.map((key) => rpush('copies', key)),
    );
    expect(copied.failed).toBe(0);
    expect(await redis.llen('copies')).toBe(3_000);
  });

  it('is cold, and awaiting it twice reads once', async () => {
    let read = 0;
    const source = {
      *[Symbol.iterator]() {
        read++;
        yield* numbers(3);
      },
    };
    const loading = redis.load(source, row);
    await setImmediate();
    expect(read).toBe(0);
    expect(await loading).toBe(await loading);
    expect(read).toBe(1);
    await lastValueFrom(loading);
    expect(read).toBe(2);
  });

  it('of nothing tells that it is complete', async () => {
    const nothing = { done: 0, failed: 0, perSecond: 0, failures: [], isComplete: true };
    expect(await redis.load([], row)).toMatchObject({ ...nothing, perSecond: expect.any(Number) as number });
    expect(await redis.load([1, 2], () => [])).toMatchObject({ done: 2, failed: 0, isComplete: true });
    expect(await redis.load([1], () => del([]))).toMatchObject({ done: 1, failed: 0, isComplete: true });
  });

  it('holds nothing back for a batch to be full', async () => {
    let seen: string | null = null;
    async function* waiting() {
      yield 0;
      yield 1;
      await eventually(
        () => redis.get('row:1'),
        (value) => (seen = value) !== null,
      );
      yield 2;
    }
    expect(summary(await redis.load(waiting(), row))).toStrictEqual({ done: 3, failed: 0, isComplete: true });
    expect(seen).toBe('value 1');
  });

  it('keeps what failed with its item, and goes on', async () => {
    await redis.set('text', 'x');
    const toCommands = (n: number) => {
      if (n === 3) throw new Error('no command for 3');
      if (n === 5) return 'SET' as never;
      if (n === 7) return call('MULTI');
      return n === 4 ? [set('row:4', 'v'), rpush('text', 'x')] : row(n);
    };
    const { done, failed, failures, isComplete } = await redis.load(numbers(10), toCommands);
    expect({ done, failed, isComplete }).toStrictEqual({ done: 6, failed: 4, isComplete: true });
    expect(failures.map(({ item, error }) => [item, (error as Error).message])).toStrictEqual([
      [3, 'no command for 3'],
      [5, expect.stringMatching(/^load: the command of item 5 is none, got a string: what is wanted is a command/)],
      [7, expect.stringMatching(/^load: the command of item 7, MULTI, changes the connection/)],
      [4, expect.stringMatching(/^WRONGTYPE/)],
    ]);
    const few = await redis.load(numbers(10), () => rpush('text', 'x'), { failures: 2, batch: 3 });
    expect([few.failed, few.failures.map(({ item }) => item)]).toStrictEqual([10, [0, 1]]);
  });

  it('sends what is refused for the moment again', async () => {
    const admin = make(server().url);
    const busy = outcome(make(server().url).eval('while true do end'));
    await eventually(
      () => outcome(make({ url: server().url, retry: () => false }).ping()),
      (ended) => 'error' in ended && String(ended.error).includes('BUSY'),
    );
    const loading = redis.load(numbers(500), row, { batch: 50 }).then();
    for (let turn = 0; turn < 5; turn++) await outcome(make({ url: server().url, retry: () => false }).ping());
    await admin.scriptKill();
    expect(summary(await loading)).toStrictEqual({ done: 500, failed: 0, isComplete: true });
    expect(await redis.dbsize()).toBe(500);
    await busy;
  });

  it('of a million rows goes through lost connections: all are there, and what waits is bounded', async () => {
    const through = make({ url: proxy().url(), reconnect: quick });
    let read = 0;
    let most = 0;
    let cuts = 0;
    let settled = 0;
    function* counted() {
      for (const n of numbers(1_000_000)) {
        most = Math.max(most, ++read - settled);
        yield n;
      }
    }
    const last = await new Promise<LoadProgress<number>>((resolve, reject) => {
      let latest: LoadProgress<number>;
      through
        .load(counted(), (n) => set(`r:${n}`, n))
        .subscribe({
          next: (progress) => {
            latest = progress;
            settled = progress.done + progress.failed;
            if (settled / 100_000 > cuts + 1) {
              cuts++;
              proxy().cut();
            }
          },
          error: reject,
          complete: () => resolve(latest),
        });
    });
    expect(summary(last)).toStrictEqual({ done: 1_000_000, failed: 0, isComplete: true });
    expect(await redis.dbsize()).toBe(1_000_000);
    expect(cuts).toBeGreaterThanOrEqual(8);
    expect(most).toBeLessThanOrEqual(4_000);
  });

  it('repeats nothing that is not the same twice: it fails, and says that it may have run', async () => {
    const through = make({ url: proxy().url(), reconnect: quick });
    let cuts = 0;
    const all = record(through.load(numbers(20_000), () => incr('n'), { batch: 100 }));
    await until(() => {
      if (all.values.length > 20 * (cuts + 1)) {
        cuts++;
        proxy().cut();
      }
      return all.ended !== undefined;
    });
    const { done, failed, failures } = all.values.at(-1)!;
    const n = Number(await redis.get('n'));
    expect(done + failed).toBe(20_000);
    expect(cuts).toBeGreaterThan(3);
    expect(n).toBeGreaterThanOrEqual(done);
    expect(n).toBeLessThanOrEqual(20_000);
    expect(failures).toMatchObject(failures.map(() => ({ error: { code: 'CONNECTION', delivery: 'unknown' } })));
  });

  it('lets go of its source when its Observer leaves, and when its signal is aborted', async () => {
    const left: string[] = [];
    function* endless(name: string) {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        left.push(name);
      }
    }
    async function* alsoEndless(name: string) {
      yield* endless(name);
      await setImmediate();
    }
    await lastValueFrom(redis.load(endless('sync'), row, { batch: 10 }).pipe(take(3)));
    await lastValueFrom(redis.load(alsoEndless('async'), row, { batch: 10 }).pipe(take(3)));
    await until(() => left.length === 2);
    const controller = new AbortController();
    const reason = new Error('enough');
    const aborted = outcome(redis.load(endless('aborted'), row, { signal: controller.signal }));
    await setImmediate();
    controller.abort(reason);
    expect(await aborted).toStrictEqual({ error: reason });
    expect(left).toStrictEqual(['sync', 'async', 'aborted']);
    const already = redis.load(endless('never'), row, { signal: AbortSignal.abort(reason) });
    expect(await outcome(already)).toStrictEqual({ error: reason });
    expect(left).toHaveLength(3);
  });

  it('tells a loop the newest of how far it is, and lets go of its source when that is left', async () => {
    let last: LoadProgress<number> | undefined;
    let turns = 0;
    for await (const progress of redis.load(numbers(1_000), row, { batch: 10 })) {
      last = progress;
      // The first time, all the others come meanwhile.
      if (++turns === 1) await eventually(() => redis.exists('row:999'), Boolean);
    }
    expect(last).toMatchObject({ done: 1_000, failed: 0, isComplete: true });
    expect(turns).toBeLessThan(100);
    let isLeft = false;
    function* endless() {
      try {
        yield* numbers(Infinity);
      } finally {
        isLeft = true;
      }
    }
    for await (const { done } of redis.load(endless(), row)) if (done > 0) break;
    await until(() => isLeft);
  });

  it('writes what its source gave before that threw, tells it, and then errors', async () => {
    const wrong = new Error('the disk is gone');
    function* broken() {
      yield* numbers(5);
      throw wrong;
    }
    async function* alsoBroken() {
      await setImmediate();
      yield* broken();
    }
    for (const source of [broken, alsoBroken]) {
      await redis.flushall();
      const told = record(redis.load(source(), row, { batch: 3, concurrency: 4 }));
      await until(() => told.ended !== undefined);
      expect([told.ended, await redis.dbsize()]).toStrictEqual([wrong, 5]);
      expect(summary(told.values.at(-1)!)).toStrictEqual({ done: 5, failed: 0, isComplete: false });
      expect(await outcome(redis.load(source(), row))).toStrictEqual({ error: wrong });
    }
  });

  it('ends with what was written when the client is closed, and errors when it is destroyed', async () => {
    const closing = make(server().url);
    const destroyed = make(server().url);
    const ended = [closing, destroyed].map((client) => record(client.load(numbers(Infinity), row, { batch: 100 })));
    await until(() => ended.every(({ values }) => values.length > 3));
    await closing.close();
    await destroyed.destroy();
    await until(() => ended.every(({ ended: end }) => end !== undefined));
    expect(ended[0]!.ended).toBe('complete');
    expect(ended[1]!.ended).toMatchObject({ code: 'DISCONNECTED' });
    const { done, failed, isComplete } = ended[0]!.values.at(-1)!;
    expect({ failed, isComplete, enough: done >= 400 }).toStrictEqual({ failed: 0, isComplete: false, enough: true });
    expect(await failure(closing.load([1], row))).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('errors where the client cannot sign in', async () => {
    const stranger = make({ url: server().url, username: 'nobody', password: 'x' });
    expect(await failure(stranger.load(numbers(10), row))).toMatchObject({ code: 'AUTHENTICATION' });
  });

  it('has the prefix and the options of what it is called on, also on a pool', async () => {
    await make({ url: server().url, prefix: 'app:' }).load([1], row);
    await pools({ url: server().url, prefix: 'pool:' }).load([1, 2], row, { batch: 1 });
    expect((await redis.keys('*')).sort()).toStrictEqual(['app:row:1', 'pool:row:1', 'pool:row:2']);
    expect(await redis.withOptions({ commandTimeout: 5_000 }).load([1], (n) => get(`row:${n}`))).toMatchObject({
      done: 1,
    });
  });

  it.each<[string, unknown[], string]>([
    [
      'no source',
      [undefined, row],
      'load: an iterable, an async iterable or a stream of Node.js was expected, got undefined',
    ],
    ['a text', ['rows', row], 'load: an iterable, an async iterable or a stream of Node.js was expected, got a string'],
    [
      'an Observable',
      [from([1]), row],
      'load: an iterable, an async iterable or a stream of Node.js was expected, got an Observable, which cannot be paused, so that all of it would wait in memory: give what it is made of',
    ],
    ['no function', [[1]], 'load: a function that gives commands was expected, got undefined'],
    ['a number for options', [[1], row, 5], 'load: options were expected, got a number'],
    [
      'an unknown option',
      [[1], row, { size: 5 }],
      "load: there is no option 'size'; known are concurrency, batch, failures, signal",
    ],
    [
      'a batch of nothing',
      [[1], row, { batch: 0 }],
      "The option 'batch' is a number from 1 to 9007199254740991, got 0",
    ],
    ['half a pipeline', [[1], row, { concurrency: 1.5 }], "The option 'concurrency' is a whole number, got 1.5"],
    ['no signal', [[1], row, { signal: 'now' }], "The option 'signal' is an AbortSignal, got a string"],
  ])('refuses %s', (_, args, message) => {
    const given = redis as unknown as { load: (...args: unknown[]) => unknown };
    expect(thrownBy(() => given.load(...args))).toBe(`TypeError: ${message}`);
  });
});

describe('The memory of a bulk write', () => {
  const server = useServer({ own: true });
  const make = useClients();
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  /** One row in a hundred of four pipelines of a thousand each: no more are on their way. */
  const MOST = 40;
  /** How often garbage is collected at the most. */
  const ROUNDS = 8;

  it('is as large at its end as it was at its beginning, however many rows it writes', async () => {
    const redis = make(server().url);
    const rows = 800_000;
    const every = 100_000;
    /** One row in a hundred, as far as it was still there. */
    let given: WeakRef<object>[] = [];
    const left: number[] = [];
    const heap: number[] = [];
    let settled = 0;
    function* source() {
      for (let n = 0; n < rows; n++) {
        const row = { key: `row:${n % 1_000}`, value: n };
        if (n % 100 === 0) given.push(new WeakRef(row));
        yield row;
      }
    }
    for await (const { done, failed } of redis.load(source(), ({ key, value }) => set(key, value))) {
      settled = done + failed;
      if (settled < every * (heap.length + 1)) continue;
      // V8 keeps what a WeakRef was made for until microtasks have run, and what it has begun to mark or to compile: that passes.
      for (let round = 0; round < ROUNDS && (round === 0 || given.length > MOST); round++) {
        await setImmediate();
        collectGarbage();
        given = given.filter((row) => row.deref() !== undefined);
      }
      left.push(given.length);
      heap.push(process.memoryUsage().heapUsed);
    }
    expect([settled, heap.length]).toStrictEqual([rows, rows / every]);
    expect(left.filter((count) => count > MOST)).toStrictEqual([]);
    // To keep one word of each row would take 5.6 MB.
    expect(Math.max(...heap) - heap[0]!).toBeLessThan(1_500_000);
  });
});

describe('A bulk write to a server that is paused', () => {
  const server = useServer({ own: true }, '6.2'); // before, nothing could be asked meanwhile
  const make = useClients();

  it('reads no more than can be written', async () => {
    const redis = make(server().url);
    const admin = make(server().url);
    await admin.ping();
    await redis.ping();
    await admin.clientPause(60_000, 'WRITE');
    let read = 0;
    function* counted() {
      for (const n of numbers(1_000_000)) {
        read++;
        yield n;
      }
    }
    const progress = record(redis.load(counted(), row, { batch: 100, concurrency: 3 }));
    await until(() => read > 0);
    for (let turn = 0; turn < 20; turn++) await admin.ping();
    expect([read, progress.values]).toStrictEqual([300, []]);
    progress.stop();
    await admin.clientUnpause();
    await setImmediate();
    expect(read).toBe(300);
  });
});

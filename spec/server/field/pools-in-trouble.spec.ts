import { setTimeout } from 'node:timers/promises';
import { firstValueFrom, NEVER, defer, timer, takeUntil } from 'rxjs';
import { get, incr } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';

import { until } from '../../support/until';

describe('A pool in trouble', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  beforeAll(() => process.on('unhandledRejection', note));
  afterAll(() => process.off('unhandledRejection', note));
  afterEach(() => expect(rejections).toStrictEqual([]));

  const clients = async (): Promise<number> =>
    (await make(server().url).call<string>('CLIENT LIST')).trim().split('\n').length;

  it('of a server that is not there fails its callers with the reason, and closes', async () => {
    const pool = pools({
      host: '127.0.0.1',
      port: 1,
      min: 1,
      max: 2,
      acquireTimeout: 500,
      commandTimeout: 700,
      closeTimeout: undefined,
    } as never);
    pool.events$?.subscribe({ error: () => undefined });
    const ended = await Promise.all([
      outcome(pool.get('a')),
      outcome(pool.use((connection) => connection.get('a'))),
      outcome(pool.use((connection) => connection.get('b'))),
      outcome(pool.use((connection) => connection.get('c'))),
    ]);
    for (const one of ended) expect(one).toHaveProperty('error');
    for (const one of ended)
      expect(
        'error' in one && `${one.error.message} ${String((one.error.cause as Error | undefined)?.message ?? '')}`,
      ).toMatch(/ECONNREFUSED|connection/);
    await pool.close();
    expect(pool.stats).toMatchObject({ active: 0, waiting: 0, total: 0 });
  });

  it('that is closed while a connection is being made that fails ends', async () => {
    const pool = pools({ host: '127.0.0.1', port: 1, min: 1, max: 1, reconnect: false });
    const used = outcome(pool.use((connection) => connection.get('a')));
    const closed = outcome(pool.close());
    expect(await used).toHaveProperty('error');
    expect(await closed).toStrictEqual({ value: undefined });
  });

  it('of more connections than the server takes serves its callers by those it has, or tells them why not', async () => {
    const admin = make(server().url);
    await eventually(
      () => admin.clientList(),
      (list) => list.length === 1,
    );
    await admin.call('CONFIG', 'SET', 'maxclients', 6);
    try {
      const pool = pools({ url: server().url, min: 0, max: 20, acquireTimeout: 2_000, commandTimeout: 4_000 });
      const ended = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          outcome(
            pool.use(async (connection) => {
              await setTimeout(20);
              return connection.echo(`${n}`);
            }),
          ),
        ),
      );
      const right = ended.filter((one, n) => 'value' in one && one.value === `${n}`).length;
      const wrong = ended.filter((one, n) => 'value' in one && one.value !== `${n}`);
      expect(wrong).toStrictEqual([]);
      for (const one of ended)
        if ('error' in one)
          expect(`${one.error.message}`).toMatch(
            /max number of clients|clients reached|acquireTimeout|connection|lent/,
          );
      expect(right).toBeGreaterThan(0);
      await admin.call('CONFIG', 'SET', 'maxclients', 1_000);
      expect(await pool.use((connection) => connection.echo('later'))).toBe('later');
      await until(() => pool.stats.active === 0 && pool.stats.waiting === 0);
      await pool.close();
    } finally {
      await admin.call('CONFIG', 'SET', 'maxclients', 1_000);
    }
  });

  it('whose server closes what is idle serves the next callers without an error', async () => {
    const admin = make(server().url);
    const pool = pools({ url: server().url, min: 3, max: 3 });
    const redis = make({ url: server().url });
    await pool.connect();
    await redis.dedicated((connection) => connection.ping());
    try {
      for (let round = 0; round < 2; round++) {
        const before = (await admin.clientList()).map(({ id }) => id);
        await admin.call('CONFIG', 'SET', 'timeout', 1);
        await eventually(
          () => admin.clientList(),
          (list) => list.filter(({ id }) => before.includes(id)).length === 1,
        );
        // What is cut in the moment of its use may have run.
        await admin.call('CONFIG', 'SET', 'timeout', 0);
        const all = await Promise.all([
          ...Array.from({ length: 6 }, (_, n) =>
            outcome(pool.use((connection) => connection.multi(incr(`r${round}:${n}`)))),
          ),
          outcome(pool.multi([incr(`p${round}`)])),
          outcome(redis.multi([incr(`s${round}`)])),
          outcome(redis.dedicated((connection) => connection.multi(incr(`d${round}`)))),
        ]);
        expect(all).toStrictEqual(all.map(() => ({ value: [1] })));
      }
    } finally {
      await admin.call('CONFIG', 'SET', 'timeout', 0);
    }
  });

  it('whose callers leave at every moment leaks nothing, and mixes no replies', async () => {
    const pool = pools({ url: proxy().url(), min: 0, max: 3, acquireTimeout: 20_000 });
    const redis = make({ url: proxy().url(), leases: { max: 3, acquireTimeout: 20_000 } });
    const script = redis.script("return redis.call('get', KEYS[1])", { keys: 1, reply: 'string' });
    for (let n = 0; n < 50; n++) await redis.set(`k${n}`, `v${n}`);
    const jobs: Promise<unknown>[] = [];
    for (let n = 0; n < 1_500; n++) {
      const key = `k${n % 50}`;
      const wanted = `v${n % 50}`;
      const kinds = [
        () => pool.get(key),
        () => pool.use((connection) => connection.get(key)),
        () =>
          pool.use(async (connection) => {
            await connection.watch(key);
            return (await connection.multi(get(key)))?.[0];
          }),
        () => redis.get(key),
        () =>
          redis.dedicated(async (connection) => {
            await connection.watch(key);
            await connection.call('MULTI');
            const got = connection.get(key).then();
            const [one] = (await connection.exec()) as [string];
            await got;
            return one;
          }),
        () => redis.watch([key], () => [get(key)]),
        () => redis.pipeline(get(key)),
        () => redis.multi(get(key)),
        () => script([key]),
      ] as const;
      const source = defer(kinds[n % kinds.length]! as () => PromiseLike<unknown>);
      const leaves = n % 3 !== 0;
      const job = firstValueFrom(leaves ? source.pipe(takeUntil(timer(Math.random() * 6))) : source, {
        defaultValue: 'left',
      }).then((value) => {
        const got = Array.isArray(value) ? (value as unknown[])[0] : value;
        if (got !== 'left') expect(got).toBe(wanted);
        else expect(leaves).toBe(true);
      });
      jobs.push(job);
      if (n % 20 === 0) await setTimeout(1);
    }
    await Promise.all(jobs);
    await until(() => pool.stats.active === 0 && pool.stats.waiting === 0);
    expect(pool.stats.total).toBeLessThanOrEqual(3);
    expect(
      await Promise.all(Array.from({ length: 3 }, () => redis.dedicated((connection) => connection.multi(get('k7'))))),
    ).toStrictEqual([['v7'], ['v7'], ['v7']]);
  });

  it('keeps its bounds when a caller is served in the very moment in which it leaves', async () => {
    const pool = pools({ url: server().url, min: 0, max: 1, acquireTimeout: 5_000 });
    for (let n = 0; n < 200; n++) {
      const first = record(pool.use(() => NEVER));
      await setTimeout(0);
      const second = record(pool.use(() => NEVER));
      const third = record(pool.use(() => NEVER));
      queueMicrotask(() => second.stop());
      first.stop();
      await Promise.resolve();
      third.stop();
      second.stop();
    }
    await until(() => pool.stats.active === 0 && pool.stats.waiting === 0);
    expect(await pool.use((connection) => connection.echo('e'))).toBe('e');
    expect(await failure(pool.use(() => Promise.reject(new Error('mine'))))).toMatchObject({ message: 'mine' });
    expect(await clients()).toBeLessThanOrEqual(4);
  });
});

import { NEVER, Subject, concatMap, defer, lastValueFrom, take } from 'rxjs';
import { useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { callsOf, fillHash, fillKeys, gathered, names } from './data';

const ALL = names(3_000);
const PAGE = { COUNT: 100 };

describe.each([2, 3] as const)('What a scan asks for, RESP%d', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();
  const client = () => make({ url: server().url, protocol });
  /** SCANs that the server has got, those that were on their way included. */
  const asked = async (redis: ReturnType<typeof client>) => {
    await redis.ping();
    return callsOf(redis, 'scan');
  };

  beforeAll(() => fillKeys(client(), ALL));

  it('is a page at a time: a loop is at most one ahead, however long its reader takes', async () => {
    const redis = client();
    await redis.configResetstat();
    let read = 0;
    for await (const keys of redis.scanStream(PAGE)) {
      expect(keys.length).toBeGreaterThan(0);
      read++;
      expect(await asked(redis)).toBeLessThanOrEqual(read + 1);
      expect(await asked(redis)).toBeLessThanOrEqual(read + 1); // nor in the next turns
    }
    expect(read).toBeGreaterThan(20);
  });

  it('is nothing more once the loop is left', async () => {
    const redis = client();
    await redis.configResetstat();
    let read = 0;
    for await (const keys of redis.scanStream(PAGE)) if (keys.length > 0 && ++read === 3) break;
    const left = await asked(redis);
    expect(left).toBeLessThanOrEqual(4);
    expect(await asked(redis)).toBe(left);
  });

  it('is nothing before an Observer has taken the last page', async () => {
    const redis = client();
    await redis.configResetstat();
    const seen: Promise<number>[] = [];
    await lastValueFrom(
      redis.scanStream(PAGE).pipe(
        concatMap((keys) => {
          // It travels ahead of the page that is asked for next.
          seen.push(callsOf(redis, 'scan'));
          return keys;
        }),
      ),
    );
    const calls = await Promise.all(seen);
    expect(calls.length).toBeGreaterThan(20);
    expect(calls).toStrictEqual(calls.map((_, page) => page + 1));
  });

  it.each([1, 3])('is nothing while the work inside has no room; at the same time: %p', async (concurrency) => {
    const redis = client();
    await redis.configResetstat();
    let working = 0;
    let most = 0;
    let worked = 0;
    const project = (keys: string[]) =>
      defer(async () => {
        most = Math.max(most, ++working);
        const calls = await asked(redis);
        expect(calls).toBeLessThanOrEqual(worked + concurrency);
        working--;
        worked++;
        return keys.length;
      });
    const counts: number[] = [];
    await redis.scanStream({ ...PAGE, project, concurrency }).forEach((count) => void counts.push(count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ALL.length);
    expect(most).toBe(concurrency);
  });

  it('ends with the work that errors, and with the Observer that leaves in its midst', async () => {
    const redis = client();
    await redis.configResetstat();
    const work = new Subject<never>();
    let begun = 0;
    const project = () => (begun++, work);
    const subscription = redis.scanStream({ ...PAGE, project }).subscribe();
    await until(() => begun === 1);
    subscription.unsubscribe();
    expect(work.observed).toBe(false);
    const refused = redis.scanStream({ ...PAGE, project: () => Promise.reject(new Error('refused')) });
    await expect(lastValueFrom(refused)).rejects.toThrow('refused');
    expect(await asked(redis)).toBe(2);
  });

  it('has a loop over work inside as well', async () => {
    const redis = client();
    const lengths: number[] = [];
    const stream = redis.scanStream({
      ...PAGE,
      project: async (keys, index) => [index, await redis.exists(keys)] as const,
    });
    for await (const [index, count] of stream) expect(lengths.push(count)).toBe(index + 1);
    expect(lengths.reduce((sum, count) => sum + count, 0)).toBe(ALL.length);
  });
});

describe('A scan that its Observer leaves sends nothing more', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const calls = async () => {
    const redis = make(server().url);
    return callsOf(redis, 'scan');
  };

  beforeAll(() => fillKeys(make(server().url), ALL));
  beforeEach(() => make(server().url).configResetstat());

  it('before the connection is there', async () => {
    const redis = make(server().url);
    redis.scanStream(PAGE).subscribe().unsubscribe();
    const subscription = redis.scanStream(PAGE).subscribe();
    redis
      .connect()
      .forEach(() => undefined)
      .catch(() => undefined);
    subscription.unsubscribe();
    await redis.ping();
    expect(await calls()).toBe(0);
  });

  it('while its page is on the way, with a page, and behind the page', async () => {
    const redis = make(server().url);
    await redis.ping();
    const pending = redis.scanStream(PAGE).subscribe();
    const written = redis.ping().then(); // in the same write
    await new Promise(setImmediate);
    pending.unsubscribe();
    await written;
    await lastValueFrom(redis.scanStream(PAGE).pipe(take(1)));
    let batches = 0;
    const later = redis.scanStream({ ...PAGE, project: () => NEVER }).subscribe();
    const other = redis.scanStream(PAGE).subscribe(() => ++batches === 2 && other.unsubscribe());
    await until(() => batches === 2);
    later.unsubscribe();
    await redis.ping();
    expect(await calls()).toBe(5);
  });

  it('nor leaves anything at the server', async () => {
    const redis = make(server().url);
    const before = (await redis.clientList()).length;
    for await (const keys of redis.scanStream(PAGE)) if (keys.length > 0) break;
    expect(await redis.clientList()).toHaveLength(before);
  });
});

describe('A scan while keys change', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it.each(['for await', 'an Observer'])(
    'has every key that is there all the time, and none that never was; %s',
    async (by) => {
      const [redis, other] = [make(server().url), make(server().url)];
      await redis.flushall();
      const stay = names(2_000, 'stay:');
      const go = names(8_000, 'go:');
      await fillKeys(redis, [...stay, ...go]);
      await redis.del(names(500, 'gone:'));
      const seen = new Set<string>();
      let added = 0;
      let removed = 0;
      // The table grows to several times its size in the first half, and shrinks in the second.
      const change = async (keys: string[]) => {
        keys.forEach((key) => seen.add(key));
        if (added < 40_000) await fillKeys(other, names(1_000, `new:${added}:`)).then(() => (added += 1_000));
        else if (removed < 40_000) {
          await other.unlink(names(1_000, `new:${removed}:`));
          if (removed < 8_000) await other.unlink(go.slice(removed, removed + 1_000));
          removed += 1_000;
        }
      };
      if (by === 'for await') for await (const keys of redis.scanStream({ COUNT: 150 })) await change(keys);
      else await redis.scanStream({ COUNT: 150, project: (keys) => change(keys) }).forEach(() => undefined);
      expect(removed).toBeGreaterThan(0);
      expect(stay.filter((key) => !seen.has(key))).toStrictEqual([]);
      expect([...seen].filter((key) => !/^(stay|go|new):/.test(key))).toStrictEqual([]);
    },
  );

  it('of a hash that grows and shrinks as well', async () => {
    const [redis, other] = [make(server().url), make(server().url)];
    const stay = names(1_500, 'stay:');
    await fillHash(redis, 'big', stay);
    const seen = new Set<string>();
    let n = 0;
    for await (const fields of redis.hscanStream('big', { COUNT: 50 })) {
      for (const [field] of fields) seen.add(field);
      if (n < 20) await fillHash(other, 'big', names(1_000, `new:${n}:`));
      else if (n < 40) await other.hdel('big', names(1_000, `new:${n - 20}:`));
      n++;
    }
    expect(n).toBeGreaterThan(20);
    expect(stay.filter((field) => !seen.has(field))).toStrictEqual([]);
    expect(await gathered(redis.hscanStream('big', { MATCH: 'stay:*' }))).toHaveLength(stay.length);
  });
});

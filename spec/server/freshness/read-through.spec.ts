import { Subject, firstValueFrom, of, throwError } from 'rxjs';
import { SerializationError, type ConnectionEvent } from 'rxjs-redis';
import { eventually, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

const server = useServer();
const make = useClients();
const client = () => make(server().url);
const ttl = 60_000;

beforeEach(() => client().flushall());
afterEach(() => jest.restoreAllMocks());

describe('A value that is read through the server', () => {
  it('is loaded once, stored with its time, and read from then on', async () => {
    const redis = client();
    let loads = 0;
    const read = () => redis.cached('k', () => ({ load: ++loads }), { ttl, jitter: 0, beta: 0 });
    expect([await read(), await read(), await client().cached('k', () => ({ load: 99 }), { ttl })]).toStrictEqual([
      { load: 1 },
      { load: 1 },
      { load: 1 },
    ]);
    expect(await redis.pttl('k')).toBeGreaterThan(1_000);
  });

  it('takes Observables, whose last value counts, and Promises', async () => {
    const redis = client();
    expect(await redis.cached('o', () => of(1, 2, 3), { ttl })).toBe(3);
    expect(await redis.cached('p', () => Promise.resolve([4]), { ttl })).toStrictEqual([4]);
    expect(await redis.cached('p', () => [5], { ttl })).toStrictEqual([4]);
  });

  it('has one loader at a time in a process, however many want it', async () => {
    const redis = client();
    const loaded = new Subject<number>();
    let loads = 0;
    const load = () => {
      loads++;
      return loaded;
    };
    const all = Array.from({ length: 20 }, () => record(redis.cached('k', load, { ttl })));
    await until(() => loads === 1);
    await redis.ping();
    loaded.next(7);
    loaded.complete();
    await until(() => all.every(({ ended }) => ended === 'complete'));
    expect([loads, all.map(({ values }) => values)]).toStrictEqual([1, all.map(() => [7])]);
  });

  it('has one loader at a time in all processes where it is locked', async () => {
    const [one, other] = [client(), client()];
    const loaded = new Subject<string>();
    let loads = 0;
    const load = () => {
      loads++;
      return loaded;
    };
    const seen = [one, other].map((redis) => record(redis.cached('k', load, { ttl, lock: true })));
    await until(() => loads === 1);
    await eventually(
      () => one.exists('k:lock'),
      (count) => count === 1,
    );
    loaded.next('value');
    loaded.complete();
    await until(() => seen.every(({ ended }) => ended === 'complete'));
    expect([loads, seen.map(({ values }) => values)]).toStrictEqual([1, [['value'], ['value']]]);
    expect(
      await eventually(
        () => one.exists('k:lock'),
        (count) => count === 0,
      ),
    ).toBe(0);
  });

  it('gives up its lock when the loader fails, whose error is the caller’s, and stores nothing', async () => {
    const redis = client();
    const failing = redis.cached('k', () => throwError(() => new Error('no database')), { ttl, lock: true });
    await expect(failing).rejects.toThrow('no database');
    await expect(
      redis.cached(
        'k',
        () => {
          throw new Error('at once');
        },
        { ttl },
      ),
    ).rejects.toThrow('at once');
    expect(await redis.exists('k', 'k:lock')).toBe(0);
    expect(await redis.cached('k', () => 'there', { ttl })).toBe('there');
  });

  it('is loaded in the background when it is soon over, and the present value is given meanwhile', async () => {
    const redis = client();
    let loads = 0;
    const read = () => redis.cached('k', () => ++loads, { ttl, beta: 1e12, jitter: 0 });
    expect(await read()).toBe(1);
    expect(await read()).toBe(1);
    await eventually(read, (value) => value > 1);
    const locked = () => redis.cached('l', () => ++loads, { ttl, beta: 1e12, lock: true });
    const first = await locked();
    await eventually(locked, (value) => value > first);
  });

  it('ends earlier by a share that chance takes off its time', async () => {
    const redis = client();
    const chance = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const lasts = async (jitter?: number): Promise<number> => {
      await redis.unlink('k');
      await redis.cached('k', () => 1, { ttl: 1_000_000, jitter });
      return redis.pttl('k');
    };
    const share = async (jitter?: number) => Math.ceil((await lasts(jitter)) / 10_000);
    expect([await share(0), await share(0.5), await share(1), await share()]).toStrictEqual([100, 75, 50, 95]);
    chance.mockReturnValue(0);
    expect(await share(0.5)).toBe(100);
    chance.mockReturnValue(1 - 1e-9);
    expect([await share(0.5), await lasts(1)]).toStrictEqual([50, expect.any(Number)]);
  });

  // A value is loaded early where its time is up after `took * beta * -log(chance)`.
  it('is loaded before it is over by a chance that grows with how long loading takes, with `beta`, and towards its end', async () => {
    const redis = client();
    const chance = jest.spyOn(Math, 'random');
    let loads = 0;
    const isEarly = async (left: number, took: number, drawn: number, beta?: number): Promise<boolean> => {
      await redis.set('k', `${Date.now() + left} ${took} 1`);
      const before = loads;
      chance.mockReturnValue(drawn);
      expect(await redis.cached('k', () => ++loads, { ttl, beta })).toBe(1);
      return loads > before;
    };
    const long = 1_000_000;
    const seen = [
      await isEarly(long, long, 0.3),
      await isEarly(long, long, 0.45),
      await isEarly(long / 2, long, 0.45),
      await isEarly(long, long / 2, 0.3),
      await isEarly(long, long, 0.45, 2),
      await isEarly(long, long, 0.01, 0),
    ];
    expect(seen).toStrictEqual([true, false, true, false, true, false]);
  });

  it('keeps null where it is asked to, and otherwise not', async () => {
    const redis = client();
    let loads = 0;
    const load = (): null => {
      loads++;
      return null;
    };
    await redis.cached('k', load, { ttl });
    await redis.cached('k', load, { ttl });
    await redis.cached('n', load, { ttl, nulls: true });
    expect([await redis.cached('n', load, { ttl, nulls: true }), loads]).toStrictEqual([null, 3]);
  });

  it('takes another serializer; what cannot be written is an error, what cannot be read is told and loaded anew', async () => {
    const redis = client();
    const events = record<ConnectionEvent>(redis.events$).values;
    const serializer = { serialize: (value: bigint) => value.toString(), deserialize: BigInt };
    expect(await redis.cached('b', () => 5n, { ttl, serializer })).toBe(5n);
    expect(await redis.cached('b', () => 6n, { ttl, serializer })).toBe(5n);
    await expect(redis.cached('c', () => 5n, { ttl })).rejects.toBeInstanceOf(SerializationError);
    await redis.set('d', `${Date.now() + ttl} 1 {no json`);
    expect(await redis.cached('d', () => 'anew', { ttl, beta: 0 })).toBe('anew');
    expect(events.flatMap((event) => (event.type === 'error' ? [event.error.code] : []))).toStrictEqual([
      'SERIALIZATION',
    ]);
    await redis.set('e', 'something else');
    expect(await firstValueFrom(redis.cached('e', () => 'loaded', { ttl }))).toBe('loaded');
  });

  it('refuses wrong arguments', () => {
    const redis = client();
    const wrong = [
      () => redis.cached('k', 'value' as never, { ttl }),
      () => redis.cached('k', () => 1, undefined as never),
      () => redis.cached('k', () => 1, { ttl: 0 }),
      () => redis.cached('k', () => 1, { ttl, jitter: 2 }),
      () => redis.cached('k', () => 1, { ttl, lock: 'yes' as never }),
      () => redis.cached('k', () => 1, { ttl, other: 1 } as never),
      () => redis.cached('k', () => 1, { ttl, serializer: {} as never }),
    ];
    for (const call of wrong) expect(call).toThrow(TypeError);
  });
});

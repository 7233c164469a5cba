import { get, mget } from 'rxjs-redis/commands';
import { record, useClients } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const QUERIES = 500;
const KEYS = 10_000;
const ROUNDS = 60;
const A_ROUND = 250;

const server = useServer();
const proxy = useProxy(server);
const make = useClients();

describe('Many live queries under many writes', () => {
  it('all show what the server has once it is quiet, also when their connection is cut meanwhile', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 }, cache: { maxEntries: 100 } });
    const writer = make(server().url);
    // What the spec draws is the same every time.
    let state = 7;
    const below = (limit: number) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % limit;
    const queries = Array.from({ length: QUERIES }, (_, at) => {
      const keys = Array.from({ length: 20 }, () => `key:${below(KEYS)}`);
      return {
        keys,
        at,
        seen: record<unknown>(at % 2 === 0 ? redis.live(mget(...keys)) : redis.live(keys.map((key) => get(key)))),
      };
    });
    await until(() => queries.every(({ seen }) => seen.values.length > 0));
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        Array.from({ length: A_ROUND }, () => writer.set(`key:${below(KEYS)}`, `${round}:${below(1_000)}`)),
      );
      if (round % 15 === 7) proxy().cut();
      await redis.get(`key:${below(KEYS)}`);
    }
    const expected = await Promise.all(queries.map(({ keys }) => writer.mget(...keys)));
    await until(() => queries.every(({ seen }, at) => String(seen.values.at(-1)) === String(expected[at])));
    expect(queries.map(({ seen }) => seen.ended)).toStrictEqual(queries.map(() => undefined));
  });

  it('reaches a thousand Observers of one query with one read', async () => {
    const [redis, writer] = [make(server().url), make(server().url)];
    await writer.set('one', '1');
    const all = Array.from({ length: 1_000 }, () => record(redis.live(get('one'))));
    await until(() => all.every(({ values }) => values.length === 1));
    await writer.set('one', '2');
    await until(() => all.every(({ values }) => values.at(-1) === '2'));
    expect(all.every(({ values }) => values.length === 2)).toBe(true);
  });
});

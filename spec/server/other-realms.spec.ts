import { runInNewContext } from 'node:vm';
import { record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';

/** As a test environment makes it, or `vm`: no instance of this context's Uint8Array. */
function foreign(...bytes: number[]): Uint8Array {
  return runInNewContext(`new Uint8Array(${JSON.stringify(bytes)})`) as Uint8Array;
}

describe('Bytes of another realm are bytes', () => {
  const server = useServer({}, '6.2');
  const make = useClients();
  const [key, value] = [foreign(0x6b, 0xff), foreign(0x00, 0xfe, 0x0d, 0x0a)];
  const same = Buffer.from(value);

  it('are no instance of Uint8Array', () => expect(key instanceof Uint8Array).toBe(false));

  it.each([
    ['short', value],
    ['so long that they travel uncopied', foreign(...Array<number>(60_000).fill(0xfe))],
    ['none', foreign()],
  ])('as keys, values and members: %s', async (_, bytes) => {
    const redis = make({ url: server().url, prefix: 'p:' });
    const expected = Buffer.from(bytes);
    await redis.set(key, bytes);
    expect(await redis.bytes.get(key)).toStrictEqual(expected);
    expect(await redis.bytes.call('GET', key)).toStrictEqual(expected);
    await redis.hset('hash', [[key, bytes]]);
    await redis.hset('hash', key, bytes);
    expect(await redis.bytes.hget('hash', key)).toStrictEqual(expected);
    await redis.del('set', 'stream', 'sorted');
    await redis.sadd('set', [bytes]);
    expect(await redis.smembers('set')).toHaveLength(1);
    expect(await redis.smismember('set', [bytes])).toStrictEqual([1]);
    await redis.zadd('sorted', [[1, bytes]]);
    expect(await redis.zscore('sorted', bytes)).toBe(1);
  });

  it('as names of channels and in messages', async () => {
    const redis = make(server().url);
    const messages = record(redis.bytes.subscribe(key));
    while ((await redis.publish(key, value)) === 0);
    await until(() => messages.values.length > 0);
    expect(messages.values[0]).toMatchObject({ channel: Buffer.from(key), data: same });
  });

  it('and are no options, no pairs and no fields', () => {
    const redis = make(server().url);
    expect(() => redis.set('k', 'v', foreign(1) as never)).toThrow('SET: options must be an object, got bytes');
    expect(() => redis.mset(foreign(1) as never)).toThrow(/MSET: .* got bytes/);
    const other = runInNewContext('new Uint16Array(2)') as Uint8Array;
    expect(() => redis.set('k', other)).toThrow('SET: value must be a string, a number, a bigint or bytes');
  });
});

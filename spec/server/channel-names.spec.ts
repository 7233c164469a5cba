import type { Redis } from 'rxjs-redis';
import { eventually, record, useClients } from '../support/clients';
import { thrownBy } from '../support/outcomes';
import { useServer } from '../support/server';
import { until } from '../support/until';

const [ONE, OTHER] = [Buffer.from([0xff, 0x00]), Buffer.from([0xfe, 0x00])];

describe.each([3, 2] as const)('Channels whose names are bytes, in RESP%d', (protocol) => {
  const server = useServer();
  const make = useClients();
  const client = (options = {}) => make({ url: server().url, protocol, ...options });

  it('are never taken for one another, on either surface', async () => {
    const redis = client();
    const one = record(redis.bytes.subscribe(ONE));
    const other = record(redis.subscribe(Uint8Array.from(OTHER)));
    expect(await redis.publish(ONE, '1')).toBe(1);
    expect(await redis.publish(OTHER, '2')).toBe(1);
    await until(() => one.values.length > 0 && other.values.length > 0);
    expect(one.values).toStrictEqual([{ type: 'message', channel: ONE, data: Buffer.from('1') }]);
    expect(other.values.map(({ data }) => data)).toStrictEqual(['2']);
  });

  it('may be patterns, by their looks too, and hold what looks like one', async () => {
    const redis = client();
    const all = record(redis.bytes.subscribe([Buffer.from([0xff, 0x2a]), 'text']));
    const explicit = record(redis.bytes.psubscribe(Buffer.from([0xff, 0x2a])));
    const literal = record(redis.bytes.subscribe(Buffer.from([0xff, 0x2a]), { literal: true }));
    await redis.publish(ONE, 'x');
    await redis.publish('text', 'y');
    await until(() => all.values.length === 2 && explicit.values.length === 1);
    const pattern = Buffer.from([0xff, 0x2a]);
    expect(all.values[0]).toStrictEqual({ type: 'pmessage', pattern, channel: ONE, data: Buffer.from('x') });
    expect(all.values[1]).toStrictEqual({ type: 'message', channel: Buffer.from('text'), data: Buffer.from('y') });
    expect(explicit.values).toStrictEqual(all.values.slice(0, 1));
    expect(literal.values).toStrictEqual([]);
  });

  it('are left, and what is subscribed to behind that gets its messages', async () => {
    const redis = client();
    const counts = async () => (await redis.bytes.call<[Buffer, number]>('PUBSUB NUMSUB', ONE))[1];
    const bytes = record(redis.bytes.subscribe(ONE));
    await eventually(counts, (count) => count === 1);
    bytes.stop();
    await eventually(counts, (count) => count === 0);
    const next = record(redis.subscribe('next'));
    await redis.publish('next', 'x');
    await until(() => next.values.length > 0);
  });

  it('are those that were there when the method was called', async () => {
    const redis = client();
    const name = Buffer.from(ONE);
    const messages = redis.bytes.subscribe(name);
    name.fill(0);
    const { values } = record(messages);
    await redis.publish(ONE, 'x');
    await until(() => values.length > 0);
    expect(values[0]?.channel).toStrictEqual(ONE);
  });

  it('have the prefix before them, which comes off again', async () => {
    const [plain, redis] = [client(), client({ prefix: 'ä:' })];
    const { values } = record(redis.bytes.subscribe([ONE, Buffer.from([0xff, 0x2a])]));
    await redis.publish(ONE, 'x');
    expect(await plain.publish(Buffer.concat([Buffer.from('ä:'), ONE]), 'y')).toBe(2);
    await until(() => values.length === 4);
    expect(new Set(values.map(({ channel }) => channel.toString('hex')))).toStrictEqual(new Set(['ff00']));
    expect(values.find(({ pattern }) => pattern !== undefined)?.pattern).toStrictEqual(Buffer.from([0xff, 0x2a]));
  });
});

describe.each([3, 2] as const)('Notifications about keys, with a prefix, in RESP%d', (protocol) => {
  const server = useServer({ own: true, args: ['--notify-keyspace-events', 'KEA'] });
  const make = useClients();

  const set = async () => {
    const redis = make({ url: server().url, protocol, prefix: 'app:' });
    const plain = make(server().url);
    await plain.flushall();
    return { redis, plain };
  };
  /** What has come once a message that was published behind all else is there. */
  const settled = async (redis: Redis) => {
    const last = record(redis.subscribe('last'));
    await redis.publish('last', 'x');
    await until(() => last.values.length > 0);
  };

  it('name the key as the client does, and are of its own keys alone', async () => {
    const { redis, plain } = await set();
    const ofKey = record(redis.subscribe('__keyspace@0__:k'));
    const ofSome = record(redis.psubscribe('__keyspace@*__:k*'));
    const ofEvent = record(redis.bytes.subscribe('__keyevent@0__:set'));
    await redis.publish('other', 'x'); // behind the subscriptions
    await redis.set('k', '1');
    await plain.set('k', 'not its own');
    await redis.set('l', '2');
    await settled(redis);
    await until(() => ofEvent.values.length === 2);
    const channel = '__keyspace@0__:k';
    expect(ofKey.values).toStrictEqual([{ type: 'message', channel, data: 'set' }]);
    expect(ofSome.values).toStrictEqual([{ type: 'pmessage', channel, pattern: '__keyspace@*__:k*', data: 'set' }]);
    expect(ofEvent.values.map(({ data }) => data.toString())).toStrictEqual(['k', 'l']);
    expect(ofEvent.values[0]?.channel).toStrictEqual(Buffer.from('__keyevent@0__:set'));
  });

  it('that are asked for in a way which no prefix fits are refused at the call', async () => {
    const { redis } = await set();
    expect(thrownBy(() => redis.psubscribe('__key*__:k*'))).toMatch(/^TypeError: With a prefix, a pattern/);
  });
});

describe('Subscribing', () => {
  const make = useClients();

  it.each<[string, unknown[], string]>([
    ['a number', [5], 'subscribe: a channel, or an array of at least one, was expected'],
    ['an empty list', [[]], 'subscribe: a channel, or an array of at least one, was expected'],
    ['a number among others', [['a', 5]], 'subscribe: a channel is a string or a Uint8Array, got a number'],
    ['a second channel', ['a', 'b'], 'subscribe: options were expected behind the names, got a string'],
    [
      'an unknown option',
      ['a', { bufer: 5 }],
      "subscribe: there is no option 'bufer'; known are literal, buffer, overflow, gaps, signal, project, concurrency",
    ],
    ['a buffer without end', ['a', { buffer: Infinity }], "The option 'buffer' is a number from 1 to 9007199254740991"],
    ['a buffer for nothing', ['a', { buffer: 0 }], "The option 'buffer' is a number from 1 to 9007199254740991, got 0"],
    ['a buffer for half a message', ['a', { buffer: 1.5 }], "The option 'buffer' is a whole number, got 1.5"],
    ['a word for literal', ['a', { literal: 'yes' }], "The option 'literal' is a boolean, got a string"],
  ])('is refused where it is given %s', (_what, args, message) => {
    const redis = make({ url: 'redis://127.0.0.1:1' });
    const subscribe = redis.subscribe.bind(redis) as (...given: unknown[]) => unknown;
    expect(thrownBy(() => subscribe(...args))).toContain(`TypeError: ${message}`);
  });

  it('has literal as an option of subscribe alone', () => {
    const redis = make({ url: 'redis://127.0.0.1:1' });
    const psubscribe = redis.psubscribe.bind(redis) as (...given: unknown[]) => unknown;
    expect(thrownBy(() => psubscribe('a', { literal: true }))).toContain("psubscribe: there is no option 'literal'");
  });
});

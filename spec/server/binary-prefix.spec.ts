import { Buffer } from 'node:buffer';
import { concatMap, lastValueFrom } from 'rxjs';
import { get, keys, set } from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';

/** No UTF-8, with a character of globs in it; in text it looks like its neighbour. */
const PREFIX = Buffer.from([0xff, 0x2a, 0xc3]);
const NEIGHBOUR = Buffer.from([0xfe, 0x2a, 0xc3]);
const with_ = (prefix: Uint8Array, name: string) => Buffer.concat([prefix, Buffer.from(name)]);
const own = (name: string) => with_(PREFIX, name);
const theirs = (name: string) => with_(NEIGHBOUR, name);

describe.each([3, 2] as const)('A prefix of bytes, in RESP%d', (protocol) => {
  const server = useServer({ own: true, args: ['--notify-keyspace-events', 'KEA'] }, '7.0');
  const make = useClients();
  const admin = () => make(server().url).bytes;
  const client = () => make({ url: server().url, protocol, prefix: PREFIX });
  beforeEach(async () => {
    await admin().flushall();
  });

  it('stands before keys, given as text or as bytes', async () => {
    const redis = client();
    await redis.mset({ a: 'é', b: 2 });
    await redis.bytes.set(Buffer.from([0x00, 0xff]), Buffer.from([0x80]));
    const keys = await admin().keys('*');
    const names = keys.map((key) => key.toString('latin1')).sort();
    expect(names).toStrictEqual(['\xff*\xc3\x00\xff', '\xff*\xc3a', '\xff*\xc3b']);
    expect(await redis.mget('a', 'b')).toStrictEqual(['é', '2']);
    expect(await redis.bytes.get(Buffer.from([0x00, 0xff]))).toStrictEqual(Buffer.from([0x80]));
  });

  it('comes off again where keys come back, on both surfaces', async () => {
    const redis = client();
    // Its bytes and the last one of the prefix would be one character.
    const odd = Buffer.from([0xa9]);
    await redis.set(odd, 'x');
    expect(await redis.bytes.keys('*')).toStrictEqual([odd]);
    expect(await redis.keys('*')).toStrictEqual(['\ufffd']);
    await redis.del(odd);
    await redis.rpush('list', own('looks like a key of its own'), 'b');
    expect(await redis.lmpop(['none', 'list'], 'LEFT')).toStrictEqual([
      'list',
      [own('looks like a key of its own').toString()],
    ]);
    expect(await redis.blpop('list', 1)).toStrictEqual(['list', 'b']);
    await redis.xadd('stream', '1-1', { f: own('v'), f2: 'é' });
    const [entry] = (await redis.xread({ stream: '0' }))!.stream!;
    expect(entry).toMatchObject({ id: '1-1', fields: { f: own('v').toString(), f2: 'é' } });
    expect(entry!.pairs).toStrictEqual([
      ['f', own('v').toString()],
      ['f2', 'é'],
    ]);
    const inBytes = await redis.bytes.xread({ stream: '0' });
    expect([...inBytes!.keys()].map(String)).toStrictEqual(['stream']);
    await redis.zadd('sorted', [[1, 'm']]);
    expect(await redis.bzpopmin('sorted', 1)).toStrictEqual(['sorted', 'm', 1]);
  });

  it('keeps out the keys of others that look alike in text', async () => {
    const redis = client();
    await admin().mset([
      [theirs('a'), 'theirs'],
      [own('b'), 'own'],
    ]);
    expect(await redis.keys('*')).toStrictEqual(['b']);
    expect((await redis.scan(0, { COUNT: 1_000 }))[1]).toStrictEqual(['b']);
    expect((await redis.bytes.scan(0, { COUNT: 1_000 }))[1]).toStrictEqual([Buffer.from('b')]);
    expect(await redis.randomkey()).toBe('b');
    expect(await redis.get('a')).toBeNull();
  });

  it('leaves what is no key as it is, also in transactions and by call', async () => {
    const redis = client();
    await redis.hset('hash', { é: own('v') });
    expect(await redis.hgetall('hash')).toStrictEqual(Object.assign(Object.create(null), { é: own('v').toString() }));
    expect(await redis.call('ECHO', 'é')).toBe('é');
    expect(Buffer.isBuffer(await redis.dump('hash'))).toBe(true);
    const transaction = redis.dedicated((connection) =>
      connection.call('MULTI').pipe(
        concatMap(() => connection.hget('hash', 'é')),
        concatMap(() => connection.exec()),
      ),
    );
    expect(await lastValueFrom(transaction)).toStrictEqual([own('v').toString()]);
  });

  it('comes off again in pipelines and transactions', async () => {
    const redis = client();
    await admin().set(theirs('a'), 'theirs');
    expect(await redis.pipeline(set('a', 'é'), keys('*'), get('a'))).toStrictEqual(['OK', ['a'], 'é']);
    expect(await redis.multi(keys('*'), get('a'))).toStrictEqual([['a'], 'é']);
    const inBytes = await redis.bytes.multi(keys('*'), get('a'));
    expect(inBytes).toStrictEqual([[Buffer.from('a')], Buffer.from('é')]);
  });

  it('stands before channels and patterns, and the key of notifications', async () => {
    const redis = client();
    const texts = record(redis.subscribe('news'));
    const bytes = record(redis.bytes.subscribe('ne*'));
    const events = record(redis.subscribe('__keyspace@0__:k*'));
    const keys = record(redis.subscribe('__keyevent@0__:set'));
    await eventually(
      () => admin().pubsubNumpat(),
      (count) => count === 2,
    );
    await eventually(
      () => redis.pubsubNumsub(['news']),
      ({ news }) => news === 1,
    );
    expect(await redis.pubsubChannels()).toContain('news');
    await admin().publish(theirs('news'), 'theirs');
    await redis.publish('news', 'é');
    await admin().set(theirs('k1'), 'x');
    await redis.set('k2', 'x');
    await until(() => keys.values.length > 0 && events.values.length > 0 && bytes.values.length > 0);
    await until(() => texts.values.length > 0);
    expect(texts.values).toStrictEqual([{ type: 'message', channel: 'news', data: 'é' }]);
    expect(bytes.values).toStrictEqual([
      { type: 'pmessage', pattern: Buffer.from('ne*'), channel: Buffer.from('news'), data: Buffer.from('é') },
    ]);
    expect(events.values).toStrictEqual([
      { type: 'pmessage', pattern: '__keyspace@0__:k*', channel: '__keyspace@0__:k2', data: 'set' },
    ]);
    expect(keys.values).toStrictEqual([{ type: 'message', channel: '__keyevent@0__:set', data: 'k2' }]);
  });

  it('is text where it is UTF-8', async () => {
    const redis = make({ url: server().url, protocol, prefix: Buffer.from('é:') });
    await redis.set('a', '1');
    expect(await redis.keys('*')).toStrictEqual(['a']);
    expect(await admin().keys('*')).toStrictEqual([Buffer.from('é:a')]);
  });
});

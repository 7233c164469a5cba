import { BehaviorSubject, filter, firstValueFrom, take, toArray } from 'rxjs';
import { ConnectionError, type Gap, type Message, type Notice, type RedisOptions } from 'rxjs-redis';
import { eventually, record, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

type Item = Message | Notice;
const kinds = (items: readonly { readonly type: string }[]) => items.map(({ type }) => type);
const gapsIn = (items: readonly Item[]) => items.filter((item): item is Gap => item.type === 'gap');

describe.each([3, 2] as const)('A stream of messages with gaps, in RESP%d', (protocol) => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: server().url, protocol, reconnect: { initialDelay: 5 }, ...options });
  const behindProxy = (options: RedisOptions = {}) => client({ url: proxy().url(), ...options });

  it('tells when the server has confirmed each subscription, before its messages', async () => {
    const redis = client();
    const items = record(redis.subscribe(['a', 'b', 'p:*'], { gaps: true })).values;
    await until(() => items.length === 3);
    await redis.publish('a', 'x');
    await redis.publish('p:1', 'y');
    await until(() => items.length === 5);
    expect(items.slice(0, 3)).toStrictEqual([
      { type: 'subscribed', channel: 'a' },
      { type: 'subscribed', channel: 'b' },
      { type: 'subscribed', pattern: 'p:*' },
    ]);
    expect(items.slice(3).map((item) => 'data' in item && item.data)).toStrictEqual(['x', 'y']);
  });

  it('tells an Observer that joins a confirmed channel at once, on strings and bytes', async () => {
    const redis = client();
    const first = record(redis.subscribe('a', { gaps: true })).values;
    await until(() => first.length === 1);
    const second = record(redis.subscribe('a', { gaps: true }));
    const bytes = record(redis.bytes.subscribe(Uint8Array.from([0x61]), { gaps: true }));
    expect([second.values, bytes.values]).toStrictEqual([
      [{ type: 'subscribed', channel: 'a' }],
      [{ type: 'subscribed', channel: Buffer.from('a') }],
    ]);
    expect(first).toHaveLength(1);
  });

  it('carries nothing beside messages where gaps are not asked for', async () => {
    const redis = behindProxy();
    const admin = client();
    const plain = record(redis.subscribe('a'));
    const withGaps = record(redis.subscribe('a', { gaps: true }));
    await until(() => withGaps.values.length === 1);
    proxy().cut();
    await until(() => kinds(withGaps.values).join() === 'subscribed,gap,subscribed');
    await admin.publish('a', 'x');
    await until(() => plain.values.length > 0);
    expect(plain.values).toStrictEqual([{ type: 'message', channel: 'a', data: 'x' }]);
  });

  it.each(['', 'p:'])('tells of the gap once after each loss, for each name; prefix: %p', async (prefix) => {
    const redis = behindProxy({ prefix });
    const items = record(redis.subscribe(['a', 'n*'], { gaps: true })).values;
    const admin = client({ prefix });
    await until(() => items.length === 2);
    const begun = new Date(performance.timeOrigin + performance.now());
    for (let round = 1; round <= 3; round++) {
      proxy().cut();
      await until(() => items.length === 2 + round * 5 - 1);
      await admin.publish('a', String(round));
      await until(() => items.length === 2 + round * 5);
    }
    const ofA = items.filter((item) => item.channel === 'a');
    const ofN = items.filter(({ pattern }) => pattern === 'n*');
    const round = ['gap', 'subscribed', 'message'];
    expect(kinds(ofA)).toStrictEqual(['subscribed', ...round, ...round, ...round]);
    expect(kinds(ofN)).toStrictEqual(['subscribed', ...Array.from({ length: 3 }, () => ['gap', 'subscribed']).flat()]);
    let last = 0;
    for (const { from, to, reason } of gapsIn(ofA)) {
      expect(reason).toBeInstanceOf(ConnectionError);
      expect(from.getTime()).toBeGreaterThanOrEqual(last);
      expect(to.getTime()).toBeGreaterThanOrEqual(from.getTime());
      last = to.getTime();
    }
    expect(last).toBeGreaterThanOrEqual(begun.getTime());
  });

  it('begins a gap no later than the first message that is missed, and ends it before the next that comes', async () => {
    const redis = behindProxy();
    const admin = client();
    const items = record(redis.subscribe('a', { gaps: true })).values;
    await until(() => items.length === 1);
    await admin.publish('a', 'before');
    await until(() => items.length === 2);
    const beforeLoss = performance.timeOrigin + performance.now();
    await proxy().refuse(true);
    proxy().cut();
    await eventually(
      async () => (await admin.pubsubNumsub(['a'])).a,
      (count) => count === 0,
    );
    const missedAt = performance.timeOrigin + performance.now();
    await admin.publish('a', 'missed');
    const missedBefore = performance.timeOrigin + performance.now();
    await proxy().refuse(false);
    await until(() => items.length === 4);
    await admin.publish('a', 'after');
    await until(() => items.length === 5);
    const [gap] = gapsIn(items);
    expect(gap!.from.getTime()).toBeLessThanOrEqual(Math.ceil(beforeLoss));
    expect(gap!.from.getTime()).toBeLessThanOrEqual(missedAt);
    expect(gap!.to.getTime()).toBeGreaterThanOrEqual(Math.floor(missedBefore));
    expect(items.flatMap((item) => ('data' in item ? [item.data] : [item.type]))).toStrictEqual([
      'subscribed',
      'before',
      'gap',
      'subscribed',
      'after',
    ]);
  });

  it('tells an Observer that has not been told `subscribed` yet of no gap', async () => {
    const redis = behindProxy();
    const first = record(redis.subscribe('a', { gaps: true })).values;
    await until(() => first.length === 1);
    await proxy().refuse(true);
    proxy().cut();
    await firstValueFrom(
      redis.events$.pipe(filter(({ connection, type }) => connection + type === 'messagesdisconnect')),
    );
    const late = record(redis.subscribe(['a', 'b'], { gaps: true })).values;
    await proxy().refuse(false);
    await until(() => first.length === 3 && late.length >= 2);
    expect(kinds(first)).toStrictEqual(['subscribed', 'gap', 'subscribed']);
    expect(kinds(late)).toStrictEqual(['subscribed', 'subscribed']);
  });

  it('tells of the gap of `redis.reconnect()`', async () => {
    const redis = client();
    const items = record(redis.subscribe('a', { gaps: true })).values;
    await until(() => items.length === 1);
    for (const now of [false, true]) {
      const before = items.length;
      await redis.reconnect({ now });
      await until(() => items.length === before + 2);
    }
    expect(kinds(items)).toStrictEqual(['subscribed', 'gap', 'subscribed', 'gap', 'subscribed']);
    expect(gapsIn(items).map(({ reason }) => reason.message)).toStrictEqual([
      'The user wants a new connection',
      'The user wants a new connection',
    ]);
  });

  it('tells of the gap where the server cut the client off for its slowness', async () => {
    const redis = behindProxy();
    const admin = client();
    const items = record(redis.subscribe('big', { gaps: true })).values;
    await until(() => items.length === 1);
    await admin.call('CONFIG SET', 'client-output-buffer-limit', 'pubsub 1mb 1mb 1');
    proxy().stall('toClient', true);
    const data = 'x'.repeat(1 << 20);
    let sent = 0;
    await eventually(
      async () => (sent++, await admin.publish('big', data)),
      (receivers) => receivers === 0,
    );
    proxy().stall('toClient', false);
    await until(() => kinds(items).includes('gap'));
    await until(() => items.at(-1)!.type === 'subscribed');
    const came = kinds(items).filter((kind) => kind === 'message').length;
    expect(came).toBeLessThan(sent);
    expect(kinds(items).slice(-2)).toStrictEqual(['gap', 'subscribed']);
    expect(gapsIn(items)).toHaveLength(1);
    await admin.call('CONFIG SET', 'client-output-buffer-limit', 'pubsub 33554432 8388608 60');
  });

  it('tells of the time in which RESP2 leaves its channels to sign in anew', async () => {
    const admin = client();
    await admin.aclSetuser('signs', [
      'reset',
      'on',
      '>one',
      '>two',
      '~*',
      '+@all',
      ...(server().version.startsWith('6.0') ? [] : ['&*']),
    ]);
    const credentials = new BehaviorSubject({ username: 'signs', password: 'one' });
    const redis = client({ credentials });
    const items = record(redis.subscribe(['a', 'a*'], { gaps: true })).values;
    await until(() => items.length === 2);
    credentials.next({ username: 'signs', password: 'two' });
    if (protocol === 3) {
      await redis.publish('a', 'x');
      await until(() => items.length === 4);
      expect(kinds(items).sort()).toStrictEqual(['message', 'pmessage', 'subscribed', 'subscribed']);
      expect(gapsIn(items)).toHaveLength(0);
      return;
    }
    await until(() => items.length === 6);
    expect(kinds(items).sort()).toStrictEqual(['gap', 'gap', ...Array.from({ length: 4 }, () => 'subscribed')]);
    expect(gapsIn(items)[0]!.reason.message).toContain('sign in anew');
  });

  it.each([
    [{ gaps: 1 }, "The option 'gaps' is a boolean, got a number"],
    [{ overflow: 'drop' }, "The option 'overflow' is 'drop-oldest', 'drop-newest', 'latest' or 'error', got 'drop'"],
    [{ buffer: 0 }, "The option 'buffer'"],
    [{ signal: {} }, "The option 'signal' is an AbortSignal, got an object"],
    [{ project: 'x' }, "The option 'project' is a function, got a string"],
    [{ project: () => [], concurrency: 0 }, "The option 'concurrency'"],
    [{ concurrency: 2 }, "the option 'concurrency' needs 'project'"],
    [{ gap: true }, "there is no option 'gap'"],
  ])('refuses wrong options at the call: %j', (options, message) => {
    const redis = client();
    for (const method of ['subscribe', 'psubscribe', 'ssubscribe'] as const) {
      for (const surface of [redis, redis.bytes]) {
        const methods = surface as unknown as Record<string, (name: string, options: unknown) => unknown>;
        expect(() => methods[method]!('a', options)).toThrow(message);
      }
    }
  });

  it('completes when the client is closed', async () => {
    const redis = client();
    const recorded = record(redis.subscribe('a', { gaps: true }));
    await until(() => recorded.values.length === 1);
    await redis.close();
    expect([recorded.values.length, recorded.ended]).toStrictEqual([1, 'complete']);
  });

  it('leaves nothing at the server when it is left, in whatever state', async () => {
    const redis = behindProxy();
    const admin = client();
    const standing = record(redis.subscribe(['a', 'a*'], { gaps: true }));
    await until(() => standing.values.length === 2);
    const asked = record(redis.subscribe('b', { gaps: true }));
    asked.stop(); // before it is asked for
    const written = record(redis.subscribe('c', { gaps: true }));
    await new Promise(setImmediate);
    written.stop(); // before it is confirmed, or just after
    const inNotice = await firstValueFrom(redis.subscribe('d', { gaps: true }).pipe(take(1), toArray()));
    expect(inNotice).toStrictEqual([{ type: 'subscribed', channel: 'd' }]);
    proxy().cut();
    standing.stop(); // while the link is lost
    await eventually(
      async () => [...Object.values(await admin.pubsubNumsub(['a', 'b', 'c', 'd'])), await admin.pubsubNumpat()],
      (counts) => counts.every((count) => count === 0),
    );
  });
});

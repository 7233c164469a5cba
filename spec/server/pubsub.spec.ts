import { firstValueFrom, take, toArray, type Observable } from 'rxjs';
import { ReplyError, type Message, type Redis } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

const channelCount = async (admin: Redis) => (await admin.call<string[]>('PUBSUB CHANNELS')).length;
const observers = async (admin: Redis, channel: string) =>
  (await admin.call<[string, number]>('PUBSUB NUMSUB', channel))[1];
const patternCount = (admin: Redis) => admin.call<number>('PUBSUB NUMPAT');

describe.each([3, 2] as const)('Pub/sub in RESP%d', (protocol) => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const client = (url = server().url) => make({ url, protocol, reconnect: { initialDelay: 5 } });

  /** Subscribes and publishes until the subscription stands and nothing of that is left on the way. */
  async function standing<M extends { data: unknown }>(messages$: Observable<M>, channel: string, admin: Redis) {
    const recorded = record(messages$);
    const arrived = (data: string) => recorded.values.some((message) => String(message.data) === data);
    await eventually(
      () => admin.call<number>('PUBLISH', channel, 'standing?'),
      () => arrived('standing?'),
    );
    await admin.call('PUBLISH', channel, 'standing!');
    await eventually(
      () => admin.call('PING'),
      () => arrived('standing!'),
    );
    recorded.values.length = 0;
    return recorded;
  }

  it('delivers what is published on a channel', async () => {
    const redis = client();
    const { values } = await standing(redis.subscribe('news'), 'news', redis);
    await redis.call('PUBLISH', 'news', 'hello');
    await eventually(
      () => redis.call('PING'),
      () => values.length > 0,
    );
    expect(values.at(-1)).toStrictEqual({ type: 'message', channel: 'news', data: 'hello' });
  });

  it('takes a glob for a pattern', async () => {
    const redis = client();
    const { values } = await standing(redis.subscribe('news:*'), 'news:x', redis);
    expect(await patternCount(redis)).toBe(1);
    await redis.call('PUBLISH', 'news:sport', '2:1');
    await eventually(
      () => redis.call('PING'),
      () => values.length > 0,
    );
    expect(values.at(-1)).toStrictEqual({ type: 'pmessage', channel: 'news:sport', pattern: 'news:*', data: '2:1' });
  });

  it('takes a glob for a channel where it is told to', async () => {
    const redis = client();
    await standing(redis.subscribe('a*', { literal: true }), 'a*', redis);
    expect([await patternCount(redis), await observers(redis, 'a*')]).toStrictEqual([0, 1]);
  });

  it('observes several channels and patterns at once', async () => {
    const redis = client();
    const recorded = await standing(redis.subscribe(['one', 'two', 'three.?']), 'one', redis);
    for (const channel of ['two', 'three.x', 'four']) await redis.call('PUBLISH', channel, channel);
    await eventually(
      () => redis.call('PING'),
      () => recorded.values.length >= 2,
    );
    expect(recorded.values.map(({ data }) => data)).toEqual(expect.arrayContaining(['two', 'three.x']));
    expect(recorded.values.map(({ data }) => data)).not.toContain('four');
  });

  it('costs the server one subscription however many Observers there are, and none after the last', async () => {
    const redis = client();
    const admin = client();
    const messages = redis.subscribe('shared');
    const first = await standing(messages, 'shared', admin);
    const others = [record(messages), record(messages), record(redis.subscribe('shared'))];
    await redis.call('PING');
    expect(await observers(admin, 'shared')).toBe(1);
    for (const other of others) other.stop();
    await admin.call('PUBLISH', 'shared', 'still');
    await eventually(
      () => admin.call('PING'),
      () => first.values.some(({ data }) => data === 'still'),
    );
    first.stop();
    await eventually(
      () => observers(admin, 'shared'),
      (count) => count === 0,
    );
  });

  it('sends nothing when an Observer leaves and another joins within a tick', async () => {
    const redis = client(proxy().url());
    const admin = client();
    const recorded = await standing(redis.subscribe('flap'), 'flap', admin);
    await redis.call('PING');
    const before = await admin.call<string>('INFO', 'commandstats');
    const again = record(redis.subscribe('flap'));
    recorded.stop();
    const third = record(redis.subscribe('flap'));
    again.stop();
    await redis.call('PING');
    await redis.call('PING');
    const after = await admin.call<string>('INFO', 'commandstats');
    const counts = (stats: string) =>
      stats
        .split('\r\n')
        .filter((line) => /_(un)?subscribe/.test(line))
        .map((line) => line.split(',')[0]);
    expect(counts(after)).toStrictEqual(counts(before));
    expect(third.ended).toBeUndefined();
  });

  it('never fails a command because a subscription exists', async () => {
    const redis = client();
    await standing(redis.subscribe('busy'), 'busy', redis);
    expect(await redis.call('SET', 'k', 'v')).toBe('OK');
    expect(await redis.call('GET', 'k')).toBe('v');
  });

  it('keeps commands and a flood of messages apart', async () => {
    const redis = client();
    const admin = client();
    const recorded = await standing(redis.subscribe('flood'), 'flood', admin);
    const published = Promise.all(Array.from({ length: 5000 }, (_, n) => admin.call('PUBLISH', 'flood', n)));
    const echoed = await Promise.all(Array.from({ length: 5000 }, (_, n) => redis.call('ECHO', `e${n}`)));
    await published;
    expect(echoed).toStrictEqual(Array.from({ length: 5000 }, (_, n) => `e${n}`));
    await eventually(
      () => redis.call('PING'),
      () => recorded.values.length >= 5000,
    );
    expect(recorded.values.map(({ data }) => Number(data))).toStrictEqual(Array.from({ length: 5000 }, (_, n) => n));
  });

  it('is restored after a reconnect, channels and patterns', async () => {
    const redis = client(proxy().url());
    const admin = client();
    const channel = await standing(redis.subscribe('back'), 'back', admin);
    const pattern = await standing(redis.psubscribe('back.*'), 'back.1', admin);
    for (let round = 1; round <= 3; round++) {
      proxy().cut();
      await eventually(
        () => observers(admin, 'back'),
        (count) => count === 0 || count === 1,
      );
      await eventually(
        () => admin.call('PUBLISH', 'back', `r${round}`),
        () => channel.values.at(-1)?.data === `r${round}`,
      );
      await eventually(
        () => admin.call('PUBLISH', 'back.1', `r${round}`),
        () => pattern.values.at(-1)?.data === `r${round}`,
      );
      expect([await observers(admin, 'back'), await patternCount(admin)]).toStrictEqual([1, 1]);
    }
    expect([channel.ended, pattern.ended]).toStrictEqual([undefined, undefined]);
  });

  it('forgets a topic whose last Observer left while the connection was down', async () => {
    const redis = client(proxy().url());
    const admin = client();
    const gone = await standing(redis.subscribe('gone'), 'gone', admin);
    await standing(redis.subscribe('stays'), 'stays', admin);
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    gone.stop();
    await proxy().refuse(false);
    await eventually(
      () => observers(admin, 'stays'),
      (count) => count === 1,
    );
    expect(await observers(admin, 'gone')).toBe(0);
  });

  it('gives bytes where bytes are asked for, strings to all others on the same channel', async () => {
    const redis = client();
    const admin = client();
    const strings = await standing(redis.subscribe('raw'), 'raw', admin);
    const bytes = await standing<Message<Buffer>>(redis.bytes.subscribe('raw'), 'raw', admin);
    strings.values.length = 0;
    await admin.call('PUBLISH', 'raw', Uint8Array.of(0xff, 0, 0x0d, 0x0a));
    await eventually(
      () => admin.call('PING'),
      () => bytes.values.length > 0 && strings.values.length > 0,
    );
    expect(bytes.values.at(-1)).toStrictEqual({
      type: 'message',
      channel: Buffer.from('raw'),
      data: Buffer.from([0xff, 0, 0x0d, 0x0a]),
    });
    expect(strings.values.at(-1)?.data).toBe('\ufffd\0\r\n');
    bytes.stop();
    await admin.call('PUBLISH', 'raw', 'text');
    await eventually(
      () => admin.call('PING'),
      () => strings.values.at(-1)?.data === 'text',
    );
  });

  it('goes on for all others when one Observer throws', async () => {
    const redis = client();
    const admin = client();
    const thrown: unknown[] = [];
    const { config } = await import('rxjs');
    config.onUnhandledError = (error) => thrown.push(error);
    try {
      redis.subscribe('careless').subscribe(() => {
        throw new Error('careless');
      });
      const other = await standing(redis.subscribe('careless'), 'careless', admin);
      await admin.call('PUBLISH', 'careless', 'after');
      await eventually(
        () => redis.call('PING'),
        () => other.values.some(({ data }) => data === 'after'),
      );
    } finally {
      await redis.destroy();
      await new Promise((resolve) => setTimeout(resolve)); // behind the timers by which RxJS reports
      expect(thrown.length).toBeGreaterThan(0);
      config.onUnhandledError = null;
    }
  });

  it('completes when the client is closed, and leaves nothing at the server', async () => {
    const redis = client();
    const admin = client();
    const recorded = await standing(redis.subscribe('end'), 'end', admin);
    await redis.close();
    expect(recorded.ended).toBe('complete');
    await eventually(
      () => channelCount(admin),
      (count) => count === 0,
    );
    expect(record(redis.subscribe('late')).ended).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('fails its Observers when the client gives up', async () => {
    const redis = make({ url: proxy().url(), protocol, reconnect: { initialDelay: 1, maxAttempts: 2 } });
    const recorded = await standing(redis.subscribe('end'), 'end', client());
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'closed');
    expect(recorded.ended).toMatchObject({ code: 'CONNECTION' });
  });

  it('is there for the message that is published next, on the same client', async () => {
    const redis = client();
    await redis.connect();
    const recorded = record(redis.subscribe('next'));
    expect(await redis.publish('next', 'awaited')).toBe(1);
    redis.publish('other', 'before').subscribe();
    const second = record(redis.subscribe('other'));
    redis.publish('other', 'in the same tick').subscribe();
    await until(() => recorded.values.length > 0 && second.values.some(({ data }) => data === 'in the same tick'));
    expect(recorded.values.map(({ data }) => data)).toStrictEqual(['awaited']);
  });

  it('puts the prefix before channels and patterns and takes it off their messages', async () => {
    const redis = make({ url: server().url, protocol, prefix: 'a[p]*:' });
    const plain = client();
    const channel = record(redis.subscribe('news'));
    const pattern = record(redis.psubscribe('ne?s'));
    await eventually(
      () => redis.publish('news', 'x'),
      () => channel.values.length > 0 && pattern.values.length > 0,
    );
    expect(channel.values[0]).toStrictEqual({ type: 'message', channel: 'news', data: 'x' });
    expect(pattern.values[0]).toStrictEqual({ type: 'pmessage', channel: 'news', pattern: 'ne?s', data: 'x' });
    expect(await observers(plain, 'a[p]*:news')).toBe(1);
    expect(await plain.publish('news', 'not here')).toBe(0);
    expect(await plain.publish('ap:news', 'the prefix is no pattern')).toBe(0);
  });

  it('works through operators', async () => {
    const redis = client();
    const first = firstValueFrom(redis.subscribe('ops').pipe(take(2), toArray()));
    await eventually(
      () => redis.call<number>('PUBLISH', 'ops', 'x'),
      (receivers) => receivers === 1,
    );
    await redis.call('PUBLISH', 'ops', 'y');
    expect((await first).map(({ data }) => data)).toStrictEqual(['x', 'y']);
  });
});

describe.each([3, 2] as const)('Channels that the server refuses, in RESP%d', (protocol) => {
  const server = useServer({}, '6.2');
  const make = useClients();

  it('are told to their Observers, and to nobody else', async () => {
    const admin = make({ url: server().url });
    await admin.call('ACL SETUSER', 'limited', 'on', '>pw', '+@all', '~*', 'resetchannels', '&allowed');
    const redis = make({ url: server().url, protocol, username: 'limited', password: 'pw' });
    const refused = record(redis.subscribe(['forbidden']));
    const allowed = record(redis.subscribe('allowed'));
    await eventually(
      () => admin.call('PUBLISH', 'allowed', 'x'),
      () => refused.ended !== undefined && allowed.values.length > 0,
    );
    expect(refused.ended).toBeInstanceOf(ReplyError);
    expect(refused.ended).toMatchObject({ kind: 'NOPERM', command: 'SUBSCRIBE' });
    expect(allowed.ended).toBeUndefined();
  });
});

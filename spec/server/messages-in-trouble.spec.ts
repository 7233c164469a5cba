import { ConnectionError, TimeoutError, type Message, type Notice, type RedisOptions } from 'rxjs-redis';
import { publish } from 'rxjs-redis/commands';
import { filter, take } from 'rxjs';
import { eventually, record, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

type Item = Message | Notice;
const isMessage = (item: Item): item is Message => 'data' in item;
const dataOf = (items: readonly Item[]) => items.filter(isMessage).map(({ data }) => data);
const kindsOf = (items: readonly Item[]) => items.map(({ type }) => type);

describe.each([3, 2] as const)('Messages, in RESP%d,', (protocol) => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: server().url, protocol, reconnect: { initialDelay: 1, maxDelay: 5 }, ...options });
  const behindProxy = (options: RedisOptions = {}) => client({ url: proxy().url(), ...options });
  const subscribers = async (admin: ReturnType<typeof client>, channel: string) =>
    (await admin.pubsubNumsub([channel]))[channel];
  const unwatched = (admin: ReturnType<typeof client>, channel: string) =>
    eventually(
      () => subscribers(admin, channel),
      (count) => count === 0,
    );
  const watched = (admin: ReturnType<typeof client>, channel: string) =>
    eventually(
      () => subscribers(admin, channel),
      (count) => count === 1,
    );

  it('come again where many attempts fail, and each link is lost before its subscriptions stand', async () => {
    const [redis, admin] = [behindProxy(), client()];
    const items = record<Item>(redis.subscribe(['a', 'a*'], { gaps: true })).values;
    const dials = record(
      redis.events$.pipe(filter(({ connection, type }) => connection === 'messages' && type === 'reconnecting')),
    ).values;
    await until(() => items.length === 2);
    await proxy().refuse(true);
    proxy().cut();
    await until(() => dials.length >= 4);
    await proxy().refuse(false);
    // The server subscribes before the client is told, and then the line is cut.
    proxy().delay({ toClient: 30 });
    for (let loss = 0; loss < 5; loss++) {
      await watched(admin, 'a');
      proxy().cut();
      await unwatched(admin, 'a');
    }
    proxy().delay(0);
    await eventually(
      async () => (await admin.publish('a', 'x'), dataOf(items).length),
      (count) => count >= 2,
    );
    const notices = items.filter((item): item is Notice => !isMessage(item));
    for (const name of [{ channel: 'a' }, { pattern: 'a*' }]) {
      const own = notices.filter(({ channel, pattern }) => channel === name.channel && pattern === name.pattern);
      const gaps = kindsOf(own).filter((kind) => kind === 'gap').length;
      expect(gaps).toBeGreaterThan(0);
      expect(kindsOf(own).join()).toBe(`subscribed${',gap,subscribed'.repeat(gaps)}`);
    }
  });

  it('come to an Observer that joins while the server has left the channel and its word of that is on the way', async () => {
    const [redis, admin] = [behindProxy(), client()];
    const other = record(redis.subscribe('other'));
    for (let round = 0; round < 5; round++) {
      const first = record<Item>(redis.subscribe('a', { gaps: true }));
      await until(() => first.values.length === 1);
      proxy().stall('toClient', true);
      first.stop();
      await unwatched(admin, 'a');
      const second = record<Item>(redis.subscribe('a', { gaps: true }));
      await watched(admin, 'a');
      proxy().stall('toClient', false);
      await admin.publish('a', String(round));
      await until(() => second.values.length === 2);
      expect(second.values.map((item) => (isMessage(item) ? item.data : item.type))).toStrictEqual([
        'subscribed',
        String(round),
      ]);
      second.stop();
    }
    await unwatched(admin, 'a');
    await admin.publish('other', 'still');
    await until(() => other.values.length === 1);
  });

  it('end at the one at which an Observer leaves, and go on for others', async () => {
    const [redis, admin] = [client(), client()];
    const leaving = record(redis.subscribe('a').pipe(take(1)));
    const pattern = record(redis.subscribe('a*').pipe(take(2)));
    const staying = record<Item>(redis.subscribe('a', { gaps: true }));
    await until(() => staying.values.length === 1);
    await redis.ping();
    await eventually(
      () => admin.pubsubNumpat(),
      (count) => count === 1,
    );
    await admin.pipeline(Array.from({ length: 100 }, (_, n) => publish('a', String(n))));
    await until(() => staying.values.length === 101);
    expect(dataOf(staying.values)).toStrictEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    expect([leaving.values.length, pattern.values.length]).toStrictEqual([1, 2]);
    expect(await redis.echo('in order')).toBe('in order');
    staying.stop();
    await unwatched(admin, 'a');
    await eventually(
      () => admin.pubsubNumpat(),
      (count) => count === 0,
    );
  });

  it('come once for each name that fits, also after a reconnect', async () => {
    const [redis, admin] = [behindProxy(), client()];
    const items = record<Item>(redis.subscribe(['a', 'a*', '*'], { gaps: true })).values;
    const confirmed = (count: number) =>
      until(() => kindsOf(items).filter((kind) => kind === 'subscribed').length === count);
    await confirmed(3);
    for (let cut = 1; cut <= 3; cut++) {
      await admin.publish('a', String(cut));
      proxy().cut();
      await confirmed(3 * (cut + 1));
    }
    await admin.publish('a', 'last');
    await until(() => dataOf(items).filter((data) => data === 'last').length === 3);
    const last = items.filter((item): item is Message => isMessage(item) && item.data === 'last');
    expect(last.map(({ type, pattern }) => pattern ?? type).sort()).toStrictEqual(['*', 'a*', 'message']);
    for (let cut = 1; cut <= 3; cut++)
      expect(dataOf(items).filter((data) => data === String(cut)).length).toBeLessThanOrEqual(3);
  });

  it('come again where the line was dead without a word, and the gap says so', async () => {
    const [redis, admin] = [behindProxy({ readTimeout: 100 }), client()];
    const items = record<Item>(redis.subscribe('a', { gaps: true })).values;
    await until(() => items.length === 1);
    proxy().halfOpen();
    await unwatched(admin, 'a');
    await admin.publish('a', 'missed');
    await until(() => items.at(-1)!.type === 'subscribed' && items.length > 1);
    await admin.publish('a', 'after');
    await until(() => dataOf(items).includes('after'));
    expect(dataOf(items)).toStrictEqual(['after']);
    const [gap] = items.filter((item): item is Notice => item.type === 'gap');
    expect(gap).toMatchObject({ reason: expect.any(TimeoutError) });
  });

  it('of a channel that stands go on where names that were asked for with it are refused, or lost on the way', async () => {
    const admin = client();
    const channels = server().version.startsWith('6.0') ? [] : ['resetchannels', '&a', '&b'];
    await admin.aclSetuser('some', ['reset', 'on', '>pw', '~*', '+@all', ...channels]);
    const redis = behindProxy({ username: 'some', password: 'pw' });
    const first = record<Item>(redis.subscribe('a', { gaps: true }));
    await until(() => first.values.length === 1);
    if (channels.length > 0) {
      const refused = record(redis.subscribe(['a', 'forbidden']));
      await until(() => refused.ended !== undefined);
      expect(refused.ended).toMatchObject({ kind: 'NOPERM' });
    }
    proxy().stall('toClient', true);
    const second = record(redis.subscribe(['a', 'b']));
    await watched(admin, 'b');
    proxy().cut();
    proxy().stall('toClient', false);
    await until(() => first.values.at(-1)!.type === 'subscribed' && first.values.length > 1);
    await watched(admin, 'b');
    for (const channel of ['a', 'b']) await admin.publish(channel, channel);
    await until(() => second.values.length === 2);
    expect([dataOf(first.values), dataOf(second.values)]).toStrictEqual([['a'], ['a', 'b']]);
  });

  it('that come in between are not taken for confirmations', async () => {
    const [redis, admin] = [client(), client()];
    const flood = record(redis.subscribe('flood'));
    await watched(admin, 'flood');
    let [sent, goesOn] = [0, true];
    const flooding = (async () => {
      while (goesOn) await admin.pipeline(Array.from({ length: 50 }, () => publish('flood', String(sent++))));
    })();
    for (let n = 0; n < 100; n++) {
      const joined = record<Item>(redis.subscribe(`c${n}`, { gaps: true }));
      await until(() => joined.values.length === 1);
      expect(joined.values).toStrictEqual([{ type: 'subscribed', channel: `c${n}` }]);
      joined.stop();
    }
    goesOn = false;
    await flooding;
    await until(() => flood.values.length === sent);
    expect(flood.values.map(({ data }) => data)).toStrictEqual(Array.from({ length: sent }, (_, n) => String(n)));
  });

  it('go on in a loop whose connection the server has ended, until the client is closed', async () => {
    const [redis, admin] = [client(), client()];
    const seen: string[] = [];
    let gaps = 0;
    const loop = (async () => {
      for await (const item of redis.subscribe('a', { gaps: true })) {
        if (isMessage(item)) seen.push(item.data);
        else if (item.type === 'gap') gaps++;
      }
      return 'ended';
    })();
    for (const data of ['1', '2', '3']) {
      await watched(admin, 'a');
      await admin.publish('a', data);
      await until(() => seen.includes(data));
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await until(() => gaps === seen.length);
    }
    await redis.close();
    expect([await loop, seen, gaps]).toStrictEqual(['ended', ['1', '2', '3'], 3]);
  });

  it('are whole or not there where the line is lost inside one', async () => {
    const [redis, admin] = [behindProxy(), client()];
    const items = record<Item>(redis.subscribe('a', { gaps: true })).values;
    await until(() => items.length === 1);
    const data = 'x'.repeat(1 << 24);
    proxy().cutAfter('toClient', 1 << 20);
    await admin.publish('a', data);
    await until(() => items.length === 3);
    await admin.publish('a', data);
    await until(() => items.length === 4);
    expect(kindsOf(items)).toStrictEqual(['subscribed', 'gap', 'subscribed', 'message']);
    expect(dataOf(items)[0]).toHaveLength(data.length);
    expect(items[1]).toMatchObject({ reason: expect.any(ConnectionError) });
  });

  it('that are on their way to one that leaves reach nobody, and nothing stays at the server', async () => {
    const [redis, admin] = [behindProxy(), client()];
    const leaving = record<Item>(redis.subscribe('a', { gaps: true }));
    const staying = record<Item>(redis.subscribe('b', { gaps: true }));
    await until(() => leaving.values.length + staying.values.length === 2);
    proxy().stall('toClient', true);
    for (const channel of ['a', 'b']) await admin.publish(channel, 'late');
    leaving.stop();
    await unwatched(admin, 'a');
    proxy().stall('toClient', false);
    await until(() => staying.values.length === 2);
    expect([kindsOf(leaving.values), dataOf(staying.values)]).toStrictEqual([['subscribed'], ['late']]);
  });
});

import type { ConnectionEvent, Redis } from 'rxjs-redis';
import { clientTracking } from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../support/clients';
import { outcome } from '../support/outcomes';
import { useServer } from '../support/server';
import { until } from '../support/until';

const MB = 1024 * 1024;

describe.each([3, 2] as const)('Beside one subscription in RESP%d', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();

  /** What is told of the connections that are lost. */
  const lossesOf = (redis: Redis) => {
    const losses: unknown[] = [];
    redis.events$.subscribe((event) => {
      if (event.type === 'error' || event.type === 'disconnect') losses.push(event);
    });
    return losses;
  };

  it('the largest replies arrive, and nothing else fails with them', async () => {
    const redis = make({ url: server().url, protocol });
    expect((await redis.configGet('client-output-buffer-limit'))['client-output-buffer-limit']).toContain(
      'pubsub 33554432 8388608 60',
    );
    const losses = lossesOf(redis);
    const messages = record(redis.subscribe('news'));
    for (const [key, size] of Object.entries({ huge: 40 * MB, large: 4 * MB, big: MB })) {
      await redis.setrange(key, size - 1, 'x');
    }
    const get = async (key: string) => (await redis.bytes.get(key))?.length;
    const large = [get('huge'), ...Array.from({ length: 60 }, () => get('big'))];
    large.push(...Array.from({ length: 10 }, () => get('large')));
    const counted = Array.from({ length: 249 }, () => outcome(redis.incr('n')));
    expect(await Promise.all(large)).toStrictEqual([40 * MB, ...Array(60).fill(MB), ...Array(10).fill(4 * MB)]);
    expect(await Promise.all(counted)).toStrictEqual(Array.from({ length: 249 }, (_, n) => ({ value: n + 1 })));
    await redis.publish('news', 'still');
    await until(() => messages.values.length > 0);
    expect([messages.ended, losses]).toStrictEqual([undefined, []]);
  });

  it('there is a second connection, from the first Observer until some time after the last', async () => {
    const admin = make({ url: server().url });
    const redis = make({ url: server().url, protocol, clientName: `of-messages-${protocol}` });
    const named = async () =>
      (await admin.call<string>('CLIENT LIST'))
        .split('\n')
        .filter((line) => line.includes(`name=of-messages-${protocol}`));
    await redis.ping();
    expect(await named()).toHaveLength(1);
    const observers = [record(redis.subscribe('news')), record(redis.psubscribe('n*'))];
    await eventually(named, (lines) => lines.some((line) => / sub=1 psub=1 /.test(line)));
    expect(await named()).toHaveLength(2);
    for (const observer of observers) observer.stop();
    await eventually(named, (lines) => lines.every((line) => / sub=0 psub=0 /.test(line)));
    expect(await named()).toHaveLength(2);
    // Asked ten times a second, for it takes some.
    const inAWhile = () => admin.blpop('nothing', 0.1).then(named);
    await eventually(inAWhile, (lines) => lines.length === 1);
    expect(await redis.ping()).toBe('PONG');
    const again = record(redis.subscribe('news'));
    await redis.publish('news', 'again');
    await until(() => again.values.length > 0);
    await redis.close();
    await eventually(named, (lines) => lines.length === 0);
    expect(again.ended).toBe('complete');
  });

  it('what happens to their connection is told apart, and state$ is that of the commands', async () => {
    const other = make({ url: server().url });
    const redis = make({ url: server().url, protocol, reconnect: { initialDelay: 1 } });
    const [states, events] = [record(redis.state$), record(redis.events$)];
    const messages = record(redis.subscribe('told'));
    const of = (which: ConnectionEvent['connection']) =>
      events.values.filter(({ connection }) => connection === which).map(({ type }) => type);
    await redis.publish('told', 'before');
    await until(() => of('messages').length === 1);
    expect(await other.clientKill({ TYPE: 'PUBSUB' })).toBe(1);
    await until(() => of('messages').length === 5);
    expect(of('messages')).toStrictEqual(['connect', 'error', 'disconnect', 'reconnecting', 'connect']);
    // All subscriptions stand when that is told.
    expect(await other.publish('told', 'after')).toBe(1);
    await until(() => messages.values.length === 2);
    expect(of('commands')).toStrictEqual(['connect']);
    expect(events.values).toContainEqual({ connection: 'messages', type: 'disconnect', reason: 'server_closed' });
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready']);
    await redis.close();
    expect(events.values.slice(-2)).toStrictEqual([
      { connection: 'messages', type: 'disconnect', reason: 'closed_by_user' },
      { connection: 'commands', type: 'disconnect', reason: 'closed_by_user' },
    ]);
    expect(events.ended).toBe('complete');
  });

  it('what the same client has published arrives before it is closed', async () => {
    for (let n = 0; n < 20; n++) {
      const redis = make({ url: server().url, protocol });
      const messages = record(redis.subscribe('closing'));
      const published = [redis.publish('closing', 'x').then(), redis.publish('closing', 'y').then()];
      if (n % 2 === 0) await Promise.all(published);
      await redis.close();
      expect(await Promise.all(published)).toStrictEqual([1, 1]);
      expect(messages.values.map(({ data }) => data)).toStrictEqual(['x', 'y']);
      expect(messages.ended).toBe('complete');
    }
  });
});

describe('Beside a subscription', () => {
  const server = useServer();
  const make = useClients();

  it('invalidations of keys stay on the connection of the commands', async () => {
    const other = make(server().url);
    const redis = make({
      url: server().url,
      clientName: 'tracking',
      onConnect: [clientTracking('ON', { BCAST: true })],
    });
    const messages = record(redis.subscribe('beside'));
    const flags = async () => {
      const lines = (await other.call<string>('CLIENT LIST'))
        .split('\n')
        .filter((line) => / name=tracking /.test(line));
      return lines.map((line) => [/ sub=(\d+) /.exec(line)![1], / flags=(\w+) /.exec(line)![1]!]).sort();
    };
    // `t` has its keys tracked, and `P` is subscribed.
    const expected = [
      ['0', expect.stringMatching(/^(?=.*t)[^P]*$/)],
      ['1', expect.stringMatching(/^(?=.*P)[^tB]*$/)],
    ];
    await redis.publish('beside', 'before');
    await until(() => messages.values.length === 1);
    expect(await flags()).toStrictEqual(expected);
    await Promise.all(Array.from({ length: 100 }, (_, n) => other.set(`beside:${n}`, 'x')));
    expect(await redis.get('beside:99')).toBe('x');
    await redis.publish('beside', 'after');
    await until(() => messages.values.length === 2);
    expect(await flags()).toStrictEqual(expected);
    expect(messages.values.map(({ data }) => data)).toStrictEqual(['before', 'after']);
  });
});

import type { Redis, RedisOptions } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 5, maxDelay: 20 };

describe('A line', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: proxy().url(), reconnect: quick, readTimeout: 100, ...options });
  const direct = () => make(server().url);
  const listeners = async (channel: string) => (await direct().pubsubNumsub(channel))[channel];

  it('that carries no requests: nothing ran, the link is given up and what is safe is repeated', async () => {
    const redis = client();
    await redis.set('n', '0');
    proxy().stall('toServer', true);
    const read = outcome(redis.get('n'));
    const write = failure(redis.incr('n'));
    await reaches(redis, 'reconnecting');
    expect(await write).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', cause: { code: 'TIMEOUT' } });
    proxy().cut();
    proxy().stall('toServer', false);
    expect(await read).toStrictEqual({ value: '0' });
  });

  it('that carries no replies: it ran once, the link is given up and what is safe is repeated', async () => {
    const redis = client();
    await redis.set('n', '0');
    proxy().stall('toClient', true);
    const read = outcome(redis.get('n'));
    const write = failure(redis.incr('n'));
    await reaches(redis, 'reconnecting');
    expect(await write).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', cause: { code: 'TIMEOUT' } });
    proxy().stall('toClient', false);
    expect(await read).toStrictEqual({ value: '1' });
  });

  it('that is dead and comes to life in time has lost nothing', async () => {
    const redis = client({ readTimeout: 10_000 });
    await redis.set('n', '0');
    proxy().blackhole(true);
    const replies = Array.from({ length: 100 }, () => outcome(redis.incr('n')));
    expect(await failure(redis.withOptions({ commandTimeout: 30 }).ping())).toMatchObject({ code: 'TIMEOUT' });
    proxy().blackhole(false);
    expect(await Promise.all(replies)).toStrictEqual(Array.from({ length: 100 }, (_, n) => ({ value: n + 1 })));
    expect(proxy().connections.total).toBe(1);
  });

  it('that is dead is dialed again and again until it lives', async () => {
    const redis = client({ connectTimeout: 100 });
    const states = record(redis.state$);
    await redis.connect();
    proxy().blackhole(true);
    const waiting = outcome(redis.get('k'));
    await until(() => states.values.some((state) => state.kind === 'reconnecting' && state.attempt === 2));
    expect(states.values.at(-1)).toMatchObject({ attempt: 2, error: { code: 'TIMEOUT' } });
    proxy().blackhole(false);
    expect(await waiting).toStrictEqual({ value: null });
  });

  it('that is half open is found out by the first command, which is repeated where that is safe', async () => {
    const redis = client();
    await redis.set('k', 'v');
    proxy().halfOpen();
    expect(await redis.get('k')).toBe('v');
    expect(proxy().connections.total).toBe(2);
  });

  it.each([2, 3] as const)(
    'that is half open is found out though nobody sends, and RESP%d listens again',
    async (protocol) => {
      const redis = client({ protocol });
      const messages = record(redis.subscribe('partition'));
      const subscribers = (wanted: number) =>
        eventually(
          () => listeners('partition'),
          (count) => count === wanted,
        );
      await subscribers(1);
      proxy().halfOpen();
      await subscribers(0);
      await subscribers(1);
      await direct().publish('partition', 'hello');
      await until(() => messages.values.length > 0);
      expect(messages.values).toMatchObject([{ channel: 'partition', data: 'hello' }]);
    },
  );

  it.each([2, 3] as const)(
    'that is only silent stays, asked by PING while somebody listens (RESP%d)',
    async (protocol) => {
      const redis = client({ protocol, readTimeout: 1_500 });
      const messages = record(redis.subscribe('partition'));
      const pings = async () =>
        Number(/cmdstat_ping:calls=(\d+)/.exec(await direct().call('INFO', 'commandstats'))?.[1] ?? 0);
      await eventually(
        () => listeners('partition'),
        (count) => count === 1,
      );
      const { total } = proxy().connections;
      const before = await pings();
      await eventually(pings, (count) => count >= before + 2);
      expect(proxy().connections.total).toBe(total);
      await direct().publish('partition', 'hello');
      await until(() => messages.values.length > 0);
      expect(messages.values).toHaveLength(1);
    },
  );

  /** Everything the server is told, once the first of it has come. */
  async function monitored(redis: Redis) {
    const lines = record(redis.dedicated((connection) => connection.monitor()));
    await eventually(
      () => direct().echo('seen'),
      () => lines.values.length > 0,
    );
    return lines;
  }

  it('that is half open is found out by who only monitors', async () => {
    const lines = await monitored(client());
    proxy().halfOpen();
    await until(() => lines.ended !== undefined);
    expect(lines.ended).toMatchObject({ code: 'TIMEOUT' });
  });

  it('that is only silent stays, asked by PING while somebody monitors', async () => {
    const lines = await monitored(client({ readTimeout: 300 }));
    const { total } = proxy().connections;
    const pings = () => lines.values.filter((line) => line.endsWith('"PING"')).length;
    const before = pings();
    await until(() => pings() >= before + 2);
    expect(lines.ended).toBeUndefined();
    expect(proxy().connections.total).toBe(total);
    lines.stop();
  });

  it('that is half open keeps subscriptions until a command finds it out, then they are restored', async () => {
    const redis = client({ readTimeout: 300 });
    const messages = record(redis.subscribe('partition'));
    await eventually(
      () => listeners('partition'),
      (count) => count === 1,
    );
    proxy().halfOpen();
    await eventually(
      () => listeners('partition'),
      (count) => count === 0,
    );
    expect(await redis.ping()).toBe('PONG');
    await eventually(
      () => listeners('partition'),
      (count) => count === 1,
    );
    await redis.publish('partition', 'hello');
    await redis.ping();
    expect(messages.values).toMatchObject([{ channel: 'partition', data: 'hello' }]);
  });

  it('that is slow in each direction changes nothing but the time', async () => {
    const redis = client({ readTimeout: 10_000 });
    proxy().delay(20);
    const replies = Array.from({ length: 50 }, (_, n) => redis.echo(n).then());
    expect(await Promise.all(replies)).toStrictEqual(Array.from({ length: 50 }, (_, n) => String(n)));
  });

  it('that refuses and resets is dialed until it accepts', async () => {
    const redis = client();
    const errors = record(redis.events$);
    await proxy().refuse('reset');
    const waiting = outcome(redis.ping());
    await reaches(redis, 'reconnecting');
    await proxy().refuse(true);
    await until(() =>
      errors.values.some((event) => event.type === 'error' && /ECONNREFUSED/.test(event.error.message)),
    );
    await proxy().refuse(false);
    expect(await waiting).toStrictEqual({ value: 'PONG' });
  });
});

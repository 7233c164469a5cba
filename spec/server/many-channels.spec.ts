import { BehaviorSubject } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { eventually, record, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

const NAMES = Array.from({ length: 30_000 }, (_, n) => `${'channel '.repeat(12)}${n}`.slice(-100));
const LAST = NAMES.at(-1)!;

// The confirmations of all of them together are four times what the server puts up with.
describe.each([3, 2] as const)('Many channels in RESP%d', (protocol) => {
  const server = useServer({ own: true, args: ['--client-output-buffer-limit', 'pubsub', '1mb', '512kb', '5'] });
  const proxy = useProxy(server);
  const make = useClients();
  const admin = () => make(server().url);

  /** Which connections are told to be lost. */
  const lossesOf = (redis: Redis) => {
    const losses: string[] = [];
    redis.events$.subscribe((event) => {
      if (event.type === 'disconnect') losses.push(event.connection);
    });
    return losses;
  };
  const counts = async (one: Redis) => {
    const { [LAST]: last } = await one.pubsubNumsub([LAST]);
    return last;
  };

  it('get ready, with commands in between, and again after a loss', async () => {
    const observer = admin();
    const redis = make({ url: proxy().url(), protocol, reconnect: { initialDelay: 5 } });
    const recorded = record(redis.subscribe(NAMES));
    await redis.ping();
    expect(await counts(observer)).toBe(0);
    await eventually(
      () => observer.pubsubNumsub([LAST]),
      ({ [LAST]: last }) => last === 1,
    );
    const losses = lossesOf(redis);
    proxy().cut();
    await eventually(
      () => counts(observer),
      (count) => count === 0,
    );
    expect(await redis.ping()).toBe('PONG');
    await eventually(
      () => counts(observer),
      (count) => count === 1,
    );
    expect(losses.sort()).toStrictEqual(['commands', 'messages']);
    await observer.publish(LAST, 'x');
    await until(() => recorded.values.length > 0);
    recorded.stop();
    await eventually(
      () => observer.pubsubChannels(),
      (channels) => channels.length === 0,
    );
    expect([losses.length, recorded.ended]).toStrictEqual([2, undefined]);
  });

  it('are left and joined again for new credentials', async () => {
    const observer = admin();
    const channels = server().version.startsWith('6.0') ? [] : ['&*']; // there all may use all
    for (const password of ['one', 'two']) {
      await observer.aclSetuser('many', ['on', `>${password}`, '~*', '+@all', ...channels]);
    }
    const tokens$ = new BehaviorSubject({ username: 'many', password: 'one' });
    const redis = make({ url: server().url, protocol, credentials: tokens$ });
    const errors: unknown[] = [];
    redis.events$.subscribe((event) => {
      if (event.type === 'error') errors.push(event.error);
    });
    const recorded = record(redis.subscribe(NAMES));
    await eventually(
      () => counts(observer),
      (count) => count === 1,
    );
    tokens$.next({ username: 'many', password: 'two' });
    const late = record(redis.subscribe('late'));
    await eventually(
      () => observer.publish('late', 'x'),
      () => late.values.length > 0,
    );
    await eventually(
      () => observer.publish(LAST, 'x'),
      () => recorded.values.length > 0,
    );
    // That message may have come before the channels were left.
    await eventually(
      () => observer.pubsubChannels(),
      ({ length }) => length === NAMES.length + 1,
    );
    expect([errors, recorded.ended]).toStrictEqual([[], undefined]);
  });
});

import { hashSlot } from '../../src/resp/hash-slot';
import { eventually, record, useClients } from '../support/clients';
import { moveSlot, useTwoNodes } from '../support/cluster';
import { useProxy } from '../support/server';
import { until } from '../support/until';

describe('Shard channels', () => {
  const nodes = useTwoNodes();
  const proxy = useProxy(() => nodes()[0].server);
  const make = useClients();
  const client = (options = {}) => make({ url: nodes()[0].server.url, ...options });

  const subscribers = async (channel: string) =>
    (await nodes()[0].admin.call<[string, number]>('PUBSUB SHARDNUMSUB', channel))[1];
  /** Publishes at the first node until the message has arrived. */
  const arrives = (recorded: { values: { data: string }[] }, channel: string, data: string) =>
    eventually(
      () => nodes()[0].admin.call('SPUBLISH', channel, data),
      () => recorded.values.some((message) => message.data === data),
    );

  it('deliver messages of their own kind', async () => {
    const redis = client();
    const recorded = record(redis.ssubscribe('orders'));
    await redis.spublish('orders', 'new');
    await until(() => recorded.values.length > 0);
    expect(recorded.values).toStrictEqual([{ type: 'smessage', channel: 'orders', data: 'new' }]);
  });

  it.each([2, 3] as const)(
    'of several slots are joined, left and joined again in one tick, in RESP%d',
    async (protocol) => {
      const redis = client({ protocol });
      const errors = async () =>
        (await nodes()[0].admin.call<string>('INFO', 'errorstats')).match(/errorstat_CROSSSLOT\S*/);
      const names = ['a', 'b', 'c', '{a}d'];
      const before = await errors();
      for (let round = 0; round < 2; round++) {
        const all = record(redis.ssubscribe(names));
        for (const name of names) await arrives(all, name, `${name} ${round}`);
        all.stop();
        for (const name of names)
          await eventually(
            () => subscribers(name),
            (count) => count === 0,
          );
      }
      expect(await errors()).toStrictEqual(before);
    },
  );

  it('whose slot moves away and comes back are subscribed to again, also for later Observers', async () => {
    const [first, second] = nodes();
    const redis = client();
    const recorded = record(redis.ssubscribe('moving'));
    await arrives(recorded, 'moving', 'before');
    await moveSlot(hashSlot('moving'), first, second);
    await eventually(
      () => subscribers('moving'),
      (count) => count === 0,
    );
    const later = record(redis.ssubscribe('moving'));
    await moveSlot(hashSlot('moving'), second, first);
    await arrives(recorded, 'moving', 'after');
    expect(later.values.some(({ data }) => data === 'after')).toBe(true);
    expect([recorded.ended, later.ended, await subscribers('moving')]).toStrictEqual([undefined, undefined, 1]);
  });

  it('tell of the gap in which the server had taken them away', async () => {
    const [first, second] = nodes();
    const redis = client();
    const recorded = record(redis.ssubscribe('holed', { gaps: true }));
    await until(() => recorded.values.length === 1);
    await moveSlot(hashSlot('holed'), first, second);
    await eventually(
      async () => (await first.admin.pubsubShardnumsub(['holed'])).holed,
      (count) => count === 0,
    );
    await moveSlot(hashSlot('holed'), second, first);
    await until(() => recorded.values.length === 3);
    const [, gap] = recorded.values;
    expect(recorded.values).toMatchObject([
      { type: 'subscribed', channel: 'holed' },
      { type: 'gap', channel: 'holed', reason: { code: 'CONNECTION', message: expect.stringContaining('taken') } },
      { type: 'subscribed', channel: 'holed' },
    ]);
    expect(gap).toMatchObject({ from: expect.any(Date), to: expect.any(Date) });
    recorded.stop();
    await eventually(
      async () => (await first.admin.pubsubShardnumsub(['holed'])).holed,
      (count) => count === 0,
    );
  });

  it('whose slot has moved for longer than a command may take fail with the refusal, and all else goes on', async () => {
    const [first, second] = nodes();
    const redis = client({ commandTimeout: 500 });
    const gone = record(redis.ssubscribe('gone'));
    const stays = record(redis.ssubscribe('stays'));
    await arrives(gone, 'gone', 'before');
    await moveSlot(hashSlot('gone'), first, second);
    await until(() => gone.ended !== undefined);
    expect(gone.ended).toMatchObject({ code: 'REPLY', kind: 'MOVED', command: 'SSUBSCRIBE' });
    const later = record(redis.ssubscribe('gone'));
    await until(() => later.ended !== undefined);
    expect(later.ended).toMatchObject({ kind: 'MOVED' });
    await arrives(stays, 'stays', 'on');
    expect(stays.ended).toBeUndefined();
    await moveSlot(hashSlot('gone'), second, first);
  });

  it.each([2, 3] as const)('that are taken away while they are left shift no reply, in RESP%d', async (protocol) => {
    const [first, second] = nodes();
    const redis = client({ url: proxy().url(), protocol });
    const events: string[] = [];
    redis.events$.subscribe(({ connection, type }) => events.push(`${type} of ${connection}`));
    const left = record(redis.ssubscribe(['left', '{left}too']));
    await arrives(left, '{left}too', 'before');
    // The server takes it away before it has read what leaves it, and then refuses that.
    proxy().stall('toServer', true);
    left.stop();
    await until(() => proxy().held('toServer') > 0);
    await moveSlot(hashSlot('left'), first, second);
    proxy().stall('toServer', false);
    const echoed = Promise.all(['one', 'two', 'three'].map((word) => redis.echo(word)));
    expect(await echoed).toStrictEqual(['one', 'two', 'three']);
    // Its PING behind what leaves is answered, and so is all before it.
    await eventually(
      () => first.admin.call<string>('CLIENT LIST'),
      (list) => list.includes(' cmd=ping '),
    );
    const [channel, pattern] = [record(redis.subscribe('c')), record(redis.psubscribe('c*'))];
    const again = record(redis.ssubscribe('left'));
    await redis.publish('c', 'x');
    await until(() => channel.values.length > 0 && pattern.values.length > 0 && again.ended !== undefined);
    expect([channel.values, pattern.values]).toMatchObject([[{ data: 'x' }], [{ data: 'x', pattern: 'c*' }]]);
    expect(again.ended).toMatchObject({ kind: 'MOVED', command: 'SSUBSCRIBE' });
    expect(events.sort()).toStrictEqual(['connect of commands', 'connect of messages']);
    await moveSlot(hashSlot('left'), second, first);
  });
});

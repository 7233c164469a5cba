import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { until } from '../../support/until';
import { moveSlot, untilKnown, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);

function dataOf(values: readonly unknown[]): string[] {
  return values.flatMap((item) =>
    (item as { data?: string }).data === undefined ? [] : [(item as { data: string }).data],
  );
}

function kindsOf(values: readonly unknown[]): string[] {
  return values.map((item) => (item as { type: string }).type);
}

describe('messages of a cluster', () => {
  it('of channels and patterns come once, and from another node when theirs is killed', async () => {
    const client = connect();
    const channel = record(client.subscribe('news', { gaps: true }));
    const pattern = record(client.psubscribe('new*', { gaps: true }));
    await until(() => channel.values.length === 1 && pattern.values.length === 1);
    await client.publish('news', '1');
    await until(() => dataOf(channel.values).length === 1 && dataOf(pattern.values).length === 1);
    const carrier = client.inspect().links.find(({ role }) => role === 'messages')!;
    await cluster()
      .nodes.find(({ port }) => carrier.address.endsWith(`:${port}`))!
      .kill('SIGKILL');
    await until(() => kindsOf(channel.values).filter((kind) => kind === 'subscribed').length === 2);
    await eventually(
      () => client.publish('news', '2').then(String, () => ''),
      () => dataOf(channel.values).includes('2'),
    );
    expect(kindsOf(channel.values).slice(0, 4)).toEqual(['subscribed', 'message', 'gap', 'subscribed']);
    channel.stop();
    pattern.stop();
  });

  it('of shard channels in many slots come from the owners of these, once where a channel is named twice', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const client = connect();
    const names = Array.from({ length: 60 }, (_, n) => `shard:${n}`);
    const told = record(client.ssubscribe([...names, ...names, Buffer.from(names[0]!)], { gaps: true }));
    await until(() => told.values.length === names.length);
    for (const name of names) expect(await client.spublish(name, name)).toBe(1);
    await until(() => dataOf(told.values).length === names.length);
    expect(dataOf(told.values).sort()).toEqual([...names].sort());
    told.stop();
  });

  it('of a shard channel follow its slot, behind a gap, and none comes twice', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const client = connect();
    const told = record(client.ssubscribe('moving', { gaps: true }));
    const slot = hashSlot('moving');
    await until(() => told.values.length === 1);
    const from = await cluster().ownerOf(slot);
    const to = await cluster().ownerOf((slot + 8_000) % 16_384);
    expect(to).not.toBe(from);
    await client.spublish('moving', 'before');
    await moveSlot(cluster(), slot, from, to);
    await untilKnown(cluster(), slot, to);
    await until(() => kindsOf(told.values).filter((kind) => kind === 'subscribed').length === 2);
    expect(await client.spublish('moving', 'after')).toBe(1);
    await until(() => dataOf(told.values).length === 2);
    expect(kindsOf(told.values)).toEqual(['subscribed', 'smessage', 'gap', 'subscribed', 'smessage']);
    told.stop();
  });

  it('of a shard channel come again when its node is killed', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const client = connect();
    const told = record(client.ssubscribe('killed', { gaps: true }));
    await until(() => told.values.length === 1);
    const owner = await cluster().ownerOf(hashSlot('killed'));
    await owner.kill('SIGKILL');
    await until(() => kindsOf(told.values).includes('gap'));
    expect(await client.spublish('killed', 'again')).toBe(1);
    await until(() => dataOf(told.values).length === 1);
    expect(told.ended).toBeUndefined();
    told.stop();
  });

  it('about keys come from every master, once each', async () => {
    const client = connect();
    const told = record(client.keyspace('event:*', { events: 'set', configure: true, gaps: true }));
    await until(() => told.values.length >= 3);
    const keys = Array.from({ length: 30 }, (_, n) => `event:${n}`);
    for (const key of keys) await client.set(key, '1');
    const seen = () =>
      told.values.flatMap((item) =>
        (item as { key?: string }).key === undefined ? [] : [(item as { key: string }).key],
      );
    await until(() => seen().length >= keys.length);
    expect(seen().sort()).toEqual([...keys].sort());
    told.stop();
  });

  it('about keys come from every master by a pattern that leaves part of their channels open as well', async () => {
    const client = connect();
    for (const node of cluster().nodes) await cluster().admin(node).configSet('notify-keyspace-events', 'KEA');
    const told = record(client.psubscribe('__key*__:*', { gaps: true }));
    const others = record(client.psubscribe('__keys', { gaps: true }));
    await until(() => kindsOf(told.values).filter((kind) => kind === 'subscribed').length === 3);
    await until(() => others.values.length === 1);
    const keys = Array.from({ length: 30 }, (_, n) => `open:${n}`);
    for (const key of keys) await client.set(key, '1');
    await until(() => dataOf(told.values).length >= 2 * keys.length);
    expect(dataOf(told.values).sort()).toEqual([...keys, ...keys.map(() => 'set')].sort());
    await client.publish('__keys', 'once');
    await until(() => dataOf(others.values).length > 0);
    expect(dataOf(others.values)).toEqual(['once']);
    told.stop();
    others.stop();
  });
});

import { TimeoutError } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { refresh } from '../../support/scripted-cluster';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);
afterEach(() => jest.restoreAllMocks());

/** Longer than a spec may take: these limits show nothing. */
const NEVER = 3_600_000;
const limits = { commandTimeout: NEVER, readTimeout: NEVER, connectTimeout: NEVER };

/** The event of a node that was left, and why. */
const leaving = (why: string): unknown =>
  expect.objectContaining({
    type: 'error',
    error: expect.objectContaining({ message: expect.stringContaining(why) as unknown }) as unknown,
  });
const silence = leaving('was silent');

function dataOf(values: readonly unknown[]): string[] {
  return values.map((item) => (item as { data?: string }).data ?? '').filter((data) => data !== '');
}

/** The master of a key, its replica, and another node for clients to begin with. */
async function shardOf(key: string) {
  const master = await cluster().ownerOf(hashSlot(key));
  const [replica] = await cluster().replicasOf(master);
  const { host, port } = cluster().nodes.find((node) => node !== master && node !== replica)!;
  return { master, replica: replica!, nodes: [{ host, port }], address: `${master.host}:${master.port}` };
}

/** Waits until a replica has become a master. */
async function untilPromoted(replica: Awaited<ReturnType<typeof shardOf>>['replica']): Promise<void> {
  await eventually(
    () => cluster().admin(replica).call<unknown[]>('ROLE'),
    ([role]) => role === 'master',
  );
}

describe.each([
  ['SIGKILL', 'reconnecting'],
  ['SIGSTOP', 'connecting'],
] as const)('a master that gets %s', (signal, shownAs) => {
  it('is missed, and left for its successor, by a client that only listens', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const { master, replica, nodes, address } = await shardOf('k');
    for (const node of cluster().nodes) await cluster().admin(node).call('CONFIG SET', 'notify-keyspace-events', 'KEA');
    const listener = connect({ ...limits, nodes });
    const told = record(listener.nodes$);
    const shard = record(listener.ssubscribe('k', { gaps: true }));
    const events = record(listener.psubscribe('__keyspace@0__:k'));
    const publisher = connect({ nodes });
    await until(() => shard.values.length === 1);
    await eventually(
      () => publisher.set('k', '1'),
      () => events.values.length > 0,
    );
    const before = events.values.length;
    await master.kill(signal);
    // Otherwise a view that is asked for without a reason shows it, half a minute later.
    await until(() =>
      told.values.some((all) => all.some((node) => node.address === address && node.state === shownAs)),
    );
    await untilPromoted(replica);
    await eventually(
      () => Promise.all([publisher.set('k', '1'), publisher.spublish('k', 'after')]).catch(() => undefined),
      () => events.values.length > before && dataOf(shard.values).includes('after'),
    );
    expect(shard.values.map(({ type }) => type).slice(0, 3)).toStrictEqual(['subscribed', 'gap', 'subscribed']);
  });
});

describe('a master that hangs', () => {
  it('is left by what was sent to it after its successor has become known', async () => {
    const { master, replica, nodes } = await shardOf('k');
    // The view is asked for at the node that the client began with, which answers before the other one is suspected.
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const client = connect({ ...limits, nodes });
    await client.connect();
    await client.set('k', 'before');
    await master.kill('SIGSTOP');
    await untilPromoted(replica);
    const lost = client.set('k', 'lost').catch((error: unknown) => error);
    refresh(client);
    await until(() => client.nodeFor('k') === `${replica.host}:${replica.port}`);
    // Both wait for the answer that the old master owes.
    expect(await client.set('k', 'after')).toBe('OK');
    expect(await lost).toMatchObject({ delivery: 'unknown', cause: expect.any(TimeoutError) as unknown });
    expect(await client.get('k')).toBe('after');
  });

  it.each([true, false])(
    'is forgotten with all that leads to it, where commands were sent to it: %s',
    async (isAsked) => {
      const { master, nodes, address } = await shardOf('k');
      const client = connect({ ...limits, nodes });
      const events = record(client.events$);
      await client.connect();
      const waiting = client.blpop('k', 0).catch((error: unknown) => error);
      await eventually(
        () => cluster().admin(master).call<string>('CLIENT LIST'),
        (list) => list.includes('cmd=blpop'),
      );
      await master.kill('SIGSTOP');
      const asked = isAsked ? client.get('k') : undefined;
      expect(await waiting).toMatchObject({
        delivery: 'unknown',
        message: expect.stringContaining('was silent, and the cluster has another node in its place') as unknown,
      });
      expect(await asked).toBe(isAsked ? null : undefined);
      await until(() => client.inspect().links.every((link) => link.address !== address));
      // Otherwise a view that is asked for without a reason shows it, half a minute later.
      expect(events.values).toContainEqual(silence);
    },
  );
});

describe('a node that ordinary messages come from', () => {
  it.each([
    ['', limits, silence],
    [', where attempts to connect end before it is suspected', { ...limits, connectTimeout: 500 }, leaving('has left')],
  ])('is left when it hangs, also by a client that only listens%s', async (_, options, reason) => {
    const client = connect(options);
    const events = record(client.events$);
    const told = record(client.subscribe('news', { gaps: true }));
    await until(() => told.values.length === 1);
    const { address } = client.inspect().links.find(({ role }) => role === 'messages')!;
    const source = cluster().nodes.find(({ port }) => address.endsWith(`:${port}`))!;
    const other = cluster().nodes.find((node) => node !== source)!;
    await source.kill('SIGSTOP');
    await eventually(
      () => cluster().admin(other).publish('news', 'after'),
      () => dataOf(told.values).includes('after'),
    );
    expect(told.values.map(({ type }) => type).slice(0, 3)).toStrictEqual(['subscribed', 'gap', 'subscribed']);
    expect(events.values).toContainEqual(reason);
  });
});

describe('a replica that hangs', () => {
  it('is not read from, and gives back what was asked of it once no view names it', async () => {
    const { replica, nodes } = await shardOf('k');
    const client = connect({ ...limits, nodes, reads: 'replica' });
    await client.set('k', '1');
    await client.wait(1, 1_000);
    expect(await client.get('k')).toBe('1');
    await replica.kill('SIGSTOP');
    expect(await Promise.all([client.get('k'), client.get('k')])).toStrictEqual(['1', '1']);
    expect(await client.get('k')).toBe('1');
  });
});

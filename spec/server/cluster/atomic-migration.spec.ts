import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { until } from '../../support/until';
import { untilKnown, useCluster, useClusterClients, type WholeCluster } from '../../support/whole-cluster';
import type { RunningServer } from '../../../infra/servers';

/** Moves slots at once, as newer servers do. */
type Migrate = (
  cluster: WholeCluster,
  first: number,
  last: number,
  from: RunningServer,
  to: RunningServer,
) => Promise<void>;

const byRedis: Migrate = async (cluster, first, last, _from, to) => {
  await cluster.admin(to).call('CLUSTER MIGRATION', 'IMPORT', first, last);
  await eventually(
    () => cluster.admin(to).call<unknown>('CLUSTER MIGRATION', 'STATUS', 'ALL'),
    (tasks) =>
      JSON.stringify(tasks, (_, value: unknown) => (value instanceof Map ? [...value] : value)).includes('completed'),
  );
};

const byValkey: Migrate = async (cluster, first, last, from, to) => {
  await cluster.admin(from).call('CLUSTER MIGRATESLOTS', 'SLOTSRANGE', first, last, 'NODE', await cluster.idOf(to));
  await eventually(
    () => cluster.admin(from).call<unknown>('CLUSTER GETSLOTMIGRATIONS'),
    (tasks) =>
      JSON.stringify(tasks, (_, value: unknown) => (value instanceof Map ? [...value] : value)).includes('success'),
  );
};

describe.each([
  ['redis-8.6', byRedis],
  ['valkey-9.1', byValkey],
] as const)('slots that move at once on %s', (server, migrate) => {
  const cluster = useCluster({ server });
  const connect = useClusterClients(cluster);

  it('keep the order of the calls and lose nothing, with commands that wait at the server', async () => {
    const client = connect();
    const slot = hashSlot('at once');
    const from = await cluster().ownerOf(slot);
    const to = await cluster().ownerOf((slot + 8_000) % 16_384);
    await client.set('at once', '');
    const waiting = client.blpop('{at once}list', 0).then((value) => value);
    const values: number[] = [];
    let isMoving = true;
    let n = 0;
    const writing = (async () => {
      const pending: Promise<unknown>[] = [];
      while (isMoving) {
        for (let burst = 0; burst < 20; burst++) {
          const value = ++n;
          pending.push(client.append('at once', `${value},`).then(() => values.push(value)));
        }
        await new Promise(setImmediate);
      }
      await Promise.all(pending);
    })();
    await migrate(cluster(), slot, slot, from, to);
    await untilKnown(cluster(), slot, to);
    isMoving = false;
    await writing;
    const expected = Array.from({ length: n }, (_, index) => index + 1);
    expect(values).toEqual(expected);
    expect(await client.get('at once')).toBe(expected.map((value) => `${value},`).join(''));
    await client.rpush('{at once}list', 'item');
    expect(await waiting).toEqual(['{at once}list', 'item']);
    expect(client.nodeFor('at once')).toBe(`127.0.0.1:${to.port}`);
  });

  it('are those of a cluster that knows MSETEX, which counts the keys of each part', async () => {
    const client = connect();
    const values = { a: 'NX', b: '2', c: '3', '{a}d': '4' };
    expect(await client.msetex(values, { EX: 100 })).toBe(1);
    expect(await client.mget(Object.keys(values))).toEqual(Object.values(values));
    for (const key of Object.keys(values)) expect(await client.ttl(key)).toBeGreaterThan(0);
    expect(await client.msetex({ '{a}d': '5', '{a}e': '5' }, { NX: true })).toBe(0);
    expect(await client.msetex({ '{a}f': '5', '{a}e': '5' }, { NX: true })).toBe(1);
  });
});

describe('a cluster with several databases', () => {
  const cluster = useCluster({ server: 'valkey-9.1', args: ['--cluster-databases', '4'] });
  const connect = useClusterClients(cluster);

  it('has keys apart by the option `database`', async () => {
    const client = connect({ database: 2 });
    await client.set('a', 'two');
    expect(await connect().get('a')).toBeNull();
    expect(await client.get('a')).toBe('two');
    expect(await client.dbsize()).toBe(1);
    // On other connections as well: a replica's, one that is lent to what waits, and that of keyspace events.
    await client.wait(1, 1_000);
    expect(await client.withOptions({ reads: 'replica' }).get('a')).toBe('two');
    const told = record(client.keyspace('a', { configure: true, gaps: true }));
    await until(() => told.values.length === 1);
    const popped = client.blpop('list', 0).then((value) => value);
    await client.rpush('list', 'item');
    expect(await popped).toEqual(['list', 'item']);
    // And once more on links that are made anew.
    for (const node of cluster().nodes) await cluster().admin(node).call('CLIENT KILL', 'TYPE', 'normal');
    expect(await client.get('a')).toBe('two');
    expect(await client.withOptions({ reads: 'replica' }).get('a')).toBe('two');
    expect(await client.blpop('list', 0.01)).toBeNull();
    await connect().set('a', 'of none');
    await client.set('a', 'changed');
    const events = () => told.values.filter((item) => item.type === undefined);
    await until(() => events().length > 0);
    expect(events()).toEqual([{ key: 'a', event: 'set', database: 2 }]);
    told.stop();
  });
});

describe('a cluster of one node', () => {
  const cluster = useCluster({ masters: 1, replicas: 0 });
  const connect = useClusterClients(cluster);

  it('is used as others are', async () => {
    const client = connect();
    await client.mset({ a: '1', b: '2', c: '3' });
    expect(await client.mget('a', 'b', 'c')).toEqual(['1', '2', '3']);
    expect(await client.withOptions({ reads: 'replica' }).get('a')).toBe('1');
    expect(client.nodes.map(({ slots }) => slots)).toEqual([16_384]);
  });
});

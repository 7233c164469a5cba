import { get, incr, memoryUsage, mset, set } from 'rxjs-redis/commands';
import { RedisCluster } from 'rxjs-redis';
import { startServer, type RunningServer } from '../../../infra/servers';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record, useClients } from '../../support/clients';
import { refresh } from '../../support/scripted-cluster';
import { until } from '../../support/until';
import {
  beginMove,
  endMove,
  failOver,
  moveKeys,
  moveSlot,
  untilKnown,
  useCluster,
  useClusterClients,
  type WholeCluster,
} from '../../support/whole-cluster';

const SLOTS = Array.from({ length: 16_384 }, (_, slot) => slot);

async function calls(cluster: WholeCluster, node: RunningServer, command: string): Promise<number> {
  const text = await cluster.admin(node).call<string>('INFO', 'commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0);
}

type Usage = ReturnType<typeof memoryUsage>;

/** A key of each master. */
function keysOfMasters(client: RedisCluster, masters: number): string[] {
  const keys = new Map<string, string>();
  for (let n = 0; keys.size < masters; n++) keys.set(client.nodeFor(`key:${n}`)!, `key:${n}`);
  return [...keys.values()];
}

/** Waits until every node knows all others. */
async function untilMet(cluster: WholeCluster): Promise<void> {
  const ids = await Promise.all(cluster.nodes.map((node) => cluster.idOf(node)));
  for (const node of cluster.nodes) {
    await eventually(
      () => cluster.admin(node).call<string>('CLUSTER NODES'),
      (text) => ids.every((id) => text.includes(id)) && !text.includes('handshake'),
    );
  }
}

describe('a cluster that is being made', () => {
  const connect = useClients();

  // redis/node-redis#3075, Grokzen/redis-py-cluster#41: no masters, and no hosts either
  it('is waited for without haste where its only node has no slots yet, and does not know its address', async () => {
    const node = await startServer({ own: true, args: ['--cluster-enabled', 'yes'] });
    const client = new RedisCluster({ nodes: [`127.0.0.1:${node.port}`] });
    try {
      client.events$.subscribe();
      const admin = connect(node.url);
      const began = Date.now();
      const written = client.set('k', '1').then(String);
      const asked = async () => {
        const text = await admin.call<string>('INFO', 'commandstats');
        return Number(/cmdstat_cluster(?:\|slots)?:calls=(\d+)/.exec(text)?.[1] ?? 0);
      };
      await eventually(asked, (count) => count >= 4);
      expect(await asked()).toBeLessThanOrEqual(2 * (2 + (Date.now() - began) / 100));
      await admin.call('CLUSTER ADDSLOTS', ...SLOTS);
      expect(await written).toBe('OK');
      expect(client.nodeFor('k')).toBe(`127.0.0.1:${node.port}`);
    } finally {
      await client.destroy();
      await node.stop();
    }
  });
});

describe('a server that is no cluster', () => {
  // redis/jedis#3438, valkey-io/valkey-glide#3026: what tells of slots is refused, and nobody is told
  it('has the commands of a client of clusters fail at once, and say why', async () => {
    const node = await startServer({ own: true });
    const client = new RedisCluster({ nodes: [`127.0.0.1:${node.port}`], commandTimeout: 60_000 });
    client.events$.subscribe();
    const refused = {
      code: 'REPLY',
      kind: 'ERR',
      message: expect.stringMatching(/cluster support disabled/) as unknown,
    };
    try {
      await expect(client.get('k').then(String)).rejects.toMatchObject(refused);
      await expect(client.connect()).rejects.toMatchObject(refused);
      await expect(client.dbsize().then(String)).rejects.toMatchObject(refused);
    } finally {
      await client.destroy();
      await node.stop();
    }
  });
});

describe('a cluster that grows and shrinks', () => {
  const cluster = useCluster({ replicas: 0, fullCoverage: false });
  const connect = useClusterClients(cluster);
  const slot = hashSlot('{grow}');
  let added: RunningServer;
  let first: RunningServer;

  beforeAll(async () => {
    first = await cluster().ownerOf(slot);
    added = await cluster().add();
    await untilMet(cluster());
  });

  // redis/redis#2541, StackExchange/StackExchange.Redis#2846
  it('has events of keys from a master that has joined after they were asked for', async () => {
    const client = connect();
    const told = record(client.keyspace('{grow}*', { events: 'set', configure: true, gaps: true }));
    await until(() => told.values.length >= 3);
    await cluster().admin(added).configSet('notify-keyspace-events', 'KEA');
    await moveSlot(cluster(), slot, first, added);
    await untilKnown(cluster(), slot, added);
    await client.get('{grow}'); // is sent on
    await until(() => told.values.filter((item) => 'type' in item && item.type === 'subscribed').length >= 4);
    await client.set('{grow}event', '1');
    await until(() => told.values.some((item) => 'key' in item && item.key === '{grow}event'));
    told.stop();
    await client.del('{grow}event');
  });

  /** The node that was added gives its slot back, and is forgotten. */
  async function leave(...keys: string[]): Promise<void> {
    await beginMove(cluster(), slot, added, first);
    await moveKeys(cluster(), added, first, ...keys);
    await cluster()
      .admin(first)
      .call('CLUSTER SETSLOT', slot, 'NODE', await cluster().idOf(first));
    await untilKnown(cluster(), slot, first); // the other becomes its replica, as it has no slots any more
    const id = await cluster().idOf(added);
    for (const node of cluster().nodes) if (node !== added) await cluster().admin(node).call('CLUSTER FORGET', id);
  }

  // valkey-io/valkey-go#140, valkey-io/valkey#1757, redisson/redisson#6028
  it('is asked for a slot elsewhere where its node has left and refuses everything, and there again once it is back', async () => {
    const client = connect();
    const counts: number[] = [];
    expect(await client.incr('{grow}n')).toBe(1);
    expect(client.nodeFor('{grow}n')).toBe(`127.0.0.1:${added.port}`);
    await leave('{grow}n');
    await cluster().admin(added).call('CLUSTER RESET', 'HARD');
    const asked = await calls(cluster(), first, 'cluster');
    await Promise.all(Array.from({ length: 200 }, () => client.incr('{grow}n').then((count) => counts.push(count))));
    expect(counts).toEqual(Array.from({ length: 200 }, (_, n) => n + 2));
    expect(client.nodeFor('{grow}n')).toBe(`127.0.0.1:${first.port}`);
    expect((await calls(cluster(), first, 'cluster')) - asked).toBeLessThan(20);
    await until(() => !client.nodes.some(({ address }) => address.endsWith(`:${added.port}`)));
    await cluster().admin(first).call('CLUSTER MEET', '127.0.0.1', added.port);
    await untilMet(cluster());
    await eventually(
      () => cluster().admin(added).call<string>('CLUSTER INFO'),
      (text) => text.includes('cluster_state:ok'),
    );
    await moveSlot(cluster(), slot, first, added);
    await untilKnown(cluster(), slot, added);
    expect(await client.incr('{grow}n')).toBe(202);
    expect(client.nodeFor('{grow}n')).toBe(`127.0.0.1:${added.port}`);
  });

  // redis/node-redis#2806
  it('is asked for a slot elsewhere where its node has left and is gone, unseen by a client that was idle', async () => {
    const client = connect();
    expect(await client.get('{grow}n')).toBe('202');
    expect(client.nodeFor('{grow}n')).toBe(`127.0.0.1:${added.port}`);
    await leave('{grow}n');
    await added.stop();
    expect(await client.incr('{grow}n')).toBe(203);
    await until(() => !client.nodes.some(({ address }) => address.endsWith(`:${added.port}`)));
  });
});

describe('a cluster of masters', () => {
  const cluster = useCluster({ replicas: 0, fullCoverage: false });
  const connect = useClusterClients(cluster);

  /** The slot of a key, the master that has it, and another one. */
  async function ends(key: string) {
    const slot = hashSlot(key);
    const from = await cluster().ownerOf(slot);
    const to = cluster().nodes.find((node) => node !== from)!;
    return { slot, from, to };
  }

  // redis/go-redis#3909
  it('runs a transaction once where it was refused while its keys were at both ends of a slot', async () => {
    const client = connect();
    await client.mset({ '{try}a': '0', '{try}b': '0' });
    const { slot, from, to } = await ends('{try}');
    await beginMove(cluster(), slot, from, to);
    await moveKeys(cluster(), from, to, '{try}a');
    const done = client.multi(incr('{try}n'), mset({ '{try}a': '1', '{try}b': '1' })).then((values) => values);
    await eventually(
      () => calls(cluster(), from, 'multi'),
      (count) => count >= 2, // the first was refused
    );
    await moveKeys(cluster(), from, to, '{try}b');
    await endMove(cluster(), slot, from, to);
    expect(await done).toEqual([1, 'OK']);
    expect(await client.mget('{try}n', '{try}a', '{try}b')).toEqual(['1', '1', '1']);
  });

  // valkey-io/valkey#1066, valkey-io/valkey#759
  it('takes the end of a shard channel whose slot moves at that moment for no reply to anything else', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const client = connect();
    for (let n = 0; n < 10; n++) {
      const { slot, from, to } = await ends('{left}');
      const names = Array.from({ length: 20 }, (_, at) => `{left}${n}:${at}`);
      const told = names.map((name) => record(client.ssubscribe(name, { gaps: true })));
      await until(() => told.every(({ values }) => values.length === 1));
      await beginMove(cluster(), slot, from, to);
      const id = await cluster().idOf(to);
      await cluster().admin(to).call('CLUSTER SETSLOT', slot, 'NODE', id);
      // where that has not heard of it already
      const moved = cluster().admin(from).call('CLUSTER SETSLOT', slot, 'NODE', id).then(String, String);
      for (const one of told.slice(1)) {
        one.stop();
        if (told.indexOf(one) % 4 === n % 4) await new Promise(setImmediate);
      }
      await moved;
      await untilKnown(cluster(), slot, to);
      await until(() => told[0]!.values.length === 3);
      expect(await client.spublish(names[0]!, 'news')).toBe(1);
      await until(() => told[0]!.values.length === 4);
      expect(told[0]!.values.map(({ type }) => type)).toEqual(['subscribed', 'gap', 'subscribed', 'smessage']);
      const again = record(client.ssubscribe(names[1]!));
      await eventually(
        () => client.spublish(names[1]!, 'again'),
        (heard) => heard === 1,
      );
      await until(() => again.values.length > 0);
      again.stop();
      told[0]!.stop();
      await eventually(
        () => client.spublish(names[1]!, 'gone'),
        (heard) => heard === 0,
      );
    }
  });

  // valkey-io/valkey#1369, valkey-io/valkey#560
  it('counts the subscribers of shard channels in several slots at the owners of these', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const client = connect();
    const names = ['sn:a', 'sn:b', 'sn:c', 'sn:d', 'sn:e', 'sn:f'];
    const told = record(client.ssubscribe(names, { gaps: true }));
    await until(() => told.values.length === names.length);
    expect(await client.pubsubShardnumsub([...names, 'sn:none'])).toEqual({
      ...Object.fromEntries(names.map((name) => [name, 1])),
      'sn:none': 0,
    });
    expect((await client.pubsubShardchannels('sn:*')).sort()).toEqual(names);
    told.stop();
  });

  // redis-rs/redis-rs#1814
  it('finds the keys of subcommands in a pipeline, also where their slots move', async () => {
    const client = connect();
    await client.connect();
    const keys = keysOfMasters(client, 3);
    for (const key of keys) await client.set(key, 'value');
    const [a, b, c] = keys.map((key) => memoryUsage(key)) as [Usage, Usage, Usage];
    for (const size of await client.pipeline(a, b, c)) expect(size).toBeGreaterThan(0);
    const { slot, from, to } = await ends(keys[0]!);
    await moveSlot(cluster(), slot, from, to);
    for (const size of await client.pipeline(a, b, c, a, b, c)) expect(size).toBeGreaterThan(0);
  });

  // redis/jedis#3438, valkey-io/valkey-glide#3026
  it('serves a user who may ask for its slots, and for nothing else of it', async () => {
    for (const node of cluster().nodes) {
      await cluster()
        .admin(node)
        .call('ACL SETUSER', 'few', 'on', '>pw', '~*', '+@all', '-@dangerous', '-cluster', '+cluster|slots');
    }
    const client = connect({ username: 'few', password: 'pw', commandTimeout: 5_000 });
    await client.set('few', '1');
    const { slot, from, to } = await ends('few');
    await moveSlot(cluster(), slot, from, to);
    expect(await client.incr('few')).toBe(2);
    refresh(client);
    await until(() => client.nodeFor('few') === `127.0.0.1:${to.port}`);
  });

  // redis/jedis#3438, valkey-io/valkey-glide#3026: NOPERM for what tells of slots
  it('that tells nobody of its slots has commands fail at once, and say why', async () => {
    for (const node of cluster().nodes) {
      await cluster().admin(node).call('ACL SETUSER', 'none', 'on', '>pw', '~*', '+@all', '-cluster');
    }
    const client = connect({ username: 'none', password: 'pw', commandTimeout: 60_000 });
    const refused = { code: 'REPLY', kind: 'NOPERM', command: 'GET', delivery: 'unsent' };
    await expect(client.get('k').then(String)).rejects.toMatchObject(refused);
    await expect(client.connect()).rejects.toMatchObject({ kind: 'NOPERM' });
    for (const node of cluster().nodes) await cluster().admin(node).call('ACL SETUSER', 'none', '+cluster');
    await until(() => client.nodes.length === 3);
    expect(await client.set('k', '1')).toBe('OK');
  });

  // redis/ioredis#581
  it('is used by a client that keeps nothing waiting', async () => {
    const client = connect({ offlineQueue: 0 });
    await client.connect();
    const keys = keysOfMasters(client, 3);
    expect(await Promise.all(keys.map((key) => client.set(key, '1')))).toEqual(['OK', 'OK', 'OK']);
    const { slot, from, to } = await ends(keys[0]!);
    await moveSlot(cluster(), slot, from, to);
    expect(await client.get(keys[0]!)).toBe('1');
  });

  // redis/redis-py#4254
  it('has nothing watched on a connection that was lent for a watch whose slot has moved', async () => {
    const client = connect({ leases: { max: 1 } });
    await client.set('{swap}a', '1');
    const { slot, from, to } = await ends('{swap}');
    let attempts = 0;
    await client.watch('{swap}a', async ({ '{swap}a': a }) => {
      if (++attempts === 1) await moveSlot(cluster(), slot, from, to);
      return [set('{swap}a', Number(a) + 1)];
    });
    const elsewhere = Array.from({ length: 1_000 }, (_, n) => `swap:${n}`).find(
      (key) => client.nodeFor(key) === `127.0.0.1:${from.port}`,
    )!;
    await moveSlot(cluster(), slot, to, from);
    await client.set('{swap}a', '9');
    const values = await client.dedicated({ key: elsewhere }, async (connection) => {
      await client.set('{swap}a', '10'); // would make EXEC answer null
      return connection.multi().set(elsewhere, '1').get(elsewhere).exec();
    });
    expect(values).toEqual(['OK', '1']);
  });

  // redis/ioredis#809, redisson/redisson#1708
  it('goes on where one node has no room for another client, whose commands wait until it has', async () => {
    const client = connect();
    await client.connect();
    const [key, ...others] = keysOfMasters(client, 3) as [string, string, string];
    await client.set(key, '1');
    const owner = await cluster().ownerOf(hashSlot(key));
    const admin = cluster().admin(owner);
    const before = (await admin.configGet('maxclients'))['maxclients']!;
    const count = Number(/connected_clients:(\d+)/.exec(await admin.call<string>('INFO', 'clients'))![1]);
    await admin.configSet('maxclients', String(count));
    const late = connect({
      nodes: cluster()
        .nodes.filter((node) => node !== owner)
        .map(({ host, port }) => ({ host, port })),
    });
    const refused: string[] = [];
    late.events$.subscribe((event) => refused.push(JSON.stringify(event)));
    let isRead = false;
    const read = late.get(key).then((value) => {
      isRead = true;
      return value;
    });
    expect(await Promise.all(others.map((other) => late.set(other, '1')))).toEqual(['OK', 'OK']);
    await eventually(
      () => admin.call<string>('INFO', 'stats'),
      (text) => Number(/rejected_connections:(\d+)/.exec(text)![1]) > 0,
    );
    expect(isRead).toBe(false);
    await admin.configSet('maxclients', before);
    expect(await read).toBe('1');
  });
});

describe('a cluster whose replicas are read', () => {
  const cluster = useCluster({ fullCoverage: false });
  const connect = useClusterClients(cluster);

  /** The master that has the slot of a key, and its replica. */
  async function pairOf(key: string) {
    const master = await cluster().ownerOf(hashSlot(key));
    const [replica] = await cluster().replicasOf(master);
    return { master, replica: replica! };
  }

  /** Waits until what was written is at the replica. */
  async function copied(key: string, value: string): Promise<void> {
    const { replica } = await pairOf(key);
    const reader = connect({ reads: 'replica', nodes: [{ host: replica.host, port: replica.port }] });
    await eventually(
      () => reader.get(key),
      (read) => read === value,
    );
    await reader.destroy();
  }

  // redis/redis-rb#1017, Grokzen/redis-py-cluster#470
  it('is read there again, by pipelines too, once those connections were lost', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('{rr}a', '1');
    await copied('{rr}a', '1');
    const { master, replica } = await pairOf('{rr}a');
    expect(await client.get('{rr}a')).toBe('1');
    const before = await calls(cluster(), replica, 'get');
    await cluster().admin(replica).call('CLIENT KILL', 'TYPE', 'normal');
    // Its master reads meanwhile.
    await eventually(
      async () => {
        expect(await client.get('{rr}a')).toBe('1');
        return calls(cluster(), replica, 'get');
      },
      (count) => count > before,
    );
    const moved = await calls(cluster(), master, 'get');
    expect(await client.pipeline(get('{rr}a'), get('{rr}b'))).toEqual(['1', null]);
    expect(await calls(cluster(), master, 'get')).toBe(moved);
    expect(await calls(cluster(), replica, 'get')).toBeGreaterThanOrEqual(before + 3);
  });

  // redis/redis#7683
  it('has its transactions at masters, also where they only read', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('{mr}a', '1');
    expect(await client.multi(get('{mr}a'), get('{mr}b'))).toEqual(['1', null]);
    expect(await client.watch('{mr}a', ({ '{mr}a': a }) => [get('{mr}a'), set('{mr}b', Number(a))])).toEqual([
      '1',
      'OK',
    ]);
  });

  // StackExchange/StackExchange.Redis#2206, redis/redis#8537
  it('runs scripts that only read at replicas, which are given them', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('{sr}a', '1');
    await copied('{sr}a', '1');
    const { replica } = await pairOf('{sr}a');
    const read = client.script('return redis.call("get", KEYS[1])', { keys: 1, readOnly: true });
    for (let n = 0; n < 3; n++) expect(await read(['{sr}a'])).toBe('1');
    await cluster().admin(replica).call('SCRIPT FLUSH');
    for (let n = 0; n < 3; n++) expect(await read(['{sr}a'])).toBe('1');
    const scripts = (await calls(cluster(), replica, 'evalsha_ro')) + (await calls(cluster(), replica, 'eval_ro'));
    if (!cluster().version.startsWith('6.')) expect(scripts).toBeGreaterThanOrEqual(6);
  });

  // redis/redis#7362, redis/redis#11312, valkey-io/valkey#495
  it('finds a key of a slot that is being moved where the replica tells that it has gone', async () => {
    // Redis tells of no move at replicas, which answer as if there were no such key.
    if (!(await cluster().admin(cluster().nodes[0]!).call<string>('INFO', 'server')).includes('server_name:valkey'))
      return;
    const client = connect({ reads: 'replica' });
    const slot = hashSlot('{gone}');
    await client.set('{gone}a', '1');
    await client.set('{gone}b', '1');
    await copied('{gone}b', '1');
    const { master, replica } = await pairOf('{gone}a');
    const to = cluster()
      .nodes.slice(0, 3)
      .find((node) => node !== master)!;
    await beginMove(cluster(), slot, master, to);
    await moveKeys(cluster(), master, to, '{gone}a');
    const before = await calls(cluster(), replica, 'get');
    expect(await client.get('{gone}a')).toBe('1');
    expect(await client.get('{gone}b')).toBe('1');
    expect(await calls(cluster(), replica, 'get')).toBeGreaterThan(before);
    const both = client.mget('{gone}a', '{gone}b').then((values) => values);
    await moveKeys(cluster(), master, to, '{gone}b');
    await endMove(cluster(), slot, master, to);
    expect(await both).toEqual(['1', '1']);
    await untilKnown(cluster(), slot, to);
    await moveSlot(cluster(), slot, to, master);
    await untilKnown(cluster(), slot, master);
  });

  // StackExchange/StackExchange.Redis#3177, StackExchange/StackExchange.Redis#2791
  it('goes on where nodes are called by other names, and keeps no connection by the old ones', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no names
    const client = connect({ reads: 'replica' });
    const other = connect();
    await client.connect();
    const keys = keysOfMasters(client, 3);
    for (const key of keys) await client.set(key, '1');
    for (const key of keys) await client.get(key);
    const news = record(client.subscribe('named', { gaps: true }));
    const shard = record(client.ssubscribe('named', { gaps: true }));
    await until(() => news.values.length === 1 && shard.values.length === 1);
    const before = client.inspect().links.length;
    const all = async (setting: string, value: string) => {
      for (const node of cluster().nodes) await cluster().admin(node).configSet(setting, value);
    };
    const untilTold = async (name: string) => {
      for (const node of cluster().nodes) {
        await eventually(
          async () => JSON.stringify(await cluster().admin(node).call('CLUSTER SLOTS')),
          (text) => text.split(`["${name}",`).length === 7,
        );
      }
    };
    await all('cluster-announce-hostname', 'localhost');
    await all('cluster-preferred-endpoint-type', 'hostname');
    await untilTold('localhost');
    try {
      refresh(client);
      await until(
        () => client.nodes.length === 6 && client.nodes.every(({ address }) => address.startsWith('localhost:')),
      );
      for (const key of keys) expect(await client.set(key, '2')).toBe('OK');
      for (const key of keys) await client.get(key);
      const heard = (told: typeof news) => told.values.some((item) => item.type === 'message');
      await eventually(
        () => other.publish('named', 'news'),
        () => heard(news),
      );
      await eventually(
        () => other.spublish('named', 'news'),
        () => shard.values.some(({ type }) => type === 'smessage'),
      );
      const links = () => client.inspect().links.map(({ address }) => address);
      await until(() => links().every((address) => address.startsWith('localhost:')));
      expect(links().length).toBeLessThanOrEqual(before);
    } finally {
      await all('cluster-preferred-endpoint-type', 'ip');
      await untilTold('127.0.0.1');
    }
    news.stop();
    shard.stop();
  });

  // redis/redis#7877, valkey-io/valkey#2329
  it('has a read that waits go on where its replica becomes the master', async () => {
    const client = connect({ reads: 'replica' });
    const read = client.xread({ '{xr}log': '$' }, { BLOCK: 0 }).then((value) => value);
    const { master, replica } = await pairOf('{xr}log');
    const blocked = async (node: RunningServer) =>
      Number(/blocked_clients:(\d+)/.exec(await cluster().admin(node).call<string>('INFO', 'clients'))![1]);
    await eventually(
      async () => (await blocked(master)) + (await blocked(replica)),
      (count) => count === 1,
    );
    const { next } = await failOver(cluster(), hashSlot('{xr}log'));
    await untilKnown(cluster(), hashSlot('{xr}log'), next);
    await eventually(
      async () => (await blocked(master)) + (await blocked(replica)),
      (count) => count === 1,
    );
    await connect().xadd('{xr}log', '*', { n: '1' });
    expect(JSON.stringify(await read)).toContain('"n":"1"');
  });

  // redis/go-redis#2653
  it('reads what is there, and what is not, of a replica whose master is away for good', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('{md}a', '1');
    await copied('{md}a', '1');
    const { master, replica } = await pairOf('{md}a');
    expect(await client.get('{md}a')).toBe('1');
    await cluster().admin(replica).configSet('cluster-replica-no-failover', 'yes');
    await master.kill('SIGKILL');
    for (let n = 0; n < 5; n++) {
      expect(await client.get('{md}none')).toBeNull();
      expect(await client.get('{md}a')).toBe('1');
    }
    await master.restart();
    expect(await client.set('{md}a', '2')).toBe('OK');
  });
});

import { filter, firstValueFrom } from 'rxjs';
import { ConfigurationError, DisconnectedError, type RedisCluster, type RedisClusterOptions } from 'rxjs-redis';
import { get, mget, set } from 'rxjs-redis/commands';
import type { RunningServer } from '../../../infra/servers';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { until } from '../../support/until';
import { beginMove, endMove, moveKeys, moveSlot, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster();
const connect = useClusterClients(cluster);

/** A client that keeps what it reads, and knows the nodes. */
async function keeping(options: Partial<RedisClusterOptions> = {}): Promise<RedisCluster> {
  const client = connect({ cache: true, ...options });
  await client.connect();
  return client;
}

/** A key of each master. */
function keysOf(client: RedisCluster): string[] {
  const keys = new Map<string, string>();
  for (let n = 0; keys.size < 3; n++) keys.set(client.nodeFor(`key:${n}`)!, `key:${n}`);
  return [...keys.values()];
}

/** The owner of the slot of a key, and another master. */
async function ends(key: string): Promise<{ slot: number; from: RunningServer; to: RunningServer }> {
  const slot = hashSlot(key);
  const from = await cluster().ownerOf(slot);
  let at = 0;
  let to = await cluster().ownerOf(at);
  while (to === from) to = await cluster().ownerOf((at += 100));
  return { slot, from, to };
}

/** Reads until a value is answered from memory. */
async function hit(client: RedisCluster, key: string): Promise<string | null> {
  const { hits } = client.cache.stats;
  return eventually(
    () => client.get(key),
    () => client.cache.stats.hits > hits,
  );
}

beforeEach(async () => {
  for (const node of cluster().nodes.slice(0, cluster().masters)) await cluster().admin(node).flushall();
});

describe('A cache of a cluster', () => {
  it.each(['default', 'optin', 'broadcast'] as const)(
    'answers from memory until the node of a key tells that it has changed, in the mode %s',
    async (mode) => {
      const [client, other] = [await keeping({ cache: { mode } }), connect()];
      for (const key of keysOf(client)) {
        await other.set(key, '1');
        await hit(client, key);
        await other.set(key, '2');
        await eventually(
          () => client.get(key),
          (value) => value === '2',
        );
        expect(await hit(client, key)).toBe('2');
      }
    },
  );

  it('shows own writes at once, however they are made', async () => {
    const client = await keeping();
    const [key, other] = keysOf(client) as [string, string];
    const seen = async (): Promise<unknown> => {
      const value = await client.get(key);
      await hit(client, key);
      return value;
    };
    await hit(client, key);
    await client.set(key, 'set');
    expect(await seen()).toBe('set');
    await client.mset({ [key]: 'mset', [other]: 'mset' });
    expect(await seen()).toBe('mset');
    await client.pipeline(set(other, 'pipeline'), set(key, 'pipeline'));
    expect(await seen()).toBe('pipeline');
    await client.multi().set(key, 'multi').exec();
    expect(await seen()).toBe('multi');
    await client.script("return redis.call('SET', KEYS[1], 'script')", { keys: 1 })([key], []);
    expect(await seen()).toBe('script');
    await client.dedicated({ key }, (connection) => connection.set(key, 'dedicated'));
    expect(await seen()).toBe('dedicated');
    await client.on(client.nodeFor(key)!).set(key, 'node');
    expect(await seen()).toBe('node');
  });

  it('drops what it has read of a node when the link to that is lost, and nothing else', async () => {
    const client = await keeping();
    const keys = keysOf(client);
    for (const key of keys) await hit(client, key);
    expect(client.cache.stats.entries).toBe(3);
    const owner = await cluster().ownerOf(hashSlot(keys[0]!));
    const lost = firstValueFrom(client.events$.pipe(filter(({ type }) => type === 'disconnect')));
    await cluster().admin(owner).call('CLIENT KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await lost;
    expect(client.cache.stats.entries).toBe(2);
    await hit(client, keys[0]!);
  });

  it('drops what it has read of a node at FLUSHALL there, and nothing else', async () => {
    const client = await keeping();
    const keys = keysOf(client);
    for (const key of keys) {
      await client.set(key, '1');
      await hit(client, key);
    }
    await cluster()
      .admin(await cluster().ownerOf(hashSlot(keys[0]!)))
      .flushall();
    await until(() => client.cache.stats.entries === 2);
    expect(await client.get(keys[0]!)).toBeNull();
    expect(await hit(client, keys[1]!)).toBe('1');
  });

  it.each(['default', 'optin', 'broadcast'] as const)(
    'has the values of the new owner once a slot has moved, in the mode %s',
    async (mode) => {
      const client = await keeping({ cache: { mode } });
      const { slot, from, to } = await ends('{moves}');
      await client.set('{moves}there', 'old');
      await hit(client, '{moves}there');
      await hit(client, '{moves}absent');
      await moveSlot(cluster(), slot, from, to);
      for (const key of ['{moves}there', '{moves}absent']) await cluster().admin(to).set(key, 'new');
      // Of what the old owner has not had it tells nothing: that the slot has moved is known by the first that is sent there.
      await client.set('{moves}other', '1');
      expect(client.cache.stats.entries).toBe(0);
      for (const key of ['{moves}there', '{moves}absent']) {
        expect(await client.get(key)).toBe('new');
        await hit(client, key);
        await cluster().admin(to).set(key, 'newer');
        await eventually(
          () => client.get(key),
          (value) => value === 'newer',
        );
      }
      await moveSlot(cluster(), slot, to, from);
    },
  );

  it('notices that a slot has moved, where nothing else tells', async () => {
    const client = await keeping({ cache: { staleAfter: 500 } });
    const { slot, from, to } = await ends('{quiet}');
    await hit(client, '{quiet}absent');
    await moveSlot(cluster(), slot, from, to);
    await cluster().admin(to).set('{quiet}absent', 'new');
    await eventually(
      () => client.get('{quiet}absent'),
      (value) => value === 'new',
    );
    await moveSlot(cluster(), slot, to, from);
  });

  it('does not keep what it reads behind ASKING', async () => {
    const client = await keeping();
    const { slot, from, to } = await ends('{asked}');
    await client.set('{asked}', '1');
    await beginMove(cluster(), slot, from, to);
    await moveKeys(cluster(), from, to, '{asked}');
    for (const value of ['2', '3', '4']) {
      await client.set('{asked}', value);
      const { hits } = client.cache.stats;
      expect(await Promise.all([client.get('{asked}'), client.get('{asked}')])).toEqual([value, value]);
      expect(await client.get('{asked}')).toBe(value);
      expect(client.cache.stats).toMatchObject({ hits, entries: 0 });
    }
    await endMove(cluster(), slot, from, to);
    await hit(client, '{asked}');
    await moveSlot(cluster(), slot, to, from);
  });

  it('reads keys of several slots at one moment of each node, and keeps the reply to none', async () => {
    const client = await keeping();
    const keys = keysOf(client);
    expect(await client.mget(...keys)).toEqual([null, null, null]);
    expect(await client.mget(...keys)).toEqual([null, null, null]);
    expect(client.cache.stats).toMatchObject({ hits: 0, entries: 0 });
  });

  it('tells by an event that nothing can be kept, and goes on', async () => {
    const client = connect({ cache: true, protocol: 2 });
    const refused = firstValueFrom(client.events$.pipe(filter((event) => event.type === 'error')));
    await client.connect();
    expect((await refused).error).toBeInstanceOf(ConfigurationError);
    await client.set('k', '1');
    expect([await client.get('k'), await client.get('k')]).toEqual(['1', '1']);
    expect(client.cache.stats.hits).toBe(0);
  });

  it('is empty without its option, and when its client is closed', async () => {
    const client = await keeping();
    await hit(client, 'k');
    await client.close();
    expect(client.cache.stats.entries).toBe(0);
    expect(connect().cache.stats.entries).toBe(0);
  });
});

describe('A live query of a cluster', () => {
  it('follows edits while its slot moves to and fro', async () => {
    const [client, writer] = [connect(), connect()];
    const { slot, from, to } = await ends('{live}');
    await writer.set('{live}', '0');
    const { values } = record(client.live(get('{live}')));
    await until(() => values.length === 1);
    let isMoving = true;
    let last = 0;
    const writing = (async () => {
      while (isMoving) last = await writer.incr('{live}');
    })();
    await moveSlot(cluster(), slot, from, to);
    await moveSlot(cluster(), slot, to, from);
    await until(() => values.length > 10);
    isMoving = false;
    await writing;
    await until(() => values.at(-1) === String(last));
    const numbers = values.map(Number);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
  });

  // How soon is held in virtual time: spec/unit/freshness/moved-slots.spec.ts.
  it('goes on at the new owner where nothing else tells that its slot has moved', async () => {
    const client = connect({ readTimeout: 1_000 });
    await client.connect();
    const { slot, from, to } = await ends('{still}');
    const { values } = record(client.live(get('{still}absent')));
    await until(() => values.length === 1);
    await moveSlot(cluster(), slot, from, to);
    await cluster().admin(to).set('{still}absent', 'new');
    await until(() => values.length === 2);
    expect(values).toEqual([null, 'new']);
    await moveSlot(cluster(), slot, to, from);
  });

  it('goes on at the new owner of its slot, also where the old one did not have the key', async () => {
    const client = connect();
    const { slot, from, to } = await ends('{gone}');
    const { values } = record(client.live(get('{gone}absent')));
    await until(() => values.length === 1);
    await moveSlot(cluster(), slot, from, to);
    await cluster().admin(to).set('{gone}absent', 'new');
    await client.set('{gone}other', '1');
    await until(() => values.length === 2);
    await cluster().admin(to).set('{gone}absent', 'newer');
    await until(() => values.length === 3);
    expect(values).toEqual([null, 'new', 'newer']);
    await moveSlot(cluster(), slot, to, from);
  });

  it('waits where its key is at another node already, until its slot is as well', async () => {
    const client = connect();
    const { slot, from, to } = await ends('{half}');
    await client.set('{half}', 'old');
    const recorded = record(client.live(get('{half}')));
    const { values } = recorded;
    await until(() => values.length === 1);
    await beginMove(cluster(), slot, from, to);
    await moveKeys(cluster(), from, to, '{half}');
    await client.set('{half}', 'new');
    await endMove(cluster(), slot, from, to);
    await until(() => values.length === 2);
    expect(values).toEqual(['old', 'new']);
    expect(recorded.ended).toBeUndefined();
    await moveSlot(cluster(), slot, to, from);
  });

  it('is told of FLUSHALL at its node, and of writes of its own client', async () => {
    const client = connect();
    const { values } = record(client.live(get('own')));
    await until(() => values.length === 1);
    await client.set('own', '1');
    await until(() => values.length === 2);
    await cluster()
      .admin(await cluster().ownerOf(hashSlot('own')))
      .flushall();
    await until(() => values.length === 3);
    expect(values).toEqual([null, '1', null]);
  });

  it('reads several commands of one slot at one moment', async () => {
    const client = connect();
    const { values } = record(client.live([get('{pair}a'), mget('{pair}a', '{pair}b')]));
    await until(() => values.length === 1);
    await client.mset({ '{pair}a': '1', '{pair}b': '2' });
    await until(() => values.length === 2);
    expect(values).toEqual([
      [null, [null, null]],
      ['1', ['1', '2']],
    ]);
  });

  it('of several slots is refused unsent, with the slots and a word about hash tags', () => {
    const client = connect();
    const refusal = `live was not sent: its keys are in several slots of the cluster, "a" in slot ${hashSlot('a')}, "b" in slot ${hashSlot('b')}`;
    expect(() => client.live([get('a'), get('b')])).toThrow(refusal);
    expect(() => client.live(mget('a', 'b'))).toThrow(/hash tag/);
    expect(client.inspect()).toMatchObject({ state: 'idle' });
  });

  it('completes when its client is closed, and errors when that is destroyed', async () => {
    const [closed, destroyed] = [connect(), connect()];
    const [first, second] = [record(closed.live(get('k'))), record(destroyed.live(get('k')))];
    await until(() => first.values.length === 1 && second.values.length === 1);
    await closed.close();
    expect(first.ended).toBe('complete');
    await destroyed.destroy();
    expect(second.ended).toBeInstanceOf(DisconnectedError);
  });

  it('errors clearly where the nodes do not track', async () => {
    const recorded = record(connect({ protocol: 2 }).live(get('k')));
    await until(() => recorded.ended !== undefined);
    expect(recorded.ended).toBeInstanceOf(ConfigurationError);
  });
});

describe('A value that is read through a cluster', () => {
  it('is loaded once for all clients, wherever its key and the lock are, and kept in memory where a client does', async () => {
    const [client, other] = [await keeping(), connect()];
    for (const key of keysOf(client)) {
      let loads = 0;
      const load = () => Promise.resolve([key, ++loads]);
      const read = (from: RedisCluster) => from.cached(key, load, { ttl: 60_000, beta: 0, lock: 3_600_000 });
      expect(await Promise.all([read(client), read(other), read(client)])).toStrictEqual(Array(3).fill([key, 1]));
      const { hits } = client.cache.stats;
      await eventually(
        () => read(client),
        () => client.cache.stats.hits > hits,
      );
      await eventually(
        () => other.exists(`${key}:lock`),
        (count) => count === 0,
      );
      await other.unlink(key);
      await eventually(
        () => read(client),
        ([, count]) => count === 2,
      );
    }
  });
});

describe('What is kept of a master that is one no more', () => {
  const cluster = useCluster({ nodeTimeout: 1_000 }, { each: true });
  const connect = useClusterClients(cluster);

  it('is followed by the values of the promoted replica', async () => {
    const [client, other] = [connect({ cache: true }), connect()];
    await client.set('k', 'old');
    await hit(client, 'k');
    const { values } = record(client.live(get('k')));
    const [replica] = await cluster().replicasOf(await cluster().ownerOf(hashSlot('k')));
    await cluster().admin(replica!).call('CLUSTER FAILOVER');
    await eventually(
      () => cluster().admin(replica!).role(),
      ({ role }) => role === 'master',
    );
    await other.set('k', 'new');
    await eventually(
      () => client.get('k'),
      (value) => value === 'new',
    );
    expect(await hit(client, 'k')).toBe('new');
    await until(() => values.at(-1) === 'new');
    expect(values).toEqual(['old', 'new']);
  });

  it('is dropped at once where it is killed, and live queries go on at the promoted replica', async () => {
    const [client, writer] = [connect({ cache: true }), connect()];
    await client.connect();
    await client.set('k', 'old');
    await hit(client, 'k');
    const { values } = record(client.live(get('k')));
    await until(() => values.length === 1);
    const lost = firstValueFrom(client.events$.pipe(filter(({ type }) => type === 'disconnect')));
    await (await cluster().ownerOf(hashSlot('k'))).kill('SIGKILL');
    await lost;
    expect(client.cache.stats.entries).toBe(0);
    await writer.set('k', 'new');
    await until(() => values.at(-1) === 'new');
    expect(values).toEqual(['old', 'new']);
    expect(await client.get('k')).toBe('new');
    expect(await hit(client, 'k')).toBe('new');
  });
});

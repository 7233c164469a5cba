import type { RedisCluster, RedisError } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { until } from '../../support/until';
import { failOver, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);

/** A key of each master, the one that was asked for first. */
function keysOfMasters(client: RedisCluster, first: string): string[] {
  const keys = new Map([[client.nodeFor(first)!, first]]);
  for (let n = 0; keys.size < cluster().masters; n++) {
    const node = client.nodeFor(`key:${n}`)!;
    if (!keys.has(node)) keys.set(node, `key:${n}`);
  }
  return [...keys.values()];
}

/** Listens to the keyspace events of all masters, and tells the kinds of what has come. */
async function listening(client: RedisCluster) {
  const told = record(client.keyspace('event:*', { events: 'set', configure: true, gaps: true }));
  const kinds = () => told.values.map((item) => ('type' in item ? item.type : 'event'));
  await until(() => kinds().filter((kind) => kind === 'subscribed').length === cluster().masters);
  return { told, kinds };
}

describe('when a replica of a cluster takes the place of its master', () => {
  it('a blocking command goes on at the new one, where it waits for the rest of its time', async () => {
    const client = connect();
    const popped = client.blpop('list', 0).then((value) => value);
    const old = await cluster().ownerOf(hashSlot('list'));
    const isBlocked = (text: string) => text.includes('blocked_clients:1');
    await eventually(() => cluster().admin(old).call<string>('INFO', 'clients'), isBlocked);
    const { next } = await failOver(cluster(), hashSlot('list'));
    await eventually(() => cluster().admin(next).call<string>('INFO', 'clients'), isBlocked);
    await client.rpush('list', 'item');
    expect(await popped).toEqual(['list', 'item']);
  });

  it('messages of a shard channel come from the new one, behind a gap, and none twice', async () => {
    if (cluster().version.startsWith('6.')) return; // it has no shard channels
    const client = connect();
    const told = record(client.ssubscribe('news', { gaps: true }));
    await until(() => told.values.length === 1);
    await client.spublish('news', 'before');
    await failOver(cluster(), hashSlot('news'));
    const kinds = () => told.values.map(({ type }) => type);
    await until(() => kinds().filter((kind) => kind === 'subscribed').length === 2);
    // Servers may take the channel more than once before they agree, and what is published in such a gap is lost.
    const after: string[] = [];
    const publish = () => {
      after.push(`after ${after.length}`);
      return client.spublish('news', after.at(-1)!);
    };
    await eventually(publish, () => kinds().filter((kind) => kind === 'smessage').length > 1);
    expect(kinds().join(' ')).toMatch(/^subscribed smessage( gap subscribed)+( gap subscribed| smessage)+$/);
    const [before, ...heard] = told.values.flatMap((item) => ('data' in item ? [item.data] : []));
    expect(before).toBe('before');
    expect(heard).toStrictEqual(after.filter((text) => heard.includes(text)));
    told.stop();
  });

  it('events of its keys come from the new one as well, once each', async () => {
    const client = connect();
    const { told, kinds } = await listening(client);
    await failOver(cluster(), hashSlot('event:1'));
    await client.get('event:1'); // it is sent on, so that the client asks for a view
    await until(() => kinds().includes('gap') && kinds().filter((kind) => kind === 'subscribed').length === 4);
    const keys = Array.from({ length: 60 }, (_, n) => `event:${n}`);
    for (const key of keys) await client.set(key, '1');
    const seen = () => told.values.flatMap((item) => ('key' in item ? [item.key] : []));
    await until(() => new Set(seen()).size === keys.length);
    expect(seen().sort()).toEqual([...keys].sort());
    told.stop();
  });

  it('events of its keys that may have been missed are told by a gap, also where it was killed', async () => {
    const client = connect();
    const { told, kinds } = await listening(client);
    const old = await cluster().ownerOf(hashSlot('event:1'));
    const killedAt = Date.now();
    await old.kill('SIGKILL');
    await until(() => kinds().filter((kind) => kind === 'subscribed').length === 4);
    expect(kinds()).toEqual(['subscribed', 'subscribed', 'subscribed', 'gap', 'subscribed']);
    const gap = told.values.find((item) => 'type' in item && item.type === 'gap');
    expect(gap).toMatchObject({
      pattern: 'event:*',
      reason: { message: expect.stringMatching(/has become a master/) },
    });
    const { from, to } = gap as { from: Date; to: Date };
    expect(from.getTime()).toBeLessThanOrEqual(killedAt);
    expect(to.getTime()).toBeGreaterThan(killedAt);
    told.stop();
  });
});

describe('while a master of a cluster hangs', () => {
  it('commands of other shards are answered, and its own once another has taken its place', async () => {
    const client = connect();
    await client.connect();
    const [own, ...others] = keysOfMasters(client, 'own');
    const master = await cluster().ownerOf(hashSlot('own'));
    let isAnswered = false;
    await master.kill('SIGSTOP');
    const late = client.set(own!, '1').then(
      (value) => ((isAnswered = true), value),
      (error: RedisError) => ((isAnswered = true), error.delivery),
    );
    for (let n = 0; n < 100; n++) for (const key of others) await client.set(key, String(n));
    expect(isAnswered).toBe(false);
    expect(['OK', 'unknown']).toContain(await late);
    expect(await client.set(own!, '2')).toBe('OK');
    await master.kill('SIGCONT');
  });
});

describe('a shard of a cluster that is gone, with its replica', () => {
  async function lost(): Promise<{ client: RedisCluster; others: string[] }> {
    const client = connect({ commandTimeout: 1_500 });
    await client.connect();
    const [, ...others] = keysOfMasters(client, 'own');
    const master = await cluster().ownerOf(hashSlot('own'));
    const [replica] = await cluster().replicasOf(master);
    await Promise.all([replica!.kill('SIGKILL'), master.kill('SIGKILL')]);
    return { client, others };
  }

  it('fails what is asked of all nodes by its time, and names what has not answered', async () => {
    const { client, others } = await lost();
    for (const call of [client.dbsize(), client.keys('*'), client.scriptLoad('return 1')]) {
      const error = await call.then(
        () => undefined,
        (reason: RedisError) => reason,
      );
      expect(error).toMatchObject({ name: expect.stringMatching(/^(TimeoutError|ConnectionError)$/) });
    }
    for (const key of others) expect(await client.set(key, '1')).toBe('OK');
  });
});

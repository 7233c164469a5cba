import { incr, set } from 'rxjs-redis/commands';
import { firstValueFrom, filter } from 'rxjs';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually } from '../../support/clients';
import { moveSlot, untilKnown, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster();
const connect = useClusterClients(cluster);

describe('on a cluster', () => {
  it('a watch changes keys of one slot as what is in them demands, under many others', async () => {
    const client = connect();
    await client.set('{w}stock', '30');
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () =>
        client.watch('{w}stock', ({ '{w}stock': stock }) => [set('{w}stock', Number(stock) - 1), incr('{w}orders')], {
          attempts: 200,
        }),
      ),
    );
    expect(outcomes.every((outcome) => outcome !== null)).toBe(true);
    expect(await client.mget('{w}stock', '{w}orders')).toEqual(['0', '30']);
  });

  it('a watch whose function gives commands of another slot is refused, and nothing is watched or changed', async () => {
    const client = connect({ prefix: 'p:' });
    const decide = jest.fn(() => [set('{wt}a', 2), set('{wu}a', 2)]);
    await client.set('{wt}a', '1');
    const error = await client.watch('{wt}a', decide).then(String, (error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/transaction.*"p:\{wt\}a" in slot.*"p:\{wu\}a" in slot.*hash tag/);
    expect(decide).toHaveBeenCalledTimes(1);
    expect(await client.mget('{wt}a', '{wu}a')).toEqual(['1', null]);
    expect(() => connect({ prefix: 'p:' }).watch(['{wt}a', '{wu}a'], decide)).toThrow(/"p:\{wt\}a" in slot/);
  });

  it('a watch begins anew where its slot moves', async () => {
    const client = connect();
    const slot = hashSlot('{wm}');
    await client.set('{wm}a', '1');
    const from = await cluster().ownerOf(slot);
    const to = await cluster().ownerOf((slot + 8_000) % 16_384);
    let attempts = 0;
    const values = await client.watch('{wm}a', async ({ '{wm}a': a }) => {
      if (++attempts === 1) {
        await moveSlot(cluster(), slot, from, to);
        await untilKnown(cluster(), slot, to);
      }
      return [set('{wm}a', Number(a) + 1)];
    });
    expect(values).toEqual(['OK']);
    expect(attempts).toBeGreaterThanOrEqual(2);
    expect(await client.get('{wm}a')).toBe('2');
  });

  it('a script runs at the node of its keys, which is given it where it lacks it', async () => {
    const client = connect();
    const count = client.script('return redis.call("incrby", KEYS[1], ARGV[1])', { keys: 1 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) expect(await count([`s:${key}`], [2])).toBe(2);
    await client.scriptFlush();
    expect(await client.pipeline(count.command(['s:a'], [1]), count.command(['s:b'], [1]))).toEqual([3, 3]);
    expect((await client.scripts.load()).length).toBe(1);
    expect(await client.multi(count.command(['s:c'], [1]), incr('s:c'))).toEqual([3, 4]);
    expect(() => count(['s:a', 's:b'] as never, [1])).toThrow(TypeError);
  });

  it('a connection is lent to the node of a key', async () => {
    const client = connect();
    await client.rpush('lent', '1', '2');
    const id = await client.dedicated({ key: 'lent' }, (connection) => connection.clusterMyid());
    expect(id).toBe(client.nodes.find(({ address }) => address === client.nodeFor('lent'))!.id);
    const values = await client.dedicated({ key: 'lent' }, async (connection) => {
      await connection.watch('lent');
      return connection.multi().llen('lent').lpop('lent').exec();
    });
    expect(values).toEqual([2, '1']);
    // Each node has a pool of its own, which takes it back.
    const lent = (key: string) => client.dedicated({ key }, (connection) => connection.clientId());
    const elsewhere = ['a', 'b', 'c'].find((key) => client.nodeFor(key) !== client.nodeFor('lent'))!;
    const ids = [await lent('lent'), await lent(elsewhere), await lent('lent'), await lent(elsewhere)];
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    expect(client.inspect().links.filter(({ role }) => role === 'lease').length).toBe(2);
    expect(() => client.dedicated({} as never, () => [])).toThrow(/\{ key \} was expected/);
  });

  it('a queue, a tail and a consumer work at the node of their keys', async () => {
    const client = connect();
    const queue = client.queue('mails');
    const done: string[] = [];
    await queue.push('one');
    await queue.push('two');
    const working = queue.work((job) => void done.push(job.payload)).subscribe({ error: () => undefined });
    await eventually(
      () => client.ping(),
      () => done.length === 2,
    );
    working.unsubscribe();
    await client.xadd('log', '*', { n: '1' });
    const tailed = firstValueFrom(client.tail('log', { from: '0' }).pipe(filter((item) => item.type === 'entry')));
    expect((await tailed).fields).toEqual({ n: '1' });
    const handled: string[] = [];
    const consuming = client
      .consume('log', { group: 'g', from: '0' }, (entry) => void handled.push(entry.id))
      .subscribe({ error: () => undefined });
    await eventually(
      () => client.ping(),
      () => handled.length === 1,
    );
    consuming.unsubscribe();
    const loaded = await client.load(
      Array.from({ length: 3_000 }, (_, n) => n),
      (n) => set(`loaded:${n}`, n),
    );
    expect(loaded).toMatchObject({ done: 3_000, failures: [] });
  });

  it('a scan gives every key of every master', async () => {
    const client = connect();
    await client.flushall();
    const keys = Array.from({ length: 500 }, (_, n) => `scan:${n}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    const seen = new Set<string>();
    for await (const page of client.scanStream({ MATCH: 'scan:*', COUNT: 50 })) for (const key of page) seen.add(key);
    expect([...seen].sort()).toEqual([...keys].sort());
    await client.hset('hash', { a: '1', b: '2' });
    const fields: unknown[] = [];
    for await (const page of client.hscanStream('hash')) fields.push(...page);
    expect(fields.length).toBe(2);
  });

  it('a scan gives every key that is there all the time, also where its slot moves meanwhile', async () => {
    const client = connect();
    await client.flushall();
    const keys = Array.from({ length: 400 }, (_, n) => `{tag${n % 8}}:${n}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    const seen = new Set<string>();
    let pages = 0;
    for await (const page of client.scanStream({ COUNT: 10 })) {
      for (const key of page) seen.add(key);
      if (++pages % 12 !== 0 || pages > 96) continue;
      const slot = hashSlot(`{tag${(pages / 12) % 8}}`);
      const from = await cluster().ownerOf(slot);
      const to = await cluster().ownerOf((slot + 6_000) % 16_384);
      if (from === to) continue;
      await moveSlot(cluster(), slot, from, to);
      await untilKnown(cluster(), slot, to);
    }
    expect(keys.filter((key) => !seen.has(key))).toEqual([]);
  });
});

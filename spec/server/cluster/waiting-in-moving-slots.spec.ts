import { firstValueFrom, filter } from 'rxjs';
import type { RedisCluster } from 'rxjs-redis';
import { incr, set } from 'rxjs-redis/commands';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { until } from '../../support/until';
import {
  beginMove,
  endMove,
  moveKeys,
  moveSlot,
  untilKnown,
  useCluster,
  useClusterClients,
} from '../../support/whole-cluster';

const cluster = useCluster({ replicas: 0 });
const connect = useClusterClients(cluster);

/** Begins to move the slot of a key by hand, from its owner to another master. */
async function move(key: string) {
  const slot = hashSlot(key);
  const from = await cluster().ownerOf(slot);
  const to = await cluster().ownerOf((slot + 8_000) % 16_384);
  await beginMove(cluster(), slot, from, to);
  return { slot, from, to };
}

/** Waits until so many commands wait at a node. */
async function untilBlocked(node: Awaited<ReturnType<typeof move>>['to'], clients: number) {
  await eventually(
    () => cluster().admin(node).call<string>('INFO', 'clients'),
    (text) => text.includes(`blocked_clients:${clients}\r`),
  );
}

describe('a command that waits for a key of a slot that is being moved', () => {
  it('waits where the key would come, and gets it', async () => {
    const client = connect();
    const { slot, from, to } = await move('{w1}');
    const popped = client.blpop('{w1}list', 0).then(String);
    const read = client.xread({ '{w1}log': '$' }, { BLOCK: 0 }).then((value) => value);
    await untilBlocked(to, 2);
    await client.rpush('{w1}list', 'item');
    expect(await popped).toBe('{w1}list,item');
    await client.xadd('{w1}log', '*', { n: '1' });
    expect(JSON.stringify(await read)).toContain('"n":"1"');
    expect(await client.llen('{w1}list')).toBe(0);
    await endMove(cluster(), slot, from, to);
  });

  it('is answered that nothing has come where nothing comes', async () => {
    const client = connect();
    const { slot, from, to } = await move('{w2}');
    const began = Date.now();
    expect(await client.blpop('{w2}list', 0.3)).toBeNull();
    expect(await client.brpoplpush('{w2}list', '{w2}other', 1)).toBeNull();
    expect(await client.xread({ '{w2}log': '$' }, { BLOCK: 100 })).toBeNull();
    expect(Date.now() - began).toBeGreaterThanOrEqual(1_390);
    await endMove(cluster(), slot, from, to);
  });

  it('is answered the same where its keys are at both ends', async () => {
    const client = connect();
    await client.set('{w6}string', '1');
    const { slot, from, to } = await move('{w6}');
    expect(await client.blpop(['{w6}list', '{w6}string'], 0.3)).toBeNull();
    await moveKeys(cluster(), from, to, '{w6}string');
    await endMove(cluster(), slot, from, to);
  });

  it('waits on, from then at the owner, where the move ends', async () => {
    const client = connect();
    const { slot, from, to } = await move('{w3}');
    const popped = client.blpop('{w3}list', 0).then(String);
    await untilBlocked(to, 1);
    await endMove(cluster(), slot, from, to);
    await untilKnown(cluster(), slot, to);
    await client.rpush('{w3}list', 'item');
    expect(await popped).toBe('{w3}list,item');
  });

  it('waits on at the old owner where the move is given up', async () => {
    const client = connect();
    const { slot, from, to } = await move('{w4}');
    const popped = client.blpop('{w4}list', 0).then(String);
    await untilBlocked(to, 1);
    await cluster().admin(from).call('CLUSTER SETSLOT', slot, 'STABLE');
    await cluster().admin(to).call('CLUSTER SETSLOT', slot, 'STABLE');
    await untilBlocked(from, 1);
    await client.rpush('{w4}list', 'item');
    expect(await popped).toBe('{w4}list,item');
  });

  it('is ended at that node when it is wanted no more', async () => {
    const client = connect();
    const { slot, from, to } = await move('{w5}');
    const waiting = client.blpop('{w5}list', 0).subscribe();
    await untilBlocked(to, 1);
    waiting.unsubscribe();
    await untilBlocked(to, 0);
    await client.rpush('{w5}list', 'item');
    expect(await client.llen('{w5}list')).toBe(1);
    await client.del('{w5}list');
    await endMove(cluster(), slot, from, to);
  });

  it('is told that its stream is deleted where that is not moved', async () => {
    if (cluster().version.startsWith('6.')) return; // it tells nothing of that, and the command waits on
    const client = connect();
    await client.xgroupCreate('{w7}log', 'g', '$', { MKSTREAM: true });
    const read = outcome(client.xreadgroup('g', 'c', { '{w7}log': '>' }, { BLOCK: 0 }));
    await untilBlocked(await cluster().ownerOf(hashSlot('w7')), 1);
    await client.del('{w7}log');
    expect(await read).toMatchObject({ error: { kind: 'NOGROUP', delivery: 'answered' } });
  });
});

/** All commands that wait for a key, those that the server has; and what they wait for. */
function waits(redis: RedisCluster, tag: string): Promise<unknown>[] {
  const key = (name: string) => `{${tag}}${name}`;
  const first: PromiseLike<unknown>[] = [
    redis.blpop(key('blpop'), 0),
    redis.brpop(key('brpop'), 0),
    redis.brpoplpush(key('brpoplpush'), key('to'), 0),
    redis.bzpopmin(key('bzpopmin'), 0),
    redis.bzpopmax(key('bzpopmax'), 0),
    redis.xread({ [key('xread')]: '$' }, { BLOCK: 0 }),
    redis.xreadgroup('g', 'c', { [key('xreadgroup')]: '>' }, { BLOCK: 0 }),
  ];
  const newer = () => [
    redis.blmove(key('blmove'), key('to'), 'LEFT', 'LEFT', 0),
    redis.blmpop(0, key('blmpop'), 'LEFT'),
    redis.bzmpop(0, key('bzmpop'), 'MIN'),
  ];
  // A reply is sent for when it is awaited.
  return [...first, ...(cluster().version.startsWith('6.') ? [] : newer())].map(async (reply) => reply);
}

async function bringAll(redis: RedisCluster, tag: string): Promise<void> {
  for (const name of ['blpop', 'brpop', 'brpoplpush', 'blmove', 'blmpop']) await redis.rpush(`{${tag}}${name}`, 'item');
  for (const name of ['bzpopmin', 'bzpopmax', 'bzmpop']) await redis.zadd(`{${tag}}${name}`, { item: 1 });
  for (const name of ['xread', 'xreadgroup']) await redis.xadd(`{${tag}}${name}`, '*', { f: 'item' });
}

describe('every command that waits for a key whose slot', () => {
  it.each([
    ['moves while they wait', 'wait'],
    ['has moved, which the client does not know yet', 'come late'],
  ])('%s gets what comes at the new owner', async (_, moment) => {
    const [client, other] = [connect(), connect()];
    const tag = moment.replace(' ', '');
    await client.xgroupCreate(`{${tag}}xreadgroup`, 'g', '$', { MKSTREAM: true });
    const slot = hashSlot(tag);
    const from = await cluster().ownerOf(slot);
    const to = await cluster().ownerOf((slot + 8_000) % 16_384);
    const before = moment === 'wait' ? waits(client, tag) : undefined;
    if (before !== undefined) await untilBlocked(from, before.length);
    await moveSlot(cluster(), slot, from, to);
    await untilKnown(cluster(), slot, to);
    const all = before ?? waits(client, tag);
    await untilBlocked(to, all.length);
    await bringAll(other, tag);
    for (const got of await Promise.all(all)) expect(JSON.stringify(got)).toContain('item');
  });
});

describe('what reads on and on in a slot that is being moved', () => {
  it('a queue, a tail and a consumer go on with what is not moved yet', async () => {
    const client = connect();
    const { slot, from, to } = await move('{q}');
    const done: string[] = [];
    const working = client
      .queue('{q}mails')
      .work((job) => void done.push(job.payload))
      .subscribe({ error: () => undefined });
    const tailed = record(client.tail('{q}log', { from: '0' }).pipe(filter((item) => item.type === 'entry')));
    await client.queue('{q}mails').push('one');
    await client.xadd('{q}log', '*', { n: '1' });
    await until(() => done.length === 1 && tailed.values.length === 1);
    const handled = client.consume('{q}log', { group: 'g', from: '0' }, (entry) => [entry.id]);
    expect(await firstValueFrom(handled.pipe(filter(() => true)))).toBeDefined();
    working.unsubscribe();
    tailed.stop();
    const keys = await cluster().admin(to).call<string[]>('CLUSTER GETKEYSINSLOT', slot, 100);
    expect(keys.length).toBeGreaterThan(0);
    await endMove(cluster(), slot, from, to);
  });
});

describe('what reads a key of a slot that is being moved', () => {
  it('a scan of a hash that is at the other node already, or nowhere, gives its fields', async () => {
    const client = connect();
    const fields = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`field${n}`, String(n)]));
    await client.hset('{h}moved', fields);
    await client.set('{h}left', '1');
    const { slot, from, to } = await move('{h}');
    const seen = new Map<string, string>();
    let pages = 0;
    for await (const page of client.hscanStream('{h}moved', { COUNT: 100 })) {
      for (const [field, value] of page) seen.set(field, value);
      if (++pages === 2) await moveKeys(cluster(), from, to, '{h}moved');
    }
    expect(Object.fromEntries(seen)).toEqual(fields);
    const none: unknown[] = [];
    for await (const page of client.hscanStream('{h}none')) none.push(page);
    expect(none).toEqual([]);
    await moveKeys(cluster(), from, to, '{h}left');
    await endMove(cluster(), slot, from, to);
  });

  it('a watch of a key that is at the other node already, or nowhere, changes it', async () => {
    const client = connect();
    await client.set('{v}stock', '5');
    await client.set('{v}left', '1');
    const { slot, from, to } = await move('{v}');
    await moveKeys(cluster(), from, to, '{v}stock');
    const bought = client.watch('{v}stock', async ({ '{v}stock': stock }, connection) => [
      set('{v}stock', Number(stock) - Number((await connection.get('{v}none')) ?? 1)),
    ]);
    expect(await bought).toEqual(['OK']);
    expect(await client.watch('{v}new', () => [incr('{v}new'), incr('{v}new')])).toEqual([1, 2]);
    expect(await client.watch(['{v}new', '{v}stock'], (read) => [set('{v}new', JSON.stringify(read))])).toEqual(['OK']);
    expect(await client.get('{v}new')).toBe('{"{v}new":"2","{v}stock":"4"}');
    await moveKeys(cluster(), from, to, '{v}left');
    await endMove(cluster(), slot, from, to);
    expect(await client.get('{v}stock')).toBe('4');
  });
});

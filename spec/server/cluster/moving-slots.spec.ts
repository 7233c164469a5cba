import { merge, take, lastValueFrom, toArray, mergeMap, range } from 'rxjs';
import { ReplyError } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually } from '../../support/clients';
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

const cluster = useCluster();
const connect = useClusterClients(cluster);

/** The owner of a slot, and another master. */
async function ends(slot: number) {
  const from = await cluster().ownerOf(slot);
  for (let other = 0; other < 16_384; other += 100) {
    const to = await cluster().ownerOf(other);
    if (to !== from) return { from, to };
  }
  throw new Error('there is one master');
}

describe('a slot that moves', () => {
  it('keeps the order of the calls to its keys, with many on their way', async () => {
    const client = connect({ autoPipeline: true });
    const slot = hashSlot('moved');
    await client.set('moved', 'begin');
    const { from, to } = await ends(slot);
    const values: string[] = [];
    let isMoving = true;
    let n = 0;
    const writing = (async () => {
      const pending: Promise<unknown>[] = [];
      while (isMoving) {
        for (let burst = 0; burst < 50; burst++) {
          const value = String(++n);
          pending.push(client.append('moved', `${value},`).then(() => values.push(value)));
        }
        await new Promise(setImmediate);
      }
      await Promise.all(pending);
    })();
    await moveSlot(cluster(), slot, from, to);
    await untilKnown(cluster(), slot, to);
    await moveSlot(cluster(), slot, to, from);
    await until(() => n > 500);
    isMoving = false;
    await writing;
    const expected = Array.from({ length: n }, (_, index) => String(index + 1));
    expect(values).toEqual(expected);
    expect(await client.get('moved')).toBe(`begin${expected.map((value) => `${value},`).join('')}`);
  });

  it('is asked for behind ASKING while it moves, under many callers at once', async () => {
    const client = connect();
    const slot = hashSlot('{ask}');
    await client.set('{ask}here', '1');
    const { from, to } = await ends(slot);
    await beginMove(cluster(), slot, from, to);
    const replies = await Promise.all(Array.from({ length: 1_000 }, (_, n) => client.incr(`{ask}${n % 10}`)));
    expect(replies.length).toBe(1_000);
    expect(await client.get('{ask}here')).toBe('1'); // it has not moved yet
    expect(await Promise.all(Array.from({ length: 10 }, (_, n) => client.get(`{ask}${n}`)))).toEqual(
      Array.from({ length: 10 }, () => '100'),
    );
    expect(await client.multi().incr('{ask}m').incr('{ask}m').exec()).toEqual([1, 2]);
    expect(await client.pipeline().incr('{ask}m').get('{ask}here').exec()).toEqual([3, '1']);
    expect(await client.eval('return redis.call("incr", KEYS[1])', ['{ask}m'])).toBe(4);
    await moveKeys(cluster(), from, to, '{ask}here');
    await endMove(cluster(), slot, from, to);
    expect(await client.get('{ask}here')).toBe('1');
    expect(await client.incr('{ask}m')).toBe(5);
  });

  it('has commands wait whose keys are at both ends, and later calls behind them', async () => {
    const client = connect();
    const slot = hashSlot('{half}');
    await client.mset({ '{half}a': '1', '{half}b': '2' });
    const { from, to } = await ends(slot);
    await beginMove(cluster(), slot, from, to);
    await moveKeys(cluster(), from, to, '{half}a');
    const first = client.mset({ '{half}a': 'first', '{half}b': 'first' });
    const outcome = first.then(
      () => 'OK',
      (error: unknown) => String(error),
    );
    await until(() => client.inspect().toRepeat > 0); // it was refused, and waits
    const second = client.set('{half}b', 'second').then(String);
    await moveKeys(cluster(), from, to, '{half}b');
    await endMove(cluster(), slot, from, to);
    expect(await second).toBe('OK');
    // Either the first ran before the second, or it has failed; it never undoes the second.
    expect(['OK', expect.stringContaining('TRYAGAIN')]).toContainEqual(await outcome);
    expect(await client.get('{half}b')).toBe('second');
  });

  it('runs a transaction that meets it once, and whole', async () => {
    const client = connect();
    const slot = hashSlot('{tx}');
    await client.set('{tx}a', '0');
    const { from, to } = await ends(slot);
    let isMoving = true;
    const results: unknown[] = [];
    const running = (async () => {
      while (isMoving)
        results.push(...(await Promise.all([1, 2, 3].map(() => client.multi().incr('{tx}a').incr('{tx}b').exec()))));
    })();
    await moveSlot(cluster(), slot, from, to);
    await untilKnown(cluster(), slot, to);
    isMoving = false;
    await running;
    expect(results).toEqual(results.map((_, index) => [index + 1, index + 1]));
    expect(await client.mget('{tx}a', '{tx}b')).toEqual([String(results.length), String(results.length)]);
  });

  it('takes the commands along that wait at the server, which wait as long as they would have', async () => {
    const client = connect();
    const slot = hashSlot('{wait}');
    const { from, to } = await ends(slot);
    await client.rpush('{wait}other', '1');
    const popped = client.blpop('{wait}list', 0).then((value) => value);
    await eventually(
      () => cluster().admin(from).call<string>('INFO', 'clients'),
      (text) => text.includes('blocked_clients:1'),
    );
    await moveSlot(cluster(), slot, from, to);
    await untilKnown(cluster(), slot, to);
    await eventually(
      () => cluster().admin(to).call<string>('INFO', 'clients'),
      (text) => text.includes('blocked_clients:1'),
    );
    await client.rpush('{wait}list', 'item');
    expect(await popped).toEqual(['{wait}list', 'item']);
    const began = Date.now();
    expect(await client.blpop('{wait}none', 0.3)).toBeNull();
    expect(Date.now() - began).toBeGreaterThanOrEqual(290);
  });

  it('asks for few views where a hundred commands are sent on at once', async () => {
    const client = connect();
    const keys = Array.from({ length: 100 }, (_, n) => `{many${n}}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    const first = await ends(hashSlot(keys[0]!));
    const own = keys.filter((key) => client.nodeFor(key) === `127.0.0.1:${first.from.port}`);
    for (const key of own) await moveSlot(cluster(), hashSlot(key), first.from, first.to);
    const asked = async () => {
      const texts = await Promise.all(
        cluster().nodes.map((node) => cluster().admin(node).call<string>('INFO', 'commandstats')),
      );
      return texts.reduce(
        (sum, text) => sum + Number(/cmdstat_cluster(?:\|slots)?:calls=(\d+)/.exec(text)?.[1] ?? 0),
        0,
      );
    };
    for (const key of own) await untilKnown(cluster(), hashSlot(key), first.to);
    const before = await asked();
    const hundred = Array.from({ length: 100 }, (_, n) => own[n % own.length]!);
    expect(new Set(await Promise.all(hundred.map((key) => client.get(key))))).toEqual(new Set(['1']));
    // Redis 6.0 counts CLUSTER INFO, with which each view is asked for, among them.
    expect((await asked()) - before).toBeLessThanOrEqual(cluster().version.startsWith('6.') ? 4 : 2);
  });

  it('is not followed where a script only says so', async () => {
    const client = connect();
    const lua = `return redis.error_reply('MOVED ${(hashSlot('fake') + 1) % 16_384} 127.0.0.1:1')`;
    const error = await client.eval(lua, ['fake']).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ReplyError);
    expect((error as ReplyError).kind).toBe('MOVED');
    expect(await client.set('fake', 'still there')).toBe('OK');
  });

  it('is not followed where a script without keys says so, which runs once', async () => {
    const client = connect();
    const counter = 'fake {without keys}';
    const runs = async () => {
      const infos = await Promise.all(
        cluster().nodes.map((node) => cluster().admin(node).call<string>('INFO', 'commandstats')),
      );
      return infos.reduce((sum, info) => sum + Number(/cmdstat_eval:calls=(\d+)/.exec(info)?.[1] ?? 0), 0);
    };
    await client.set(counter, '1');
    const before = await runs();
    const named = `MOVED ${hashSlot(counter)} ${client.nodeFor(counter)!}`;
    const error = await client.eval(`return redis.error_reply('${named}')`, []).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: 'ReplyError', kind: 'MOVED', message: named });
    expect((await runs()) - before).toBe(1);
  });

  it('keeps one deadline over all nodes', async () => {
    const client = connect();
    const slot = hashSlot('{late}');
    await client.set('{late}a', '1');
    const { from, to } = await ends(slot);
    await beginMove(cluster(), slot, from, to);
    await moveKeys(cluster(), from, to, '{late}a');
    await client.set('{late}b', '1'); // at the other node
    await cluster().admin(from).set('{late}c', '1').then(String, String);
    const began = Date.now();
    const late = client
      .withOptions({ commandTimeout: 400 })
      .mget('{late}a', '{late}c')
      .then(String, (error: unknown) => error);
    const outcome = await late;
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(outcome === '1,' || outcome instanceof Error).toBe(true);
    await moveKeys(cluster(), from, to, '{late}c').catch(() => undefined);
    await endMove(cluster(), slot, from, to);
    expect(await client.get('{late}a')).toBe('1');
    const all$ = range(0, 100).pipe(
      mergeMap((n) => merge(client.incr(`{late}n${n}`)).pipe(take(1))),
      toArray(),
    );
    expect((await lastValueFrom(all$)).length).toBe(100);
  });
});

import type { RedisCluster } from 'rxjs-redis';
import { get, mget, set } from 'rxjs-redis/commands';
import { hashSlot } from '../../../src/resp/hash-slot';
import { until } from '../../support/until';
import { beginMove, endMove, moveKeys, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ replicas: 0 });
const connect = useClusterClients(cluster);

/** A client that counts what it is refused, and would give up by its policy. */
function counting(delay = 5) {
  let refusals = 0;
  const client = connect({ retry: (attempt) => (refusals++, attempt <= 2 && delay) });
  return { client, refusals: () => refusals };
}

/** Moves one of two keys of a slot. @returns what moves the other, and ends the move */
async function moveHalf(client: RedisCluster, tag: string): Promise<() => Promise<void>> {
  await client.mset({ [`{${tag}}a`]: '1', [`{${tag}}b`]: '2' });
  const slot = hashSlot(`{${tag}}`);
  const from = await cluster().ownerOf(slot);
  const to = cluster().nodes.find((node) => node !== from)!;
  await beginMove(cluster(), slot, from, to);
  await moveKeys(cluster(), from, to, `{${tag}}a`);
  return async () => {
    await moveKeys(cluster(), from, to, `{${tag}}b`);
    await endMove(cluster(), slot, from, to);
  };
}

const both = 'return {redis.call("get", KEYS[1]), redis.call("get", KEYS[2])}';

describe('a command whose keys are at both ends of a slot that moves', () => {
  it.each<[name: string, run: (client: RedisCluster, a: string, b: string) => PromiseLike<unknown>, answer: unknown]>([
    ['MGET', (client, a, b) => client.mget(a, b), ['1', '2']],
    ['MGET with keys of other slots', (client, a, b) => client.mget('other', b, a), [null, '2', '1']],
    ['MGET of a key that is nowhere', (client, a) => client.mget(a, `${a}none`), ['1', null]],
    ['MSET', (client, a, b) => client.mset({ [a]: 'x', [b]: 'y' }), 'OK'],
    ['DEL', (client, a, b) => client.del(a, b), 2],
    ['EXISTS', (client, a, b) => client.exists(a, b), 2],
    ['EVAL', (client, a, b) => client.eval(both, [a, b]), ['1', '2']],
    ['a pipeline', (client, a, b) => client.pipeline([mget(a, b), set(`${a}c`, '3')]), [['1', '2'], 'OK']],
    ['a transaction', (client, a, b) => client.multi([mget(a, b), set(`${a}c`, '3')]), [['1', '2'], 'OK']],
    ['a transaction of single ones', (client, a, b) => client.multi([get(a), set(b, '3')]), ['1', 'OK']],
  ])('waits until the slot has moved, however often it is refused: %s', async (name, run, answer) => {
    const { client, refusals } = counting();
    const tag = name.replaceAll(' ', '-');
    const moveRest = await moveHalf(client, tag);
    const outcome = Promise.resolve(run(client, `{${tag}}a`, `{${tag}}b`));
    await Promise.race([outcome, until(() => refusals() > 5)]);
    await moveRest();
    expect(await outcome).toEqual(answer);
  });

  it('fails where a later write to one of them has run at the other end, and does not undo that', async () => {
    const { client } = counting();
    const moveRest = await moveHalf(client, 'over');
    const first = Promise.allSettled([client.mset({ '{over}a': 'first', '{over}b': 'first' })]);
    expect(await client.set('{over}a', 'second')).toBe('OK'); // which has waited for a second
    await moveRest();
    expect(await first).toMatchObject([{ status: 'rejected', reason: { kind: 'TRYAGAIN', delivery: 'answered' } }]);
    expect(await client.mget('{over}a', '{over}b')).toEqual(['second', '2']);
  });

  it('goes along with its slot, ahead of later calls', async () => {
    const { client, refusals } = counting(500);
    const moveRest = await moveHalf(client, 'along');
    const first = client.mset({ '{along}a': 'first', '{along}b': 'first' }).then(String);
    expect(await client.get('{along}a')).toBe('1'); // which has waited for a second
    const before = refusals();
    await until(() => refusals() > before);
    await moveRest();
    expect(await client.set('{along}a', 'second')).toBe('OK');
    expect(await first).toBe('OK');
    expect(await client.mget('{along}a', '{along}b')).toEqual(['second', 'first']);
  });

  it('reads what a later command of its pipeline has written meanwhile, where it only reads', async () => {
    const { client, refusals } = counting();
    const moveRest = await moveHalf(client, 'read');
    const outcome = client.pipeline([mget('{read}a', '{read}b'), set('{read}b', '3')]).then((replies) => replies);
    await until(() => refusals() > 5);
    await moveRest();
    // On its own it is waited for by later calls.
    expect(await outcome).toEqual([['1', '3'], 'OK']);
    expect(await client.get('{read}b')).toBe('3');
  });

  it('fails at its deadline with what it was refused by', async () => {
    const { client } = counting();
    const moveRest = await moveHalf(client, 'late');
    const late = client.withOptions({ commandTimeout: 300 }).mget('{late}a', '{late}b');
    await expect(late).rejects.toMatchObject({ kind: 'TRYAGAIN', delivery: 'answered' });
    await moveRest();
  });
});

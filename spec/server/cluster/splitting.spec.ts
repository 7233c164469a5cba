import { Socket } from 'node:net';
import { RedisError } from 'rxjs-redis';
import { incr, get, mset, set } from 'rxjs-redis/commands';
import { eventually } from '../../support/clients';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false });
const connect = useClusterClients(cluster);

/** Keys of many slots. */
const KEYS = Array.from({ length: 1_000 }, (_, n) => `key:${n}`);

describe('a command whose keys are in several slots', () => {
  it('is answered in the order of the keys, with those that come twice', async () => {
    const client = connect();
    await client.mset(Object.fromEntries(KEYS.map((key, n) => [key, String(n)])));
    const asked = [...KEYS, 'missing', KEYS[3]!, KEYS[3]!];
    expect(await client.mget(asked)).toEqual([...KEYS.map((_, n) => String(n)), null, '3', '3']);
    expect((await client.bytes.mget('key:1', 'key:2')).map(String)).toEqual(['1', '2']);
  });

  it('is written to each node at once, as a pipeline is', async () => {
    const client = connect();
    await client.mget(KEYS);
    const write = jest.spyOn(Socket.prototype, 'write');
    try {
      const written = async (call: PromiseLike<unknown>): Promise<number[]> => {
        write.mockClear();
        await call;
        const ports = write.mock.contexts.map(({ remotePort }: Socket) => remotePort);
        return cluster().nodes.map(({ port }) => ports.filter((one) => one === port).length);
      };
      expect(await written(client.mget(KEYS))).toEqual([1, 1, 1, 0, 0, 0]);
      expect(await written(client.pipeline(KEYS.map((key) => get(key))))).toEqual([1, 1, 1, 0, 0, 0]);
    } finally {
      write.mockRestore();
    }
  });

  it('adds up what the parts have done', async () => {
    const client = connect();
    await client.mset({ u1: '1', u2: '2', u3: '3', u4: '4' });
    expect(await client.exists('u1', 'u2', 'u3', 'u4', 'none')).toBe(4);
    expect(await client.touch('u1', 'u2', 'none')).toBe(2);
    expect(await client.unlink('u1', 'u2', 'none')).toBe(2);
    expect(await client.del('u1', 'u3', 'u4')).toBe(2);
  });

  it('stays whole where it is to do all or nothing', async () => {
    const client = connect();
    expect(() => client.msetnx({ n1: '1', n2: '2' })).toThrow(TypeError);
    expect(await client.msetnx({ '{n}1': '1', '{n}2': '2' })).toBe(1);
    expect(() => client.msetex({ m1: '1', m2: '2' }, { NX: true })).toThrow(/MSETEX was not sent/);
  });

  it('takes a value that reads like an option for a value', () => {
    const client = connect();
    // Splittable, so nothing is thrown; it is never sent.
    expect(() => client.msetex({ m1: 'NX', m2: 'XX' })).not.toThrow();
  });

  it('goes to all nodes where it has no key, and its replies become one', async () => {
    const client = connect();
    await client.flushall();
    await client.mset(Object.fromEntries(KEYS.slice(0, 100).map((key) => [key, '1'])));
    expect(await client.dbsize()).toBe(100);
    expect((await client.keys('key:*')).sort()).toEqual(KEYS.slice(0, 100).sort());
    expect(KEYS).toContain(await client.randomkey());
    expect(await client.ping()).toBe('PONG');
    expect(await client.ping('hello')).toBe('hello');
    const sha = await client.scriptLoad('return 7');
    expect(await client.scriptExists(sha)).toEqual([1]);
    for (const key of ['a', 'b', 'c', 'd']) expect(await client.evalsha(sha, [key])).toBe(7);
    expect(await client.pubsubNumsub('x', 'y')).toEqual({ x: 0, y: 0 });
    expect(await client.wait(1, 10_000)).toBe(1);
    expect(await client.flushall()).toBe('OK');
    expect(await client.dbsize()).toBe(0);
    expect(await client.randomkey()).toBeNull();
  });

  it('waits for nodes to be known where it is the first', async () => {
    expect(await connect().flushall()).toBe('OK');
    expect(await connect().dbsize()).toBe(0);
  });

  it('is split in a pipeline as well, whose values come in order', async () => {
    const client = connect();
    const values = await client.pipeline(mset({ p1: '1', p2: '2' }), get('p1'), incr('p2'), set('p3', '3'), incr('p1'));
    expect(values).toEqual(['OK', '1', 3, 'OK', 2]);
    const many = await client.pipeline(KEYS.map((key) => set(key, key)));
    expect(new Set(many)).toEqual(new Set(['OK']));
    const [, refused, after] = await client.pipeline(set('word', 'a'), incr('word'), get('word'));
    expect(refused).toBeInstanceOf(RedisError);
    expect(after).toBe('a');
  });

  it('has a part sent again that was lost, where that does no harm, and names it otherwise', async () => {
    if (cluster().version.startsWith('6.0')) return; // it holds back no writes alone
    const client = connect();
    const keys = KEYS.slice(0, 60);
    await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    const admin = cluster().admin(await cluster().ownerOf(0));
    /** Cuts the link of what waits at one of the nodes. */
    const whileCut = async <T>(word: string, call: () => PromiseLike<T>): Promise<T> => {
      await admin.call('CLIENT PAUSE', 60_000, 'WRITE');
      const outcome = Promise.resolve(call());
      outcome.catch(() => undefined);
      const waiting = new RegExp(`id=(\\d+) .* cmd=${word} `);
      const list = await eventually(
        () => admin.call<string>('CLIENT LIST'),
        (text) => waiting.test(text),
      );
      await admin.call('CLIENT KILL', 'ID', waiting.exec(list)![1]!);
      await admin.call('CLIENT UNPAUSE');
      return outcome;
    };
    expect(await whileCut('mset', () => client.mset(Object.fromEntries(keys.map((key) => [key, '2']))))).toBe('OK');
    expect(new Set(await client.mget(keys))).toEqual(new Set(['2']));
    const error = await whileCut('del', () => client.del(keys)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ command: 'DEL', delivery: 'unknown' });
    const { results, deliveries } = (error as RedisError).group!;
    expect(new Set(deliveries)).toEqual(new Set(['answered', 'unknown']));
    expect(results.every((result, at) => (result === 1) === (deliveries[at] === 'answered'))).toBe(true);
  });

  it('names the parts that have failed, and how far they got; the others stand', async () => {
    const client = connect({ commandTimeout: 1_000 });
    await client.mset(Object.fromEntries(KEYS.slice(0, 60).map((key) => [key, 'before'])));
    const owner = await cluster().ownerOf(0);
    const replicas = await cluster().replicasOf(owner);
    for (const node of [...replicas, owner]) await node.kill('SIGKILL');
    const error = (await client.mset(Object.fromEntries(KEYS.slice(0, 60).map((key) => [key, 'after']))).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )) as RedisError;
    expect(error.message).toMatch(/^\d+ of \d+ parts of MSET have failed: slot \d+: /);
    expect(error.command).toBe('MSET');
    const { deliveries } = error.group!;
    expect(new Set(deliveries)).toEqual(new Set(['answered', 'unsent']));
    // Some parts have run, and others have not.
    expect(error.delivery).toBe('unknown');
    const piped = (await client.pipeline(KEYS.slice(0, 60).map((key) => set(key, 'after'))).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )) as RedisError;
    expect(new Set(piped.group!.deliveries)).toEqual(new Set(['answered', 'unsent']));
    expect(piped.delivery).toBe('unknown');
    const values = await Promise.all(KEYS.slice(0, 60).map((key) => client.get(key).then(String, () => 'gone')));
    expect(new Set(values)).toEqual(new Set(['after', 'gone']));
    // A node that is gone makes what is for all of them fail, and not hang.
    await expect(client.dbsize()).rejects.toMatchObject({ command: 'DBSIZE' });
    await expect(client.keys('*')).rejects.toMatchObject({ command: 'KEYS' });
    await expect(client.wait(0, 100)).rejects.toMatchObject({ command: 'WAIT' });
    await expect(client.scriptLoad('return 1')).rejects.toMatchObject({ command: 'SCRIPT LOAD' });
    await expect(client.ping()).rejects.toMatchObject({ command: 'PING' });
    await owner.restart();
    await eventually(
      () =>
        client.dbsize().then(
          () => true,
          () => false,
        ),
      (isThere) => isThere,
    );
  });
});

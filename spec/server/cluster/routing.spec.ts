import { RedisCluster, type ReplyError } from 'rxjs-redis';
import { get, incr, set } from 'rxjs-redis/commands';
import { firstValueFrom, toArray } from 'rxjs';
import { models } from '../../../gen/generate';
import { samplesOf } from '../../../gen/samples';
import * as builders from '../../../src/commands';
import type { Command } from '../../../src/commands/command';
import { hashSlot } from '../../../src/resp/hash-slot';
import { slotOfCommand } from '../../../src/topology/slots-of';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

/** Two commands have names that the client does not know. */
const cluster = useCluster({
  args: ['--rename-command', 'SUBSTR', 'MYSUBSTR', '--rename-command', 'ZUNIONSTORE', 'MYUNION'],
});
const connect = useClusterClients(cluster);
const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

describe('a client of a cluster', () => {
  it('finds all nodes from one', async () => {
    const [first] = cluster().nodes;
    const client = connect({ nodes: [`127.0.0.1:${first!.port}`] });
    await client.connect();
    const { nodes } = client;
    expect(nodes.map(({ address }) => address).sort()).toEqual(
      cluster()
        .nodes.map(({ port }) => `127.0.0.1:${port}`)
        .sort(),
    );
    expect(nodes.filter(({ role }) => role === 'master').reduce((sum, { slots }) => sum + slots, 0)).toBe(16_384);
    expect(nodes.filter(({ role }) => role === 'replica').every(({ master }) => master !== undefined)).toBe(true);
  });

  it('takes another of its nodes where the first cannot be reached', async () => {
    const { nodes } = cluster();
    const client = connect({ nodes: ['127.0.0.1:1', `127.0.0.1:${nodes[1]!.port}`] });
    expect(await client.set('elsewhere', '1')).toBe('OK');
  });

  it('computes the slot of a key as the servers do', async () => {
    const admin = cluster().admin(cluster().nodes[0]!);
    const keys = ['', 'a', '{}', '{}a', '{{b}', 'a{b}c', 'a}{b', 'ä', 'x{ö}y', '日本語', '{user}:1', 'x'.repeat(200)];
    for (const key of keys) expect([key, hashSlot(key)]).toEqual([key, await admin.clusterKeyslot(key)]);
    for (let n = 0; n < 200; n++) {
      const bytes = Buffer.from(Array.from({ length: n % 17 }, (_, i) => (n * 31 + i * 97) % 256));
      expect([bytes, hashSlot(bytes)]).toEqual([bytes, await admin.clusterKeyslot(bytes)]);
    }
  });

  it('sends every command with keys to the node that has their slot', async () => {
    const client = connect();
    await client.connect();
    let sent = 0;
    for (const model of models()) {
      for (const { args } of samplesOf(model)) {
        const command = byName[model.method]?.(...args) as Command;
        if (
          command.keys.length === 0 ||
          command.spec.blocking !== undefined ||
          typeof slotOfCommand(command) !== 'number'
        )
          continue;
        if (command.spec.effect !== undefined || command.spec.name === 'MIGRATE') continue;
        sent++;
        const [value] = (await client.pipeline([command])) as readonly unknown[];
        const { kind = '' } = (value ?? {}) as Partial<ReplyError>;
        expect([model.facts.name, kind]).not.toEqual([model.facts.name, expect.stringMatching(/MOVED|ASK|CROSSSLOT/)]);
      }
    }
    expect(sent).toBeGreaterThan(200);
    const errors = await client.each('masters', (node) => node.call<string>('INFO', 'errorstats'));
    expect(errors.join('')).not.toContain('errorstat_MOVED');
  });

  it('counts the prefix, with its hash tag, for the slot', async () => {
    const client = connect({ prefix: 'p{tag}:' });
    await client.mset({ a: '1', b: '2', c: '3' });
    expect(await client.sinter('s1', 's2')).toEqual([]); // in one slot by the prefix
    expect(client.nodeFor('a')).toBe(client.nodeFor('anything else'));
    expect(await client.mget('a', 'b', 'c')).toEqual(['1', '2', '3']);
    expect((await client.keys('*')).sort()).toEqual(['a', 'b', 'c']);
    expect(await connect().get('p{tag}:a')).toBe('1');
  });

  it('refuses unsent what has keys in several slots and may not be split, and says how to mend it', async () => {
    const client = connect();
    expect(() => client.sinter('a', 'b')).toThrow(/SINTER was not sent.*"a" in slot 15495, "b" in slot 3300.*hash tag/);
    expect(() => client.rename('a', 'b')).toThrow(TypeError);
    expect(() => client.msetnx({ a: '1', b: '2' })).toThrow(/MSETNX was not sent/);
    await expect(client.multi(set('a', '1'), incr('b'))).rejects.toThrow(/MULTI was not sent.*several slots/);
    expect(() => client.watch(['a', 'b'], () => null)).toThrow(TypeError);
    expect(() => client.watch(['a', 'b'], () => null)).toThrow(/watch was not sent.*slot 15495.*slot 3300.*hash tag/);
    expect(client.nodes).toEqual([]); // nothing was opened for that
  });

  it('refuses what is about one server, and what would change one connection alone', () => {
    const client = connect();
    expect(() => client.clientList()).toThrow(/CLIENT LIST was not sent.*cluster\.on\(node\)/);
    expect(() => client.info()).toThrow(/cluster\.each\('masters'/);
    expect(() => client.configGet('maxmemory')).toThrow(TypeError);
    expect(() => client.select(1)).toThrow(/the option 'database'/);
    expect(() => client.auth('secret')).toThrow(/'password' or 'credentials'/);
    expect(() => client.call('RESET')).toThrow(TypeError);
  });

  it('sends commands of one node to that', async () => {
    const client = connect();
    await client.set('here', '1');
    const node = client.on(client.nodeFor('here')!);
    expect(await node.get('here')).toBe('1');
    const other = client.nodes.find(({ role, address }) => role === 'master' && address !== client.nodeFor('here'))!;
    await expect(client.on(other).get('here')).rejects.toMatchObject({ kind: 'MOVED' });
    expect(() => client.on('127.0.0.1:1')).toThrow(/no node "127.0.0.1:1"/);
  });

  it('finds the keys of commands that it does not know, and asks once for each', async () => {
    const client = connect();
    await client.connect();
    const keys = Array.from({ length: 20 }, (_, n) => `unknown:${n}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, `value of ${key}`])));
    const values = await Promise.all(keys.map((key) => client.call<string>('MYSUBSTR', key, 9, -1)));
    expect(values).toEqual(keys);
    // Its keys move, so that the server is asked where they stand in each call.
    for (let n = 0; n < 5; n++) {
      await client.zadd(`{z${n}}one`, { a: 1 });
      expect(await client.call('MYUNION', `{z${n}}sum`, 1, `{z${n}}one`)).toBe(1);
    }
    const stats = await client.each('masters', (node) => node.call<string>('INFO', 'commandstats'));
    const asked = stats.map((text) => Number(/cmdstat_command(?:\|info)?:calls=(\d+)/.exec(text)?.[1] ?? 0));
    // Redis 6.0 counts COMMAND GETKEYS among them.
    expect([2, 7]).toContain(asked.reduce((sum, count) => sum + count));
  });

  it('never writes to a replica, also where a command has no key', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('w', '1');
    for (let n = 0; n < 20; n++) expect(await client.eval('return 1', [])).toBe(1);
    for (let n = 0; n < 20; n++) await client.publish(`to nobody ${n}`, '');
    expect(await client.flushall()).toBe('OK');
    expect(await client.dbsize()).toBe(0);
    const ofReplicas = await client.each('replicas', (node) => node.call<string>('INFO', 'commandstats'));
    // What a master has run comes to its replicas as well, and that they count.
    for (const stats of ofReplicas) expect(stats).not.toMatch(/cmdstat_(eval|publish|dbsize):/);
  });

  it('keeps the order of what is published on one channel', async () => {
    const client = connect();
    const told: string[] = [];
    const confirmed = new Promise<void>((resolve) =>
      client.subscribe('ordered', { gaps: true }).subscribe({
        next: (item) => {
          if (item.type === 'subscribed') resolve();
          else if (item.type === 'message') told.push(item.data);
        },
        error: () => undefined, // the client is destroyed behind the spec
      }),
    );
    await confirmed;
    await Promise.all(Array.from({ length: 500 }, (_, n) => client.publish('ordered', String(n))));
    await until(() => told.length === 500);
    expect(told).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
  });

  it('tells of its nodes and its state, and ends both when it is closed', async () => {
    const client = connect();
    const states = firstValueFrom(client.state$.pipe(toArray()));
    await client.connect();
    await client.close();
    expect((await states).map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'ready', 'closed']);
    await expect(client.get('a')).rejects.toThrow(/the client is closed/);
    expect(() => new RedisCluster({ nodes: [] })).toThrow(/'nodes' is a list/);
    expect(await connect().pipeline(get('nothing'))).toEqual([null]);
  });
});

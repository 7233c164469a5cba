import type { RunningServer } from '../../../infra/servers';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually } from '../../support/clients';
import { refresh } from '../../support/scripted-cluster';
import { failOver, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);

async function calls(node: RunningServer, command: string): Promise<number> {
  const text = await cluster().admin(node).call<string>('INFO', 'commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0);
}

/** Replicas get the data of a master a second after they ask for it, and all of it. */
async function sendCopiesLate(master: RunningServer): Promise<void> {
  const admin = cluster().admin(master);
  await admin.call('CONFIG SET', 'repl-diskless-sync-delay', '1');
  await admin.call('CONFIG SET', 'repl-backlog-size', '16384');
  await admin.set('{k}large', 'x'.repeat(100_000));
}

describe('reading from replicas', () => {
  it('happens where it is asked for, by all commands or by some, and writes go to masters', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('k', '1');
    const master = await cluster().ownerOf(hashSlot('k'));
    const [replica] = await cluster().replicasOf(master);
    await client.wait(1, 1_000);
    for (let n = 0; n < 10; n++) expect(await client.get('k')).toBe('1');
    expect(await calls(replica!, 'get')).toBe(10);
    expect(await calls(master, 'get')).toBe(0);
    expect(await client.withOptions({ reads: 'master' }).get('k')).toBe('1');
    expect(await calls(master, 'get')).toBe(1);
    const other = connect();
    expect(await other.get('k')).toBe('1');
    expect(await other.withOptions({ reads: 'replica' }).mget('k', 'l')).toEqual(['1', null]);
    expect(await calls(replica!, 'mget')).toBe(1);
    expect(() => other.withOptions({ reads: 'slave' as never })).toThrow(/'reads' is one of/);
  });

  it('goes on at the master where the replica is gone, and at the replica once that is back', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('k', '1');
    const master = await cluster().ownerOf(hashSlot('k'));
    const [replica] = await cluster().replicasOf(master);
    await client.wait(1, 1_000);
    expect(await client.get('k')).toBe('1');
    await replica!.kill('SIGKILL');
    for (let n = 0; n < 10; n++) expect(await client.get('k')).toBe('1');
    expect(await calls(master, 'get')).toBeGreaterThanOrEqual(9);
    await sendCopiesLate(master);
    await replica!.restart();
    await eventually(
      async () => {
        // Until it has its copy, which is empty at first, it is not asked.
        expect(await client.get('k')).toBe('1');
        return calls(replica!, 'get');
      },
      (count) => count > 0,
    );
  });

  it('goes on at the master while a replica has another master, and no copy of that yet', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('k', '1');
    const master = await cluster().ownerOf(hashSlot('k'));
    const other = await cluster().ownerOf((hashSlot('k') + 8_000) % 16_384);
    const [mine] = await cluster().replicasOf(master);
    const [replica] = await cluster().replicasOf(other);
    await client.wait(1, 1_000);
    const theirs = Array.from({ length: 100 }, (_, n) => `other:${n}`).find(
      (key) => client.nodeFor(key) === `127.0.0.1:${other.port}`,
    )!;
    expect(await client.get(theirs)).toBe(null);
    expect(await calls(replica!, 'get')).toBe(1);
    await mine!.kill('SIGKILL');
    await sendCopiesLate(master);
    await cluster()
      .admin(replica!)
      .call('CLUSTER REPLICATE', await cluster().idOf(master));
    const before = await calls(replica!, 'get');
    await eventually(
      async () => {
        refresh(client);
        expect(await client.get('k')).toBe('1');
        return calls(replica!, 'get');
      },
      (count) => count > before,
    );
  });

  it('goes on at the master while the replica has lost that and is not to answer by old data', async () => {
    const client = connect({ reads: 'replica' });
    await client.set('k', '0');
    const master = await cluster().ownerOf(hashSlot('k'));
    const [replica] = await cluster().replicasOf(master);
    await client.wait(1, 1_000);
    expect(await client.get('k')).toBe('0');
    const admin = cluster().admin(replica!);
    const setting = { masteruser: 'nobody', masterauth: 'wrong', 'replica-serve-stale-data': 'no' };
    for (const [name, value] of Object.entries(setting)) await admin.call('CONFIG SET', name, value);
    await admin.call('CLIENT KILL', 'TYPE', 'master');
    await eventually(
      () => admin.call<string>('INFO', 'replication'),
      (text) => text.includes('master_link_status:down'),
    );
    for (let n = 1; n <= 20; n++) {
      await client.set('k', String(n));
      expect(await client.get('k')).toBe(String(n));
    }
    for (const name of ['masteruser', 'masterauth']) await admin.call('CONFIG SET', name, '');
    const before = await calls(replica!, 'get');
    await eventually(
      async () => [await client.get('k'), await calls(replica!, 'get')] as const,
      ([value, count]) => value === '20' && count > before,
    );
  });

  it('never gives what a master that was replaced still has, where masters are to read', async () => {
    const client = connect();
    await client.set('k', 'old');
    const { old, next } = await failOver(cluster(), hashSlot('k'));
    await connect().set('k', 'new');
    // This client has not heard of it, and its first command reads.
    expect(client.nodeFor('k')).toBe(`127.0.0.1:${old.port}`);
    expect(await client.get('k')).toBe('new');
    expect(client.nodeFor('k')).toBe(`127.0.0.1:${next.port}`);
    expect([await calls(old, 'get'), await calls(next, 'get')]).toEqual([0, 1]);
  });

  it('is the master’s where no zone is known', async () => {
    const client = connect({ reads: 'same-zone', zone: 'here' });
    await client.set('k', '1');
    expect(await client.get('k')).toBe('1');
  });
});

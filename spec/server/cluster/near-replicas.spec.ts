import { setTimeout } from 'node:timers/promises';
import { eventually } from '../../support/clients';
import { inCluster, portOf, useScriptedClusterClients } from '../../support/scripted-cluster';
import { useScriptedServers, type Script } from '../../support/scripted-server';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

describe('reading from the zone of the client', () => {
  // The first that is released with `availability-zone` is 8.1.
  const cluster = useCluster({ server: 'valkey-9.1' });
  const connect = useClusterClients(cluster);

  it('happens at replicas there where the master is elsewhere', async () => {
    const [first] = cluster().nodes;
    const client = connect({ nodes: [first!.url.replace('redis://', '')], reads: 'same-zone', zone: 'here' });
    await client.set('k', '1');
    for (const node of cluster().nodes) {
      const [role] = await cluster().admin(node).call<unknown[]>('ROLE');
      await cluster()
        .admin(node)
        .call('CONFIG SET', 'availability-zone', role === 'master' ? 'elsewhere' : 'here');
    }
    const [replica] = await cluster().replicasOf(
      cluster().nodes.find(({ port }) => client.nodeFor('k')!.endsWith(`:${port}`))!,
    );
    const reads = async (): Promise<number> => {
      const text = await cluster().admin(replica!).call<string>('INFO', 'commandstats');
      return Number(/cmdstat_get:calls=(\d+)/.exec(text)?.[1] ?? 0);
    };
    await eventually(
      async () => [await client.get('k'), await reads()] as const,
      ([, count]) => count > 10,
    );
  });
});

describe('reading from the nearest node', () => {
  const listen = useScriptedServers();
  const connect = useScriptedClusterClients();

  it('happens at a replica that answers sooner than the master, and at the master once that is sooner', async () => {
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!, ports[1]!]] as const });
    let slow = 'master';
    const node = (name: string): Script => {
      const known = inCluster(view, ([word]) => (word === 'GET' ? `$${name.length}\r\n${name}\r\n` : '+OK\r\n'));
      let last: Promise<unknown> = Promise.resolve();
      return (words, socket) => {
        const reply = known(words, socket)!;
        // In the order of the commands.
        last = last.then(async () => {
          if (slow === name) await setTimeout(50);
          socket.write(reply);
        });
        return undefined;
      };
    };
    const master = await listen(node('master'));
    ports.push(portOf(master), portOf(await listen(node('replica'))));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`], reads: 'nearest' });
    await eventually(
      () => client.get('a'),
      (by) => by === 'replica',
    );
    slow = 'replica';
    await eventually(
      () => client.get('a'),
      (by) => by === 'master',
    );
  });
});

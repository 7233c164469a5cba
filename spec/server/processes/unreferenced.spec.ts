import { join } from 'node:path';
import { runChild } from '../../infra/run-child';
import { useDebuggableServer } from '../../support/debuggable';
import { useTlsServer } from '../../support/tls-server';
import { useCluster } from '../../support/whole-cluster';

describe('A process ends by itself, and no sooner than it should, when a client that was told `unref()`', () => {
  const server = useDebuggableServer();
  const tls = useTlsServer('--tls-auth-clients', 'no');
  const cluster = useCluster({ masters: 1, replicas: 0 });
  const urls = {
    server: () => server().url,
    tls: () => `rediss://127.0.0.1:${tls().tlsPort}`,
    cluster: () => `127.0.0.1:${cluster().nodes[0]!.port}`,
  };

  it.each<[string, string[], keyof typeof urls]>([
    ['is idle', [], 'server'],
    ['was used before', [], 'server'],
    ['observes messages and a live query', [], 'server'],
    ['waits at the server', [], 'server'],
    ['is to reconnect', [], 'server'],
    ['over TLS is idle', [], 'tls'],
    ['of a cluster is idle', [], 'cluster'],
    // What was to be done before the end is done while a command waits, and once more at the end, and not each few milliseconds.
    ['has commands that wait for their replies', ['OK lent', '2'], 'server'],
    ['has a command behind one that waits at the server', ['behind'], 'server'],
    ['of a cluster has a command that waits', ['null'], 'cluster'],
    ['cannot reach its server', ['TimeoutError', 'TimeoutError'], 'server'],
    ['is being closed', ['OK', 'closed'], 'server'],
    ['is to keep it again', ['kept'], 'server'],
    ['is one of many', ['1', '0'], 'server'],
  ])('%s', async (use, said, where) => {
    const child = runChild(join(__dirname, 'unreferenced.child.ts'), [use, urls[where]()]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    expect([await child.exited, output]).toStrictEqual([[0, null], said.map((line) => `${line}\n`).join('')]);
  });
});

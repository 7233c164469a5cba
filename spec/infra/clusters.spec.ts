import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RedisCluster } from 'rxjs-redis';
import { findCli, startCluster, startServer, type RunningServer } from '../../infra/servers';
import { choosePlace } from '../../infra/servers/port';
import { eventually } from '../support/clients';

const COMPOSE = resolve(__dirname, '../../infra/servers/compose-cluster.yaml');
const running: RunningServer[] = [];
const clients: RedisCluster[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.destroy();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

/** The roles of the nodes that a client finds from one. */
async function rolesFrom(port: number): Promise<readonly (string | undefined)[]> {
  const client = new RedisCluster({ nodes: [`127.0.0.1:${port}`] });
  clients.push(client);
  await client.connect();
  expect(await client.mset({ a: '1', b: '2', c: '3' })).toBe('OK');
  expect(client.nodes.reduce((sum, { slots }) => sum + slots, 0)).toBe(16_384);
  return client.nodes.map(({ role }) => role).sort();
}

const SIX = ['master', 'master', 'master', 'replica', 'replica', 'replica'];

describe('startCluster', () => {
  it('brings three masters with a replica each, of one version, of which every node knows', async () => {
    const cluster = await startCluster();
    try {
      expect(new Set(cluster.nodes.map(({ version }) => version)).size).toBe(1);
      for (const { port } of cluster.nodes) expect(await rolesFrom(port)).toEqual(SIX);
    } finally {
      await cluster.stop();
    }
  });
});

describe('The compose file of a cluster', () => {
  it('starts what it says: its own commands bring three masters with a replica each', async () => {
    const text = await readFile(COMPOSE, 'utf8');
    const places = await Promise.all(Array.from({ length: 6 }, choosePlace));
    await Promise.all(places.map(({ folder }) => rm(folder, { recursive: true })));
    const own = text.replace(/\b700([0-5])\b/g, (_, at: string) => String(places[Number(at)]!.port));
    const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-compose-'));
    const scripts = [...own.matchAll(/- >-\n((?: {6,8}\S.*\n?)+)/g)].map(([, lines = '']) =>
      lines
        .replace(/\s*\n\s*/g, ' ')
        .trim()
        .replaceAll('$$', '$'),
    );
    const [node = '', form = ''] = scripts;
    expect(scripts).toHaveLength(2);
    const ports = [...own.matchAll(/environment: \{ PORT: (\d+) \}/g)].map(([, port]) => Number(port));
    expect(ports).toEqual(places.map(({ port }) => port));
    for (const port of ports) {
      const words = `printf '%s\\n' ${node.replace(/^exec redis-server/, '').replace('/tmp/', `${folder}/`)}`;
      const shown = execFileSync('sh', ['-c', words], { env: { PATH: process.env['PATH'], PORT: String(port) } });
      const args = shown.toString().replace(/\n$/, '').split('\n');
      expect(args.slice(0, 2)).toEqual(['--port', String(port)]);
      running.push(await startServer({ own: true, port, args: args.slice(2) }));
    }
    const cli = (await findCli()).map((word) => `'${word}'`).join(' ');
    execFileSync('sh', ['-c', form.replaceAll('redis-cli', cli)], { env: process.env });
    // A replica is named once it has received something.
    await eventually(
      () => rolesFrom(ports[0]!),
      (roles) => roles.join() === SIX.join(),
    );
    await rm(folder, { recursive: true });
  });
});

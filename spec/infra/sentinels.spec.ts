import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startSentinels, startServer, type RunningServer } from '../../infra/servers';
import { choosePlace } from '../../infra/servers/port';
import { eventually, useClients } from '../support/clients';

const COMPOSE = resolve(__dirname, '../../infra/servers/compose-sentinels.yaml');
const running: RunningServer[] = [];
const client = useClients();
afterEach(() => Promise.all(running.splice(0).map((server) => server.stop())));

describe('startSentinels', () => {
  it('brings a master with two replicas that follow it, and three sentinels of the same version that know each other', async () => {
    const trio = await startSentinels();
    try {
      const { servers, sentinels, service } = trio;
      expect(new Set([...servers, ...sentinels].map(({ version }) => version)).size).toBe(1);
      for (const { host, port } of sentinels) {
        const admin = client(`redis://${host}:${port}`);
        expect(await admin.sentinelGetMasterAddrByName(service)).toEqual(['127.0.0.1', servers[0].port]);
        expect(await admin.sentinelReplicas(service)).toHaveLength(2);
        expect(await admin.sentinelSentinels(service)).toHaveLength(2);
      }
      const roles = await Promise.all(servers.map(({ url }) => client(url).role()));
      expect(roles.map(({ role }) => role)).toEqual(['master', 'slave', 'slave']);
    } finally {
      await trio.stop();
    }
  });

  it('is done when both replicas have acknowledged what the master writes: a failover before that would lose it', async () => {
    const trio = await startSentinels();
    try {
      const info = await client(trio.servers[0].url).call<string>('INFO', 'replication');
      expect(info.match(/state=online,offset=[1-9]/g)).toHaveLength(2);
    } finally {
      await trio.stop();
    }
  });
});

describe('The compose file of sentinels', () => {
  it('starts what it says: its own commands bring a master, two replicas and three sentinels', async () => {
    const text = await readFile(COMPOSE, 'utf8');
    const places = await Promise.all(Array.from({ length: 6 }, choosePlace));
    await Promise.all(places.map(({ folder }) => rm(folder, { recursive: true })));
    const ports = new Map(
      ['6379', '6380', '6381', '26379', '26380', '26381'].map((port, at) => [port, String(places[at]!.port)]),
    );
    const own = text.replace(/\b2?63(?:79|80|81)\b/g, (port) => ports.get(port)!);
    const commands = [...own.matchAll(/command: \[redis-server, (.*)\]/g)].map(([, list = '']) =>
      list.split(', ').map((word) => word.replace(/^'(.*)'$/, '$1')),
    );
    expect(commands).toHaveLength(3);
    for (const args of commands) {
      const port = Number(args[args.indexOf('--port') + 1]);
      running.push(
        await startServer({
          own: true,
          port,
          args: args.filter((_, at) => at !== args.indexOf('--port') && at !== args.indexOf('--port') + 1),
        }),
      );
    }
    const [, lines = ''] = /- >-\n((?: {8}.*\n)+)/.exec(own) ?? [];
    const script = lines
      .replace(/\s*\n\s*/g, ' ')
      .trim()
      .replaceAll('$$', '$');
    expect(script).toMatch(/ && exec redis-server \/tmp\/sentinel\.conf --sentinel$/);
    const sentinels = [...own.matchAll(/environment: \{ PORT: (\d+) \}/g)].map(([, port]) => Number(port));
    expect(sentinels).toHaveLength(3);
    const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-compose-'));
    for (const port of sentinels) {
      const file = join(folder, `${port}.conf`);
      const write = script.replace(/ && exec .*/, '').replace('/tmp/sentinel.conf', file);
      execFileSync('sh', ['-c', write], { env: { PATH: process.env['PATH'], PORT: String(port) } });
      running.push(await startServer({ own: true, port, args: [file, '--sentinel'] }));
    }
    const redis = client({ sentinels: sentinels.map((port) => `127.0.0.1:${port}`), service: 'mymaster' });
    expect(await redis.set('k', 1)).toBe('OK');
    const admin = client(`redis://127.0.0.1:${sentinels[0]}`);
    await eventually(
      () => admin.call<string>('INFO', 'sentinel'),
      (info) => info.includes('status=ok') && info.includes('slaves=2,sentinels=3'),
    );
    await rm(folder, { recursive: true });
  });
});

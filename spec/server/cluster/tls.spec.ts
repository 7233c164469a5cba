import dns, { type LookupOptions } from 'node:dns';
import { RedisCluster, type RedisClusterOptions } from 'rxjs-redis';
import { makeCertificates, type Certificates, type IdentityName } from '../../../infra/certificates';
import { startServer, type RunningServer } from '../../../infra/servers';
import { isFree } from '../../../infra/servers/port';
import { slotOf } from '../../../src/resp/hash-slot';
import { eventually, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { Relay } from '../../support/relay';

/** The name of a node, and the certificate that is made out to it. */
const NAMES = ['localhost', 'elsewhere.example'] as const;
const IDENTITIES: readonly IdentityName[] = ['server', 'otherHost'];
const SLOTS = 16_384;

interface SecureNode {
  readonly server: RunningServer;
  readonly tlsPort: number;
}

const make = useClients();
const clients: RedisCluster[] = [];
const nodes: SecureNode[] = [];
let certificates: Certificates;

/** Keys of the first node and of the second. */
const keys = [0, 1].map((at) => nameInHalf(at));

function nameInHalf(at: number): string {
  for (let n = 0; ; n++) if (Math.floor((slotOf(`key:${n}`) * 2) / SLOTS) === at) return `key:${n}`;
}

const admin = ({ server }: SecureNode) => make(server.url);

beforeAll(async () => {
  certificates = await makeCertificates();
  for (const at of [0, 1]) nodes.push(await startNode(at));
  const [first, second] = nodes as [SecureNode, SecureNode];
  await admin(second).call('CLUSTER MEET', '127.0.0.1', first.tlsPort);
  for (const node of nodes) {
    await eventually(
      () => admin(node).call<string>('CLUSTER INFO'),
      (told) => told.includes('cluster_state:ok') && told.includes('cluster_known_nodes:2'),
    );
  }
});

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(clients.splice(0).map((cluster) => cluster.destroy()));
});

afterAll(async () => {
  await Promise.all(nodes.map(({ server }) => server.stop()));
  await certificates.remove();
});

/** A node with half of the slots, that speaks TLS to the other, too. */
async function startNode(at: number): Promise<SecureNode> {
  const tlsPort = await freePort();
  const { certFile, keyFile } = certificates[IDENTITIES[at]!];
  const server = await startServer({
    own: true,
    args: [
      ...[
        '--cluster-enabled',
        'yes',
        '--tls-cluster',
        'yes',
        '--tls-port',
        String(tlsPort),
        '--tls-auth-clients',
        'no',
      ],
      ...['--tls-ca-cert-file', certificates.caFile, '--tls-cert-file', certFile, '--tls-key-file', keyFile],
    ],
  });
  const first = (at * SLOTS) / 2;
  await make(server.url).clusterAddslots(Array.from({ length: SLOTS / 2 }, (_, slot) => first + slot));
  return { server, tlsPort };
}

/** With room for the port of the bus, 10 000 above. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

function cluster(options: RedisClusterOptions): RedisCluster {
  const made = new RedisCluster(options);
  clients.push(made);
  return made;
}

/** Both nodes have a name by which they want to be called; false where the server has no such setting. */
async function haveNames(): Promise<boolean> {
  for (const [at, node] of nodes.entries()) {
    const refused = await outcome(admin(node).call('CONFIG SET', 'cluster-announce-hostname', NAMES[at]!));
    if ('error' in refused) return false;
    await admin(node).call('CONFIG SET', 'cluster-preferred-endpoint-type', 'hostname');
  }
  for (const node of nodes) {
    await eventually(
      async () => JSON.stringify(await admin(node).call('CLUSTER SLOTS')),
      (told) => NAMES.every((name) => told.includes(`["${name}"`)),
    );
  }
  return true;
}

/** Every name leads to this machine. Gives those that were asked for. */
function lookUpHere(): Set<string> {
  const asked = new Set<string>();
  const answer = (name: string, { all = false }: LookupOptions, told: (...answer: unknown[]) => void): void => {
    asked.add(name);
    process.nextTick(() => (all ? told(null, [{ address: '127.0.0.1', family: 4 }]) : told(null, '127.0.0.1', 4)));
  };
  jest.spyOn(dns, 'lookup').mockImplementation(answer as never);
  return asked;
}

describe('A cluster that speaks TLS', () => {
  it('is reached at the ports for TLS, by messages and leases as well', async () => {
    // Both certificates are of the authority; one is made out to another name than the address.
    const tls = { ca: certificates.ca, checkServerIdentity: () => undefined };
    const redis = cluster({ nodes: [{ host: '127.0.0.1', port: nodes[0]!.tlsPort }], tls });
    for (const key of keys) expect(await redis.set(key, key)).toBe('OK');
    expect(await redis.mget(...keys)).toStrictEqual(keys);
    let heard: unknown;
    const listening = redis.subscribe('news').subscribe(({ data }) => (heard = data));
    // A node counts its own receivers alone.
    await eventually(
      () => redis.publish('news', 'heard').then(() => heard),
      (data) => data === 'heard',
    );
    listening.unsubscribe();
    for (const key of keys) {
      await redis.rpush(`{${key}}:list`, 'element');
      expect(await redis.blpop(`{${key}}:list`, 1)).toStrictEqual([`{${key}}:list`, 'element']);
    }
    const addresses = redis.nodes.map(({ address }) => address);
    expect(addresses.sort()).toStrictEqual(nodes.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`).sort());
  });

  it('is reached at the ports for TLS that nodes announce', async () => {
    const [first, second] = nodes as [SecureNode, SecureNode];
    const relay = await Relay.start({ host: '127.0.0.1', port: second.tlsPort });
    const announces = (port: number) => admin(second).call('CONFIG SET', 'cluster-announce-tls-port', port);
    try {
      const refused = await outcome(announces(relay.port));
      if ('error' in refused) return; // only where it is started with that
      for (const one of nodes.map(admin)) {
        await eventually(
          async () => (await one.clusterShards()).flatMap((shard) => shard.nodes.map((node) => node['tls-port'])),
          (ports) => ports.includes(relay.port),
        );
      }
      const tls = { ca: certificates.ca, checkServerIdentity: () => undefined };
      const redis = cluster({ nodes: [{ host: '127.0.0.1', port: first.tlsPort }], tls });
      for (const key of keys) expect(await redis.set(key, key)).toBe('OK');
      expect(await redis.mget(...keys)).toStrictEqual(keys);
      const addresses = redis.nodes.map(({ address }) => address);
      expect(addresses.sort()).toStrictEqual([first.tlsPort, relay.port].map((port) => `127.0.0.1:${port}`).sort());
    } finally {
      await outcome(announces(0));
      await relay.stop();
    }
  });

  it('has each node prove its own name, which none takes for another’s', async () => {
    if (!(await haveNames())) return;
    const asked = lookUpHere();
    const [first] = nodes as [SecureNode, SecureNode];
    const redis = cluster({ nodes: [{ host: NAMES[0], port: first.tlsPort }], tls: { ca: certificates.ca } });
    for (const key of keys) expect(await redis.set(key, key)).toBe('OK');
    expect(await redis.mget(...keys)).toStrictEqual(keys);
    expect([...asked]).toEqual(expect.arrayContaining([...NAMES]));
  });

  it('says which node has not the name that it is called by', async () => {
    if (!(await haveNames())) return;
    lookUpHere();
    const [first, second] = nodes as [SecureNode, SecureNode];
    // The second says that it is called as the first is, to which its certificate is not made out.
    await admin(second).call('CONFIG SET', 'cluster-announce-hostname', 'impostor.example');
    await eventually(
      async () => JSON.stringify(await admin(first).call('CLUSTER SLOTS')),
      (told) => told.includes('impostor.example'),
    );
    const redis = cluster({
      nodes: [{ host: NAMES[0], port: first.tlsPort }],
      tls: { ca: certificates.ca },
      commandTimeout: 1_000,
    });
    expect(await redis.set(keys[0]!, 'v')).toBe('OK');
    const { error } = (await outcome(redis.set(keys[1]!, 'v'))) as { readonly error: Error };
    expect(String((error.cause as Error | undefined)?.message ?? error.message)).toContain('impostor.example');
  });
});

import { checkServerIdentity as checkName, type PeerCertificate } from 'node:tls';
import { useClients } from '../../support/clients';
import { troubles } from '../../support/sentinel-clients';
import { failure } from '../../support/outcomes';
import { atLeast, untilKnown, useRealSentinels, watching } from '../../support/real-sentinels';
import { leadsTo } from '../../support/sentinel-clients';
import { freePort, useTlsServer } from '../../support/tls-server';

const real = useRealSentinels();
const client = useClients();
const service = 'mymaster';

describe('Sentinels that tell names in place of addresses', () => {
  it('are followed by these over a failover, also where the names change to addresses', async () => {
    // Sentinels know names since 6.2.
    const server = atLeast('redis-7.0');
    const named = { args: ['--replica-announce-ip', 'localhost'], ...(server && { server }) };
    const master = await real.server(undefined, named);
    const replica = await real.server(master, named);
    const configuration = ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes'];
    const one = await real.sentinel([...configuration, ...watching(service, master, 'localhost')], { server });
    await untilKnown(one, service, 1);
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    expect(redis.inspect().address).toBe(`localhost:${master.port}`);
    const left = leadsTo(redis, { host: 'localhost', port: replica.port });
    await one.admin.sentinelFailover(service);
    await left;
    expect(await redis.set('k', 1)).toBe('OK');
    await one.admin.call('SENTINEL CONFIG', 'SET', 'announce-hostnames', 'no');
    // It does not ask before the sentinel has answered for what it has told, and that answer may have named the name.
    while (redis.inspect().address !== `127.0.0.1:${replica.port}`) await redis.reconnect();
    expect(await redis.get('k')).toBe('1');
  });
});

describe('A sentinel behind TLS', () => {
  const secure = useTlsServer('--tls-auth-clients', 'no');

  /** Sentinel and server have certificates of the same authority, for `localhost`. */
  async function behindTls() {
    const { tlsPort, certificates } = secure();
    const { caFile } = certificates;
    const { certFile, keyFile } = certificates.server;
    const port = await freePort();
    await real.sentinel(
      [
        ...['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes'],
        ...[`tls-port ${port}`, `tls-cert-file ${certFile}`, `tls-key-file ${keyFile}`, `tls-ca-cert-file ${caFile}`],
        ...['tls-auth-clients no', 'tls-replication yes'],
        ...watching(service, { host: 'localhost', port: tlsPort }, 'localhost'),
      ],
      { server: atLeast('redis-7.0') },
    );
    return { address: { host: 'localhost', port }, ca: certificates.ca };
  }

  it('is asked with its own name, and leads to the server by the name of that', async () => {
    const { address, ca } = await behindTls();
    const names: string[] = [];
    const checkServerIdentity = (name: string, certificate: PeerCertificate): Error | undefined => {
      names.push(name);
      return checkName(name, certificate);
    };
    const given = { ...address, host: '127.0.0.1' };
    const redis = client({ sentinels: [given], service, tls: { ca, checkServerIdentity } });
    expect(await redis.ping()).toBe('PONG');
    expect(redis.inspect().address).toBe(`localhost:${secure().tlsPort}`);
    expect(names).toEqual(['127.0.0.1', 'localhost']);
  });

  it('whose certificate no authority vouches for is not asked, which is told', async () => {
    const { address, ca } = await behindTls();
    const redis = client({ sentinels: [address], service, tls: { ca }, sentinelTls: true });
    const told = troubles(redis);
    await failure(redis.withOptions({ commandTimeout: 400 }).ping());
    expect(told[0]).toMatch(/certificate/);
  });
});

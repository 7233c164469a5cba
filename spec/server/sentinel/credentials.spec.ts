import { useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useScriptedSentinels } from '../../support/scripted-sentinel';
import { useScriptedRoles } from '../../support/scripted-roles';
import { optionsOf, useSentinels } from '../../support/sentinels';
import { troubles } from '../../support/sentinel-clients';
import { useTlsServer } from '../../support/tls-server';

const client = useClients();
const sentinel = useScriptedSentinels();
const role = useScriptedRoles();
const service = 'mymaster';

describe('Sentinels and servers with passwords of their own', () => {
  const trio = useSentinels({
    args: ['--requirepass', 'of-servers', '--masterauth', 'of-servers'],
    configuration: ['requirepass of-sentinels', 'sentinel auth-pass mymaster of-servers'],
    signIn: ['AUTH', 'of-servers'],
    sentinelSignIn: ['AUTH', 'of-sentinels'],
  });

  it('are each given theirs', async () => {
    const redis = client({ ...optionsOf(trio()), password: 'of-servers', sentinelPassword: 'of-sentinels' });
    expect(await redis.role()).toMatchObject({ role: 'master' });
  });

  it('are told apart when one is missing or wrong, at once and without a password in the error', async () => {
    const { sentinels } = trio();
    const missing = client({ ...optionsOf(trio()), password: 'of-servers' });
    const first = await failure(missing.get('k'));
    expect(first.code).toBe('AUTHENTICATION');
    expect(first.message).toContain(
      `127.0.0.1:${sentinels[0].port} wants credentials: give the option 'sentinelPassword'`,
    );
    const wrong = client({ ...optionsOf(trio()), password: 'of-servers', sentinelPassword: 'of-servers' });
    const told = troubles(wrong);
    const second = await failure(wrong.get('k'));
    expect(second.code).toBe('AUTHENTICATION');
    expect(second.message).toContain('refuses the credentials (WRONGPASS');
    const servers = client({ ...optionsOf(trio()), sentinelPassword: 'of-sentinels' });
    const third = await failure(servers.get('k'));
    expect(third.code).toBe('AUTHENTICATION');
    expect(third.message).toContain("The server wants credentials: give the option 'password'");
    expect([first.message, second.message, third.message, ...told].join()).not.toMatch(/of-(servers|sentinels)/);
  });
});

describe('A sentinel that wants credentials', () => {
  it('is passed over where another answers', async () => {
    const master = await role('master');
    const locked = await sentinel({ password: 'secret' });
    const one = await sentinel({ master: master.address });
    const redis = client({ sentinels: [locked.address, one.address], service });
    const told = troubles(redis);
    expect(await redis.ping()).toBe('PING');
    expect(told).toEqual([
      `Sentinel 127.0.0.1:${locked.address.port} wants credentials: give the option 'sentinelPassword'`,
    ]);
  });

  it('takes a user name with its password', async () => {
    const master = await role('master');
    const locked = await sentinel({ password: 'secret', master: master.address });
    const redis = client({ sentinels: [locked.address], service, sentinelUsername: 'ann', sentinelPassword: 'secret' });
    expect(await redis.ping()).toBe('PING');
    expect(locked.script.seen).toContainEqual(['HELLO', '3', 'AUTH', 'ann', 'secret']);
    expect(master.server.seen.flat()).not.toContain('secret');
  });
});

describe('TLS behind sentinels', () => {
  const secure = useTlsServer('--tls-auth-clients', 'no');

  it('is spoken with the server by the name that the sentinel tells, and with the sentinel only where it is wanted', async () => {
    const { tlsPort, certificates } = secure();
    const one = await sentinel({ master: { host: 'localhost', port: tlsPort } });
    const tls = { ca: certificates.ca };
    const redis = client({ sentinels: [one.address], service, tls, sentinelTls: false });
    expect(await redis.ping()).toBe('PONG');
    expect(redis.inspect().address).toBe(`localhost:${tlsPort}`);
  });

  it('is spoken with sentinels as with servers, unless the options say otherwise', async () => {
    const { server, certificates } = secure();
    const plain = { host: server.host, port: server.port };
    const redis = client({ sentinels: [plain], service, tls: { ca: certificates.ca }, connectTimeout: 500 });
    const told = troubles(redis);
    await failure(redis.withOptions({ commandTimeout: 400 }).ping());
    expect(told[0]).toContain('TLS');
  });

  it('with sentinels has their own certificate checked', async () => {
    const { tlsPort, certificates } = secure();
    // It is no sentinel, and says so behind its certificate.
    const asked = client({
      sentinels: [{ host: 'localhost', port: tlsPort }],
      service,
      sentinelTls: { ca: certificates.ca },
    });
    const told = troubles(asked);
    await failure(asked.withOptions({ commandTimeout: 400 }).ping());
    expect(told[0]).toMatch(/unknown command|ERR/);
  });
});

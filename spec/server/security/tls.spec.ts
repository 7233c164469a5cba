import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { filter, firstValueFrom } from 'rxjs';
import type { ConnectionState, Redis, RedisOptions } from 'rxjs-redis';
import { makeCertificates, type Certificates, type IdentityName } from '../../../infra/certificates';
import { reaches, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { greeting } from '../../support/scripted-server';
import { useTlsServer } from '../../support/tls-server';

const quick = { initialDelay: 5, maxDelay: 20 };

/** Why the first attempt to connect failed. */
async function refusal(redis: Redis): Promise<unknown> {
  const closed = reaches(redis, 'closed');
  await failure(redis.connect());
  return closed;
}

const causeOf = (state: ConnectionState) =>
  'error' in state ? (state.error?.cause as { code?: string } | undefined)?.code : undefined;

describe('TLS', () => {
  const tls = useTlsServer('--tls-auth-clients', 'no');
  const make = useClients();
  const client = (options: RedisOptions = {}) => {
    const { tlsPort, certificates } = tls();
    return make({ url: `rediss://localhost:${tlsPort}`, tls: { ca: certificates.ca }, reconnect: quick, ...options });
  };

  it('carries commands and large values', async () => {
    const value = 'v'.repeat(3_000_000);
    const redis = client();
    expect(await redis.set('large', value)).toBe('OK');
    expect(await redis.get('large')).toBe(value);
  });

  it('is asked for by the scheme or by the option, by name or by address', async () => {
    const { tlsPort: port, certificates } = tls();
    const details = { ca: certificates.ca };
    for (const options of [
      { url: `rediss://127.0.0.1:${port}`, tls: details },
      { url: `valkeys://localhost:${port}`, tls: details },
      { url: `redis://localhost:${port}`, tls: details },
      { host: '127.0.0.1', port, tls: details },
    ]) {
      expect(await make(options).ping()).toBe('PONG');
    }
  });

  it('is verified unless it is told otherwise: an authority that nobody trusts is refused', async () => {
    const { tlsPort } = tls();
    const url = `rediss://localhost:${tlsPort}`;
    for (const option of [undefined, true, {}]) {
      const redis = make({ url, reconnect: false, ...(option !== undefined && { tls: option }) });
      expect(await refusal(redis)).toMatchObject({
        error: { code: 'CONNECTION', cause: { code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) as string } },
      });
    }
    expect(await make({ url, tls: { rejectUnauthorized: false } }).ping()).toBe('PONG');
  });

  it('is verified again on every connection', async () => {
    const redis = client({ commandTimeout: 5_000 });
    await redis.connect();
    await tls().present('expired');
    await firstValueFrom(redis.state$.pipe(filter((state) => causeOf(state) === 'CERT_HAS_EXPIRED')));
    await tls().present('server');
    await reaches(redis, 'ready');
    expect(await redis.set('k', 'v')).toBe('OK');
  });

  it('comes back after the connection is lost', async () => {
    const redis = client();
    const id = await redis.clientId();
    await make(tls().server.url).clientKill({ ID: id });
    await reaches(redis, 'reconnecting');
    expect(await redis.clientId()).not.toBe(id);
  });

  it('fails by the clock against a server that does not answer the handshake', async () => {
    const silent = createTcpServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const redis = make({
      url: `rediss://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      connectTimeout: 50,
      reconnect: false,
    });
    expect(await refusal(redis)).toMatchObject({ error: { code: 'TIMEOUT' } });
    silent.close();
  });

  it('fails against a server that speaks in the clear, and the other way round', async () => {
    const { server, tlsPort } = tls();
    const inTheClear = { url: server.url, tls: true, reconnect: false, connectTimeout: 500 } as const;
    expect(await refusal(make(inTheClear))).toMatchObject({
      error: { code: expect.stringMatching(/CONNECTION|TIMEOUT/) as string },
    });
    const intoTls = { url: `redis://127.0.0.1:${tlsPort}`, reconnect: false, connectTimeout: 500 } as const;
    expect(await refusal(make(intoTls))).toMatchObject({ error: { code: 'CONNECTION' } });
  });
});

describe('Mutual TLS', () => {
  const tls = useTlsServer('--tls-auth-clients', 'yes');
  const make = useClients();
  const client = (details: object) => {
    const { tlsPort, certificates } = tls();
    return make({ url: `rediss://localhost:${tlsPort}`, tls: { ca: certificates.ca, ...details }, reconnect: false });
  };

  it('shows the server the certificate of the client', async () => {
    const { cert, key } = tls().certificates.client;
    expect(await client({ cert, key }).ping()).toBe('PONG');
  });

  it('takes a key that a pass phrase locks', async () => {
    const { client: identity, lockedKey: key, passphrase } = tls().certificates;
    expect(await client({ cert: identity.cert, key, passphrase }).ping()).toBe('PONG');
  });

  it('is an error where the client has no certificate', async () => {
    const redis = client({});
    const waiting = failure(redis.ping());
    expect(await refusal(redis)).toMatchObject({ error: { code: 'CONNECTION' } });
    expect(await waiting).toMatchObject({ code: 'CONNECTION', delivery: 'unsent', command: 'PING' });
  });

  it('is an error where the certificate of the client has expired', async () => {
    const { cert, key } = tls().certificates.expired;
    expect(await refusal(client({ cert, key }))).toMatchObject({ error: { code: 'CONNECTION' } });
  });
});

describe('A server that is not what it says', () => {
  let certificates: Certificates;
  beforeAll(async () => void (certificates = await makeCertificates()));
  afterAll(() => certificates.remove());
  const make = useClients();
  const peers: TlsPeer[] = [];
  afterEach(() => Promise.all(peers.splice(0).map((peer) => peer.stop())));
  const peer = async (identity: IdentityName) => {
    const { cert, key } = certificates[identity];
    const started = await TlsPeer.start({ cert, key });
    peers.push(started);
    return started;
  };
  const client = ({ port }: TlsPeer, details: object = {}, host = 'localhost') =>
    make({
      host,
      port,
      username: 'ann',
      password: 'secret',
      tls: { ca: certificates.ca, ...details },
      reconnect: false,
    });

  it.each<[string, IdentityName, string]>([
    ['whose certificate has expired', 'expired', 'CERT_HAS_EXPIRED'],
    ['whose certificate is for another host', 'otherHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('is sent nothing, no password above all: %s', async (_, identity, code) => {
    const impostor = await peer(identity);
    const redis = client(impostor);
    const waiting = failure(redis.set('k', 'v'));
    expect(await refusal(redis)).toMatchObject({ error: { code: 'CONNECTION', cause: { code } } });
    expect(await waiting).toMatchObject({ code: 'CONNECTION', delivery: 'unsent' });
    expect(impostor.received).toBe('');
  });

  it('is what it says where its certificate is for the name that is asked for', async () => {
    const other = await peer('otherHost');
    await client(other, { servername: 'elsewhere.example' }).connect();
    expect(other.names).toStrictEqual(['elsewhere.example']);
    expect(other.received).toContain('HELLO');
  });

  it('learns which name is asked for, and no address', async () => {
    const server = await peer('server');
    await client(server).connect();
    await client(server, {}, '127.0.0.1').connect();
    expect(server.names).toStrictEqual(['localhost', false]);
  });

  it('may be judged by a function of the user', async () => {
    const other = await peer('otherHost');
    const judged: string[] = [];
    const checkServerIdentity = (host: string) => void judged.push(host);
    await client(other, { checkServerIdentity }).connect();
    expect(judged).toStrictEqual(['localhost']);
  });

  it('is refused, and the process goes on, where that function throws', async () => {
    const other = await peer('server');
    const checkServerIdentity = () => {
      throw new RangeError('a bug');
    };
    expect(await refusal(client(other, { checkServerIdentity }))).toMatchObject({
      error: { code: 'CONNECTION', cause: { message: 'a bug' } },
    });
    await client(other, { checkServerIdentity: undefined as never }).connect();
  });
});

/** Greets over TLS, and remembers what it was called and what it was sent. */
class TlsPeer {
  readonly names: (string | false | null)[] = [];
  received = '';
  private readonly sockets = new Set<TLSSocket>();

  private constructor(private readonly server: Server) {}

  static async start(options: TlsOptions): Promise<TlsPeer> {
    const server = createServer(options);
    const peer = new TlsPeer(server);
    server.on('secureConnection', (socket: TLSSocket) => peer.accept(socket));
    server.on('tlsClientError', () => undefined);
    server.listen(0);
    await once(server, 'listening');
    return peer;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(socket: TLSSocket): void {
    this.sockets.add(socket);
    this.names.push(socket.servername ?? null);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString();
      socket.write(`${greeting}+OK\r\n+OK\r\n`);
    });
  }
}

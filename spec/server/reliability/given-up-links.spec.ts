import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import type { RedisOptions } from 'rxjs-redis';
import { makeCertificates, type Certificates } from '../../../infra/certificates';
import { eventually, reaches, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

const quick = { initialDelay: 1 };
const OK = '+OK\r\n';
const GREETING = '%1\r\n$5\r\nproto\r\n:3\r\n';

/** Greets, and then is silent: how each of its connections ended, in order. */
class SilentPeer {
  readonly ends: string[] = [];
  private readonly sockets = new Set<Socket>();

  constructor(readonly server: Server) {
    server.on('secureConnection', (socket: Socket) => this.greet(socket));
    if (!('addContext' in server)) server.on('connection', (socket: Socket) => this.greet(socket));
  }

  async listen(path?: string): Promise<void> {
    if (path === undefined) this.server.listen(0, '127.0.0.1');
    else this.server.listen(path);
    await once(this.server, 'listening');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private greet(socket: Socket): void {
    this.sockets.add(socket);
    let how = 'closed';
    socket.on('error', (error: NodeJS.ErrnoException) => (how = error.code ?? error.message));
    socket.on('end', () => (how = 'ended'));
    socket.on('close', () => {
      this.ends.push(how);
      this.server.emit('over');
    });
    socket.once('data', () => socket.write(GREETING + OK + OK));
    socket.on('data', () => this.server.emit('heard'));
  }
}

describe('A link that is given up', () => {
  const make = useClients();
  const server = useServer();
  let certificates: Certificates;
  let peer: SilentPeer;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(() => certificates.remove());
  afterEach(() => peer.stop());

  const kinds = {
    TCP: async () => {
      peer = new SilentPeer(createServer());
      await peer.listen();
      return { url: `redis://127.0.0.1:${peer.port}` };
    },
    TLS: async () => {
      const { cert, key } = certificates.server;
      peer = new SilentPeer(createTlsServer({ cert, key }));
      await peer.listen();
      return { url: `rediss://localhost:${peer.port}`, tls: { ca: certificates.ca } };
    },
    'a Unix socket': async () => {
      peer = new SilentPeer(createServer());
      const path = join(tmpdir(), `rxjs-redis-${process.pid}-${Date.now()}.sock`);
      await peer.listen(path);
      return { path };
    },
  };
  type Kind = keyof typeof kinds;

  const opened = async (kind: Kind) => {
    const redis = make({ ...(await kinds[kind]()), reconnect: false });
    await redis.connect();
    return redis;
  };

  it.each<Kind>(['TCP', 'TLS'])('owing replies is reset, so that nothing of it arrives any more: %s', async (kind) => {
    const redis = (await opened(kind)).withOptions({ readTimeout: 50 });
    const over = once(peer.server, 'over');
    expect(await failure(redis.get('k'))).toMatchObject({ cause: { code: 'TIMEOUT' } });
    await over;
    expect(peer.ends).toStrictEqual(['ECONNRESET']);
  });

  it.each<Kind>(['TCP', 'TLS'])('by destroy() with commands in flight is reset: %s', async (kind) => {
    const redis = await opened(kind);
    const over = once(peer.server, 'over');
    const failed = failure(redis.incr('n'));
    await once(peer.server, 'heard');
    await redis.destroy();
    expect(await failed).toMatchObject({ code: 'DISCONNECTED', delivery: 'unknown' });
    await over;
    expect(peer.ends).toStrictEqual(['ECONNRESET']);
  });

  it.each<Kind>(['TCP', 'TLS', 'a Unix socket'])('owing nothing is closed in order: %s', async (kind) => {
    const redis = await opened(kind);
    const over = once(peer.server, 'over');
    await redis.close();
    await over;
    expect(peer.ends).toStrictEqual(['ended']);
  });

  it('is closed where it is a Unix socket, which knows no reset', async () => {
    const redis = (await opened('a Unix socket')).withOptions({ readTimeout: 50 });
    const over = once(peer.server, 'over');
    await failure(redis.get('k'));
    await over;
    expect(peer.ends).toStrictEqual(['ended']);
  });

  describe('for its silence, while something in between holds what it sent', () => {
    /** Lets the client's first connection send, once it is told to hold, what arrives at the server only when it is released. */
    class Holder {
      private readonly held: Buffer[] = [];
      private readonly sockets: Socket[] = [];
      private first: Socket | undefined;
      holds = false;
      readonly server = createServer((client) => this.accept(client));

      /** What was held arrives now, whatever has become of the client's end. */
      release(): void {
        this.first!.end(Buffer.concat(this.held));
      }

      stop(): void {
        for (const socket of this.sockets) socket.destroy();
        this.server.close();
      }

      private accept(client: Socket): void {
        const upstream = connect(server().port, server().host);
        this.first ??= upstream;
        this.sockets.push(client, upstream);
        for (const socket of [client, upstream]) socket.on('error', () => undefined);
        client.on('data', (bytes: Buffer) => {
          if (this.holds && upstream === this.first) this.held.push(bytes);
          else upstream.write(bytes);
        });
        upstream.on('data', (bytes: Buffer) => client.write(bytes));
      }
    }

    let holder: Holder;
    beforeEach(async () => {
      peer = new SilentPeer(createServer());
      holder = new Holder();
      holder.server.listen(0, '127.0.0.1');
      await once(holder.server, 'listening');
    });
    afterEach(() => holder.stop());

    const held = async (options: RedisOptions = {}) => {
      const { port } = holder.server.address() as AddressInfo;
      const redis = make({ url: `redis://127.0.0.1:${port}`, reconnect: quick, readTimeout: 100, ...options });
      await redis.set('k', '0');
      holder.holds = true;
      return redis;
    };
    const calls = async () => {
      const stats = await make(server().url).call<string>('INFO', 'commandstats');
      return Number(/cmdstat_set:calls=(\d+)/.exec(stats)?.[1]);
    };

    it('repeats no write: a later one that was awaited would be undone by the copy that comes late', async () => {
      const redis = await held();
      const before = await calls();
      const lost = failure(redis.set('k', '1'));
      const read = outcome(redis.get('k'));
      await reaches(redis, 'reconnecting');
      expect(await lost).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', repeatable: false });
      expect(await read).toStrictEqual({ value: '0' }); // reads are repeated as ever
      expect(await redis.set('k', '2')).toBe('OK');
      expect(await calls()).toBe(before + 1);
    });

    it('repeats one for which the user vouches, whose first copy then may undo what follows', async () => {
      const redis = await held();
      expect(await redis.withOptions({ idempotent: true }).set('k', '1')).toBe('OK');
      expect(await redis.set('k', '2')).toBe('OK');
      holder.release();
      await eventually(
        () => redis.get('k'),
        (value) => value === '1',
      );
    });
  });
});

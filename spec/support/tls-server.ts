import { randomInt } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificates, type Certificates, type IdentityName } from '../../infra/certificates';
import { startServer, type RunningServer } from '../../infra/servers';
import { isFree } from '../../infra/servers/port';

/** A server that listens for TLS, beside its ordinary port. */
export interface TlsServer {
  readonly server: RunningServer;
  readonly tlsPort: number;
  readonly certificates: Certificates;
  /** Restarts it with another certificate. */
  present(identity: IdentityName): Promise<void>;
}

/** Starts a server with TLS before the specs of a block; `args` say what it asks of its clients. */
export function useTlsServer(...args: string[]): () => TlsServer {
  let running: TlsServer | undefined;
  beforeAll(async () => {
    running = await startTlsServer(args);
  });
  afterAll(async () => {
    await running?.server.stop();
    await running?.certificates.remove();
  });
  return () => {
    if (running === undefined) throw new Error('useTlsServer: the server is there in specs and hooks, not before');
    return running;
  };
}

// A program outside may take the chosen ports between the choice and the start.
const ATTEMPTS = 3;

async function startTlsServer(args: readonly string[]): Promise<TlsServer> {
  const certificates = await makeCertificates();
  for (let attempt = 1; ; attempt++) {
    try {
      return await startWith(certificates, args);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function startWith(certificates: Certificates, args: readonly string[]): Promise<TlsServer> {
  const presented = {
    cert: join(certificates.folder, 'presented.crt'),
    key: join(certificates.folder, 'presented.key'),
  };
  const choose = async (identity: IdentityName) => {
    await copyFile(certificates[identity].certFile, presented.cert);
    await copyFile(certificates[identity].keyFile, presented.key);
  };
  await choose('server');
  const port = await freePort();
  const tlsPort = await freePort();
  const server = await startServer({
    port,
    args: [
      ...['--tls-port', String(tlsPort), '--tls-ca-cert-file', certificates.caFile],
      ...['--tls-cert-file', presented.cert, '--tls-key-file', presented.key, ...args],
    ],
  });
  return {
    server,
    tlsPort,
    certificates,
    async present(identity) {
      await choose(identity);
      await server.restart();
    },
  };
}

/** Where no server of the specs is put, and no kernel puts an outgoing connection. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(9_000, 10_000);
    if (await isFree(port)) return port;
  }
}

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { SILENT_KEY } from './data';

export interface SilentProxy {
  readonly url: string;
  close(): void;
}

/**
 * Stands before the server so that a client can greet it and work with it, until it mentions SILENT_KEY: from then on
 * its connection swallows everything and never answers.
 */
export function startSilentProxy(target: { host: string; port: number }): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const proxy = createServer((client) => {
    const server = keep(connect(target.port, target.host));
    let silent = false;
    keep(client).on('data', (chunk) => {
      silent ||= chunk.includes(SILENT_KEY);
      if (!silent) server.write(chunk);
    });
    client.on('close', () => server.destroy());
    server.pipe(client);
  });
  return new Promise((resolve, reject) => {
    proxy.once('error', reject);
    proxy.listen(0, '127.0.0.1', () => {
      const { port } = proxy.address() as AddressInfo;
      resolve({
        url: `redis://127.0.0.1:${port}`,
        close: () => {
          proxy.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}

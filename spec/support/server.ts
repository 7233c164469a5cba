import { type Proxy, startProxy } from '../../infra/proxy';
import { type RunningServer, type ServerOptions, startServer } from '../../infra/servers';

/**
 * Starts a server before the specs of a file and stops it after them.
 * @param atLeast the version of Redis that the specs need; where the server at hand is older, another takes its place
 * @returns an accessor for use inside specs and hooks
 * @example
 * const server = useServer({ args: ['--requirepass', 'secret'] });
 * it('answers', () => connect(server().url));
 */
export function useServer(options: ServerOptions = {}, atLeast = '6.0'): () => RunningServer {
  let server: RunningServer | undefined;
  beforeAll(async () => {
    server = await startServer(options);
    if (isOlder(server.version, atLeast)) {
      await server.stop();
      server = await startServer({ ...options, server: isOlder('7.0', atLeast) ? 'redis-8.0' : 'redis-7.0' });
    }
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined) throw new Error('useServer: the server is there in specs and hooks, not before');
    return server;
  };
}

/**
 * Puts a proxy before a server, a new one for each spec: no fault of one spec reaches the next.
 * @param server the accessor that `useServer` returned
 * @returns an accessor for the proxy of the spec that runs
 */
export function useProxy(server: () => RunningServer): () => Proxy {
  let proxy: Proxy | undefined;
  beforeEach(async () => {
    proxy = await startProxy({ target: server() });
  });
  afterEach(() => proxy?.stop());
  return () => {
    if (proxy === undefined) throw new Error('useProxy: the proxy is there in specs and hooks, not before');
    return proxy;
  };
}

function isOlder(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

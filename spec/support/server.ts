import { type RunningServer, type ServerOptions, startServer } from '../../infra/servers';

/** A fresh machine downloads the server first, over whatever line it has; ms. */
const FIRST_START_TIMEOUT = 300_000;

/**
 * Starts a server before the specs of a file and stops it after them.
 * @returns an accessor for use inside specs and hooks
 * @example
 * const server = useServer({ args: ['--requirepass', 'secret'] });
 * it('answers', () => connect(server().url));
 */
export function useServer(options?: ServerOptions): () => RunningServer {
  let server: RunningServer | undefined;
  beforeAll(async () => {
    server = await startServer(options);
  }, FIRST_START_TIMEOUT);
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined) throw new Error('useServer: the server is there in specs and hooks, not before');
    return server;
  };
}

import { findServer, startServer, type RunningServer } from '../../infra/servers';

/** Starts a server that takes DEBUG commands, which those of 7.0 and later refuse unless they are told. */
export function useDebuggableServer(...args: string[]): () => RunningServer {
  let server: RunningServer | undefined;
  beforeAll(async () => {
    const { version } = await findServer({ own: true });
    const permission = Number.parseInt(version, 10) < 7 ? [] : ['--enable-debug-command', 'yes'];
    server = await startServer({ args: [...permission, ...args] });
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined)
      throw new Error('useDebuggableServer: the server is there in specs and hooks, not before');
    return server;
  };
}

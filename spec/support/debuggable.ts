import { findServer, startServer, type RunningServer } from '../../infra/servers';

/** A server that takes DEBUG commands, which those of 7.0 and later refuse unless they are told. */
export async function startDebuggableServer(...args: string[]): Promise<RunningServer> {
  const { version } = await findServer({ own: true });
  const permission = Number.parseInt(version, 10) < 7 ? [] : ['--enable-debug-command', 'yes'];
  return startServer({ args: [...permission, ...args] });
}

/** Starts such a server before the specs of a file and stops it after them. */
export function useDebuggableServer(...args: string[]): () => RunningServer {
  let server: RunningServer | undefined;
  beforeAll(async () => {
    server = await startDebuggableServer(...args);
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined)
      throw new Error('useDebuggableServer: the server is there in specs and hooks, not before');
    return server;
  };
}

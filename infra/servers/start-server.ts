import { findServer } from './find-server';
import { choosePlace, type Place, placeAt } from './port';
import type { ServerAtUrl, ServerProgram } from './rung';
import { RunningProgram } from './running-program';
import type { RunningServer } from './running-server';
import type { ServerName } from './server-names';

export interface ServerOptions {
  /**
   * Arguments after the program, such as `['--appendonly', 'yes']`; a configuration file, if any, first. A server with
   * arguments is never REDIS_URL's. Relative paths start in the server's own folder.
   */
  readonly args?: readonly string[];
  /** A version that is needed exactly. */
  readonly server?: ServerName;
  /** A TCP port to insist on; one is chosen otherwise. */
  readonly port?: number;
  /** Takes the line that says where the server came from; stderr, once a process, otherwise. */
  readonly log?: (line: string) => void;
  /** True when the spec will configure, stop or restart the server: never REDIS_URL's. */
  readonly own?: boolean;
}

/**
 * Brings a real server: REDIS_URL's, or one of its own on 127.0.0.1 that ends, at the latest, with this process.
 * @throws Error when none can be had, or with the server's output when it does not start
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const own = options.own === true || options.args !== undefined || options.port !== undefined;
  const found = await findServer({ own, ...(options.server !== undefined && { server: options.server }) });
  announce(`redis: ${found.description}`, options.log);
  if (found.kind === 'running') return borrowed(found);
  return options.port === undefined
    ? startSomewhere(found, options)
    : startAt(found, await placeAt(options.port), options);
}

// A program outside may take the chosen port between the choice and the start.
const PORT_ATTEMPTS = 3;

async function startSomewhere(found: ServerProgram, options: ServerOptions): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startAt(found, await choosePlace(), options);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !/already in use/i.test((error as Error).message)) throw error;
    }
  }
}

async function startAt(found: ServerProgram, place: Place, { args = [] }: ServerOptions): Promise<RunningServer> {
  const server = new RunningProgram(found, place, args);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function borrowed({ url, host, port, version, from }: ServerAtUrl): RunningServer {
  const refuse = (): Promise<never> => Promise.reject(new Error('the server of REDIS_URL is not ours to end'));
  return {
    ...{ url, host, port, version, from },
    pid: undefined,
    folder: undefined,
    output: () => '',
    stop: () => Promise.resolve(),
    kill: refuse,
    restart: refuse,
  };
}

const announced = new Set<string>();

function announce(line: string, log: ServerOptions['log']): void {
  if (log !== undefined) log(line);
  else if (!announced.has(line)) process.stderr.write(`${line}\n`);
  announced.add(line);
}

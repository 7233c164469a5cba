import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';

type Engine = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/**
 * Asks for a Docker engine on this machine.
 *
 * testcontainers asks too, but tries one place after the other with no limit of time, and takes a second to load; most
 * machines have no engine and should not wait to learn it.
 * @param patience ms, for all places together
 * @throws Error saying where no engine answered and why
 */
export async function engineAnswers(patience: number): Promise<void> {
  const engines = candidates();
  if (engines.length === 0) throw new Error('there is no engine (no DOCKER_HOST, no docker.sock)');
  const signal = AbortSignal.timeout(patience);
  const pings = engines.map((engine) => ping(engine, signal));
  await Promise.any(pings).catch((error: AggregateError) => {
    throw new Error((error.errors as Error[]).map(({ message }) => message).join('; '), { cause: error });
  });
}

/** Where testcontainers looks: DOCKER_HOST alone when it is set, else the usual sockets. */
function candidates(): Engine[] {
  const { DOCKER_HOST, XDG_RUNTIME_DIR } = process.env;
  if (DOCKER_HOST) return [parseHost(DOCKER_HOST)];
  const home = homedir();
  return [
    '/var/run/docker.sock',
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'docker.sock')] : []),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
  ]
    .filter((path) => existsSync(path))
    .map((socketPath) => ({ socketPath }));
}

function parseHost(text: string): Engine {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'unix:') return { socketPath: url.pathname };
  const loopback = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'tcp:' && loopback) return { host: url.hostname, port: Number(url.port || 2375) };
  // A server there would not be on 127.0.0.1, which is what a spec is promised.
  throw new Error(`DOCKER_HOST=${text} is not on this machine`);
}

async function ping(engine: Engine, signal: AbortSignal): Promise<void> {
  const place = 'socketPath' in engine ? engine.socketPath : `${engine.host}:${engine.port}`;
  const info = await get(engine, '/info', signal).catch((error: NodeJS.ErrnoException) => {
    const why = signal.aborted ? 'silence' : (error.code ?? error.message);
    throw new Error(`no engine answers at ${place} (${why})`, { cause: error });
  });
  const { Name: engineHost } = JSON.parse(info) as { Name?: string };
  // Inside a container the socket may be the outer machine's, whose servers we could not reach on 127.0.0.1.
  if (existsSync('/.dockerenv') && engineHost !== hostname()) {
    throw new Error(`the engine at ${place} runs outside of this container`);
  }
}

function get(engine: Engine, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...engine, path, signal, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';

/** What a client asked to be created; the parts of Docker's request these specs look at. */
export interface CreatedContainer {
  readonly Image: string;
  readonly Cmd: string[];
  readonly WorkingDir: string;
  readonly HostConfig: { readonly NetworkMode?: string; readonly Binds?: string[] };
}

export interface FakeEngine {
  /** The value for DOCKER_HOST. */
  readonly host: string;
  readonly created: readonly CreatedContainer[];
  /** Containers that were created and not removed. */
  readonly remaining: number;
  close(): Promise<void>;
}

interface Container {
  readonly id: string;
  readonly request: CreatedContainer;
  process?: ChildProcess;
}

/**
 * An engine that speaks as much of Docker's HTTP API as testcontainers needs, for machines without one. A "container"
 * is a process: the image's program is replaced by `command`, the arguments are those asked for.
 */
export async function startFakeEngine(command: readonly string[]): Promise<FakeEngine> {
  const containers = new Map<string, Container>();
  const created: CreatedContainer[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://engine');
    const [, kind, id = '', action] = url.pathname.replace(/^\/v[\d.]+/, '').split('/');
    const container = containers.get(id);
    if (container !== undefined) return answerFor(container, `${request.method} ${action ?? ''}`, url, response);
    switch (`${request.method} ${[kind, id, action].filter(Boolean).join('/')}`) {
      case 'GET info':
        return reply(response, 200, { Name: hostname(), ServerVersion: '0', OperatingSystem: 'fake', OSType: 'linux' });
      case 'GET images/redis:7.0/json':
        return reply(response, 200, { Id: 'image' });
      case 'GET containers/json':
        return reply(response, 200, []);
      case 'POST containers/create': {
        const body = JSON.parse(await text(request)) as CreatedContainer;
        const newId = String(created.push(body));
        containers.set(newId, { id: newId, request: body });
        return reply(response, 201, { Id: newId });
      }
      default:
        return reply(response, 404, { message: `not spoken here: ${request.method} ${request.url}` });
    }
  }

  async function answerFor(container: Container, what: string, url: URL, response: ServerResponse): Promise<void> {
    switch (what) {
      case 'POST start': {
        const { Cmd, WorkingDir } = container.request;
        const [program = '', ...first] = command;
        container.process = spawn(program, [...first, ...Cmd.slice(1)], { cwd: WorkingDir, stdio: 'ignore' });
        return reply(response, 204);
      }
      case 'GET json':
        return reply(response, 200, inspection(container.id));
      case 'GET logs':
        // A frame of the log: stream 1, three bytes of nothing, the length, the text.
        response.write(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 5]), Buffer.from('words')]));
        await ended(container);
        return void response.end();
      case 'POST wait':
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        return void response.end(JSON.stringify({ StatusCode: await ended(container) }));
      case 'POST kill':
        container.process?.kill(url.searchParams.get('signal') as NodeJS.Signals);
        return reply(response, 204);
      case 'POST stop':
        return reply(response, 304);
      case 'DELETE ':
        containers.delete(container.id);
        return reply(response, 204);
      default:
        return reply(response, 404, { message: `not spoken here: ${what}` });
    }
  }

  const engine = createServer((request, response) => void answer(request, response));
  engine.listen(0, '127.0.0.1');
  await once(engine, 'listening');
  return {
    host: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`,
    created,
    get remaining() {
      return containers.size;
    },
    async close() {
      for (const { process } of containers.values()) process?.kill('SIGKILL');
      engine.closeAllConnections();
      engine.close();
      await once(engine, 'close');
    },
  };
}

function reply(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function text(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Exit code as Docker gives it, 128 + n for a signal. */
async function ended({ process }: Container): Promise<number> {
  if (process === undefined) return 0;
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  return process.exitCode ?? 137;
}

function inspection(id: string): unknown {
  return {
    Id: id,
    Name: `/${id}`,
    State: { Status: 'running', Running: true, StartedAt: new Date(0), FinishedAt: new Date(0) },
    Config: { Hostname: 'container', Labels: {} },
    HostConfig: {},
    NetworkSettings: { Ports: {}, Networks: {} },
  };
}

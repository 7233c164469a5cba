import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { findServer, type RunningServer, type ServerOptions, startServer } from '../../infra/servers';
import { startFakeEngine } from './fake-docker-engine';
import { lookUp } from './programs';
import { RawClient } from './raw-client';
import { type Child, runChild } from './run-child';

const environment = { ...process.env };
const cleanups: (() => Promise<void> | void)[] = [];

beforeEach(() => {
  for (const name of ['REDIS_URL', 'REDIS_FROM', 'REDIS_SERVER']) delete process.env[name];
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
});

/** Starts a server, from packages unless told otherwise, that ends with the spec. */
async function start(options: ServerOptions = {}): Promise<RunningServer> {
  const server = await startServer({ log: () => undefined, ...options });
  cleanups.push(() => server.stop());
  return server;
}

async function dial(server: { host: string; port: number }): Promise<RawClient> {
  const client = await RawClient.connect({ host: server.host, port: server.port });
  cleanups.push(() => client.close());
  return client;
}

async function ask(server: { host: string; port: number }, ...command: string[]): Promise<string | null> {
  const client = await dial(server);
  const reply = await client.ask(...command);
  client.close();
  return reply;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-spec-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with an executable that runs the given shell text. */
async function folderWithProgram(name: string, script: string): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return folder;
}

/** The shell line that becomes the server the packages bring. */
async function execPackagedServer(): Promise<string> {
  const found = await findServer({ server: 'redis-7.0' });
  if (found.kind !== 'program') throw new Error('packages bring programs');
  return `exec ${found.command.map((part) => `'${part}'`).join(' ')} "$@"`;
}

/** A TCP server that accepts and never says a word. */
async function silentEngine(): Promise<string> {
  const engine = createServer();
  engine.listen(0, '127.0.0.1');
  await once(engine, 'listening');
  cleanups.push(() => void engine.close());
  engine.on('connection', (socket) => cleanups.push(() => void socket.destroy()));
  return `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`;
}

describe('REDIS_URL', () => {
  it('is taken before anything else, and its server is left alone', async () => {
    const theirs = await start();
    process.env.REDIS_URL = `${theirs.url}/3`;
    const ours = await startServer({ log: () => undefined });
    expect([ours.from, ours.url, ours.host, ours.port]).toEqual(['url', `${theirs.url}/3`, theirs.host, theirs.port]);
    expect(ours.version).toBe(theirs.version);
    await ours.stop();
    await expect(ours.kill()).rejects.toThrow('not ours to end');
    await expect(ours.restart()).rejects.toThrow('not ours to end');
    expect(await ask(theirs, 'PING')).toBe('PONG');
  });

  it('may hold a password', async () => {
    const theirs = await start({ args: ['--requirepass', 'p@ss'] });
    process.env.REDIS_URL = `redis://:p%40ss@127.0.0.1:${theirs.port}`;
    expect(await findServer()).toMatchObject({ from: 'url', version: theirs.version });
  });

  it('is passed by when the server is to be configured, stopped or on a certain port', async () => {
    const theirs = await start();
    process.env.REDIS_URL = theirs.url;
    for (const options of [{ own: true }, { args: ['--maxmemory', '1mb'] }, { server: 'redis-7.0' as const }]) {
      const ours = await start(options);
      expect([ours.from, ours.port === theirs.port]).toEqual([
        expect.stringMatching(/^(path|docker|packages)$/),
        false,
      ]);
    }
  });

  it('is passed by when nobody answers there', async () => {
    const gone = await start();
    await gone.stop();
    process.env.REDIS_URL = gone.url;
    expect((await findServer()).from).not.toBe('url');
  });

  it('never has its password repeated in an error', async () => {
    process.env.REDIS_FROM = 'url';
    for (const url of ['redis://:secret@127.0.0.1:1', 'http://:secret@127.0.0.1:1', 'redis//:secret@']) {
      process.env.REDIS_URL = url;
      const error = (await findServer().catch((reason: unknown) => reason)) as Error;
      expect(error.message).toContain('REDIS_URL');
      expect(error.message).not.toContain('secret');
    }
  });
});

describe('the PATH', () => {
  it('comes before Docker and packages', async () => {
    const folder = await folderWithProgram('redis-server', await execPackagedServer());
    process.env.PATH = `${folder}:${process.env.PATH}`;
    const lines: string[] = [];
    const server = await start({ log: (line) => lines.push(line) });
    expect([server.from, await ask(server, 'PING')]).toEqual(['path', 'PONG']);
    expect(lines).toEqual([`redis: redis-server ${server.version} from the PATH (${folder}/redis-server)`]);
  });

  it('may hold a Valkey', async () => {
    const folder = await folderWithProgram('valkey-server', 'echo "Valkey server v=8.1.1 sha=0 bits=64"');
    process.env.PATH = folder;
    process.env.REDIS_FROM = 'path';
    expect(await findServer()).toMatchObject({ from: 'path', version: '8.1.1', command: [`${folder}/valkey-server`] });
  });

  it('may hold a program of that name that is no server, which is passed by', async () => {
    const broken = await folderWithProgram('redis-server', 'echo "cannot open shared object file" >&2; exit 127');
    const works = await folderWithProgram('valkey-server', 'echo "Valkey server v=8.1.1 sha=0 bits=64"');
    process.env.REDIS_FROM = 'path';
    process.env.PATH = `${broken}:${works}`;
    expect(await findServer()).toMatchObject({ command: [`${works}/valkey-server`] });
    process.env.PATH = broken;
    await expect(findServer()).rejects.toThrow(`PATH: ${broken}/redis-server failed: cannot open shared object file`);
  });

  it('is not asked for a version that is named', async () => {
    const folder = await folderWithProgram('redis-server', 'echo "Redis server v=1.2.3 sha=0"');
    process.env.PATH = `${folder}:${process.env.PATH}`;
    process.env.REDIS_FROM = 'path';
    expect((await findServer({ server: 'redis-7.0' })).version).toBe('7.0.15');
  });
});

describe('Docker', () => {
  it('runs a container on the network of the host, with the arguments and the folder a process would have', async () => {
    const packaged = await findServer({ server: 'redis-7.0' });
    if (packaged.kind !== 'program') throw new Error('packages bring programs');
    const engine = await startFakeEngine(packaged.command);
    cleanups.push(() => engine.close());
    Object.assign(process.env, {
      DOCKER_HOST: engine.host,
      REDIS_FROM: 'docker',
      // The fake engine has nobody to clean up after us.
      TESTCONTAINERS_RYUK_DISABLED: 'true',
    });
    const lines: string[] = [];
    const server = await start({ args: ['--appendonly', 'yes'], log: (line) => lines.push(line) });
    expect(lines).toEqual(['redis: redis:7.0 from Docker']);
    expect([server.from, server.version, server.pid]).toEqual(['docker', '7.0', undefined]);
    expect(await ask(server, 'SET', 'kept', 'yes')).toBe('OK');
    await server.restart();
    expect(await ask(server, 'GET', 'kept')).toBe('yes');
    const { folder } = server;
    expect(engine.created).toHaveLength(2);
    expect(engine.created[1]).toMatchObject({
      Image: 'redis:7.0',
      Cmd: expect.arrayContaining(['redis-server', '--port', String(server.port), '--appendonly', 'yes']) as unknown,
      WorkingDir: folder,
      HostConfig: { NetworkMode: 'host', Binds: [`${folder}:${folder}:rw`] },
    });
    await server.stop();
    expect([engine.remaining, existsSync(folder ?? '')]).toEqual([0, false]);
  });

  it('is given up within two seconds when its engine is silent', async () => {
    process.env.DOCKER_HOST = await silentEngine();
    process.env.REDIS_FROM = 'docker';
    const limit = jest.spyOn(AbortSignal, 'timeout');
    cleanups.push(() => limit.mockRestore());
    await expect(findServer()).rejects.toThrow(/Docker: no engine answers at 127\.0\.0\.1:\d+ \(silence\)/);
    // One limit, for all that is asked: when it really ends depends on what else the machine has to do.
    expect(limit.mock.calls).toEqual([[expect.any(Number)]]);
    expect(limit.mock.calls[0]![0]).toBeLessThan(2_000);
  });

  it('is given up at once when there is no engine', async () => {
    process.env.DOCKER_HOST = 'unix:///nowhere/docker.sock';
    process.env.REDIS_FROM = 'docker';
    await expect(findServer()).rejects.toThrow('Docker: no engine answers at /nowhere/docker.sock (ENOENT)');
  });

  it('is not used where servers would not be on this machine', async () => {
    process.env.DOCKER_HOST = 'tcp://192.0.2.1:2375';
    process.env.REDIS_FROM = 'docker';
    await expect(findServer()).rejects.toThrow('not on this machine');
  });
});

describe('Debian packages', () => {
  beforeEach(() => {
    process.env.REDIS_FROM = 'packages';
  });

  it('fill an empty cache once when two processes want it at once, and are started from there', async () => {
    const cache = join(await temporaryFolder(), 'not/yet/there');
    const children = [1, 2].map(() => runChild('finder.child.ts', [], { REDIS_CACHE: cache }));
    const descriptions = await Promise.all(children.map((child) => child.nextLine()));
    const line = 'redis-server 7.0.15 from Debian package (bookworm)';
    expect(descriptions.sort()).toEqual([`${line}, cached`, `${line}, downloaded`]);
    process.env.REDIS_CACHE = cache;
    const lines: string[] = [];
    const server = await start({ log: (text) => lines.push(text) });
    expect(lines).toEqual([`redis: ${line}, cached`]);
    expect(await ask(server, 'INFO', 'server')).toContain('redis_version:7.0.15');
  });

  it('survive a process that is killed while it unpacks, and leave nothing of what it began', async () => {
    const cache = await temporaryFolder();
    const begun = folderAppears(cache, /\.partial-/);
    const child = runChild('finder.child.ts', [], { REDIS_CACHE: cache });
    await begun;
    child.process.kill('SIGKILL');
    await child.exited;
    process.env.REDIS_CACHE = cache;
    expect(await ask(await start(), 'PING')).toBe('PONG');
    const name = `redis-7.0-${process.arch}`;
    expect((await readdir(cache)).sort()).toEqual([name]);
  });

  it('bring the version that is named, or that REDIS_SERVER names', async () => {
    const named = await start({ server: 'valkey-8.1' });
    expect(await ask(named, 'INFO', 'server')).toContain('valkey_version:8.1.');
    process.env.REDIS_SERVER = 'valkey-8.1';
    expect((await start()).version).toBe(named.version);
    expect((await start({ server: 'redis-7.0' })).version).toBe('7.0.15');
  });

  it('know which versions there are', async () => {
    process.env.REDIS_SERVER = 'redis-5';
    await expect(startServer()).rejects.toThrow('REDIS_SERVER=redis-5 is not one of redis-6.0, redis-7.0');
  });
});

describe('when no server can be had', () => {
  it('one error says what was tried, why each failed and what to do', async () => {
    const folder = await temporaryFolder();
    // What a machine without a way out looks like: apt is configured, and nobody answers at its mirror.
    await writeFile(join(folder, 'sources.list'), 'deb http://127.0.0.1:1/debian bookworm main\n');
    await writeFile(
      join(folder, 'apt.conf'),
      `Dir::Etc::sourcelist "${folder}/sources.list"; Dir::Etc::sourceparts "/dev/null";`,
    );
    await symlink((await lookUp('apt-get')) ?? '', join(folder, 'apt-get'));
    Object.assign(process.env, {
      PATH: folder,
      APT_CONFIG: join(folder, 'apt.conf'),
      DOCKER_HOST: `unix://${folder}/docker.sock`,
      REDIS_CACHE: join(folder, 'cache'),
    });
    const error = (await startServer().catch((reason: unknown) => reason)) as Error;
    expect(error.message.split('\n')).toEqual([
      'No Redis server can be had. Tried:',
      '  REDIS_URL: REDIS_URL is not set',
      '  PATH: neither redis-server nor valkey-server is on the PATH',
      `  Docker: no engine answers at ${folder}/docker.sock (ENOENT)`,
      expect.stringMatching(/^ {2}Debian packages: apt-get failed: .*127\.0\.0\.1:1/),
      'Set REDIS_URL, install redis-server, start Docker, or let apt reach a Debian mirror.',
    ]);
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });

  it('the error comes without a program to be found too', async () => {
    process.env.PATH = '';
    process.env.DOCKER_HOST = 'unix:///nowhere/docker.sock';
    process.env.REDIS_CACHE = await temporaryFolder();
    await expect(startServer()).rejects.toThrow('Debian packages: apt-get: not found');
  });

  it('a forced rung is named as the reason the others were not tried', async () => {
    process.env.REDIS_FROM = 'url';
    await expect(startServer()).rejects.toThrow('REDIS_FROM=url forbids the others: unset it');
    process.env.REDIS_FROM = 'stairs';
    await expect(startServer()).rejects.toThrow('REDIS_FROM=stairs is not one of url, path, docker, packages');
  });
});

describe('a server of our own', () => {
  it('has a port of its own, however many start at once', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => start({ own: true })));
    expect(new Set(servers.map(({ port }) => port)).size).toBe(4);
    const pids = await Promise.all(servers.map((server) => ask(server, 'INFO', 'server')));
    for (const [i, info] of pids.entries()) expect(info).toContain(`process_id:${servers[i]?.pid}\r\n`);
  });

  it('keeps nothing on disk unless told to, and takes any arguments', async () => {
    const server = await start({ args: ['--maxmemory', '5mb', '--databases', '3'] });
    const client = await dial(server);
    client.send(['CONFIG', 'GET', 'save']);
    expect(await client.until((reply) => reply.length >= 20)).toBe('*2\r\n$4\r\nsave\r\n$0\r\n\r\n');
    expect(await client.ask('SELECT', '3')).toMatch(/^ERR/);
    expect(await ask(server, 'INFO', 'memory')).toContain('maxmemory:5242880');
    expect(await ask(server, 'INFO', 'persistence')).toContain('aof_enabled:0');
  });

  it('can listen on a socket in its folder as well', async () => {
    const server = await start({ args: ['--unixsocket', 'redis.sock'] });
    const client = await RawClient.connect({ path: join(server.folder ?? '', 'redis.sock') });
    cleanups.push(() => client.close());
    expect(await client.ask('PING')).toBe('PONG');
  });

  it('can be a Sentinel, whose configuration file comes first', async () => {
    const file = join(await temporaryFolder(), 'sentinel.conf');
    await writeFile(file, 'sentinel monitor primary 127.0.0.1 6379 1\n');
    const sentinel = await start({ args: [file, '--sentinel'] });
    expect(await ask(sentinel, 'INFO', 'server')).toMatch(/^(redis|server)_mode:sentinel\r$/m);
  });

  it('counts as ready when it asks for a password', async () => {
    const server = await start({ args: ['--requirepass', 'secret'] });
    expect(await ask(server, 'PING')).toMatch(/^NOAUTH/);
  });

  it('takes the port it is given, and says so when that is taken', async () => {
    const first = await start({ own: true });
    await expect(startServer({ port: first.port })).rejects.toThrow(`port ${first.port} is already in use`);
    const { port } = first;
    await first.stop();
    expect((await start({ port })).port).toBe(port);
    await expect(startServer({ args: ['--port', '1'] })).rejects.toThrow('the port is an option, not an argument');
  });

  it('that does not come up is explained in its own words', async () => {
    await expect(startServer({ args: ['--nonsense', 'yes'] })).rejects.toThrow(
      /ended with exit code 1:[^]*>>> 'nonsense "?yes/,
    );
  });

  it('keeps port, arguments and data files over a kill and a restart', async () => {
    const server = await start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const { port, pid } = server;
    const client = await dial(server);
    await client.ask('SET', 'durable', 'yes');
    await server.kill();
    expect([await client.closed, server.pid]).toEqual(['end', undefined]);
    await expect(dial(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect([server.port, server.pid === pid]).toEqual([port, false]);
    expect(await ask(server, 'GET', 'durable')).toBe('yes');
  });

  it('is saved at a restart when it is told to save', async () => {
    const server = await start({ args: ['--save', '3600', '1'] });
    await ask(server, 'SET', 'saved', 'yes');
    await server.restart();
    expect(await ask(server, 'GET', 'saved')).toBe('yes');
  });

  it('starts again after stop, on the same port and empty', async () => {
    const server = await start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const { port } = server;
    await ask(server, 'SET', 'volatile', 'yes');
    await server.stop();
    await server.restart();
    expect([server.port, await ask(server, 'GET', 'volatile')]).toEqual([port, null]);
  });

  it('can be halted, and ends all the same', async () => {
    const server = await start({ args: ['--save', '3600', '1'] });
    await server.kill('SIGSTOP');
    const client = await dial(server);
    client.send(['PING']);
    await server.kill('SIGCONT');
    expect(await client.until((reply) => reply.endsWith('\n'))).toBe('+PONG\r\n');
    await ask(server, 'SET', 'saved', 'yes');
    await server.kill('SIGSTOP');
    await server.restart();
    // The server was asked to end, and did; it was not waited for in vain and then killed.
    expect(await ask(server, 'GET', 'saved')).toBe('yes');
    await server.kill('SIGSTOP');
    await server.stop();
    await expect(dial(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('leaves no folder behind when stopped, twice if need be', async () => {
    const server = await start({ own: true });
    expect(existsSync(server.folder ?? '')).toBe(true);
    await server.stop();
    await server.stop();
    expect(existsSync(server.folder ?? '')).toBe(false);
  });
});

describe('the process that started a server', () => {
  interface Started {
    port: number;
    pid: number;
    folder: string;
  }

  /** A process that starts a server, ended with the spec if it still runs. */
  function startChild(...args: string[]): Child {
    const child = runChild('starter.child.ts', args);
    cleanups.push(() => void child.process.kill('SIGKILL'));
    return child;
  }

  it('takes it along when killed by SIGKILL, folder included', async () => {
    const child = startChild('wait');
    const { port, folder } = JSON.parse(await child.nextLine()) as Started;
    const client = await dial({ host: '127.0.0.1', port });
    expect(await client.ask('PING')).toBe('PONG');
    const deleted = folderVanishes(folder);
    child.process.kill('SIGKILL');
    expect(await child.exited).toEqual([null, 'SIGKILL']);
    await client.closed;
    await deleted;
    await expect(dial({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('takes it along when the terminal interrupts them', async () => {
    const child = startChild('wait');
    const { port, folder } = JSON.parse(await child.nextLine()) as Started;
    const deleted = folderVanishes(folder);
    process.kill(-(child.process.pid ?? NaN), 'SIGINT');
    expect(await child.exited).toEqual([null, 'SIGINT']);
    await deleted;
    await expect(dial({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('takes it along even when the server is halted', async () => {
    const child = startChild('wait');
    const { port, pid, folder } = JSON.parse(await child.nextLine()) as Started;
    process.kill(pid, 'SIGSTOP');
    const deleted = folderVanishes(folder);
    child.process.kill('SIGKILL');
    await deleted;
    await expect(dial({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('is not kept alive by a server it forgot', async () => {
    const child = startChild();
    const { folder } = JSON.parse(await child.nextLine()) as Started;
    const deleted = folderVanishes(folder);
    expect(await child.exited).toEqual([0, null]);
    await deleted;
  });
});

async function folderAppears(parent: string, name: RegExp): Promise<void> {
  await mkdir(parent, { recursive: true });
  await folderEvent(parent, (entry) => name.test(entry));
}

async function folderVanishes(folder: string): Promise<void> {
  const vanished = folderEvent(dirname(folder), (entry) => entry === basename(folder) && !existsSync(folder));
  // What goes before it is watched is not told of.
  if (existsSync(folder)) await vanished;
}

/** Waits for something in a folder to come or go. */
function folderEvent(parent: string, isIt: (entry: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(parent, (_, entry) => {
      if (entry === null || !isIt(entry)) return;
      watcher.close();
      resolve();
    });
    cleanups.push(() => watcher.close());
  });
}

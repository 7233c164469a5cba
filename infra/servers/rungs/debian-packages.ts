import { mkdir, readdir, readlink, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { downloadPackages } from '../debian/apt';
import { withLock } from '../debian/lock';
import { readUnpacked, unpackServer, type UnpackedServer } from '../debian/unpacked-server';
import type { Rung, ServerProgram } from '../rung';
import { type ServerName, serverSource } from '../server-names';
import { superviseProgram } from '../supervisor';

/** Unpacks the Debian packages of a version into the user's cache, without root, and starts it from there. */
export const debianPackagesRung: Rung<ServerProgram> = {
  name: 'packages',
  async find({ server }) {
    if (process.platform !== 'linux') throw new Error(`Debian packages do not run on ${process.platform}`);
    const folder = join(cacheFolder(), `${server}-${process.arch}`);
    const cached = await readUnpacked(folder);
    const { unpacked, how } = cached === null ? await unpackOnce(server, folder) : { unpacked: cached, how: 'cached' };
    const { version, suite, command } = unpacked;
    return {
      kind: 'program',
      from: 'packages',
      version,
      command,
      description: `${serverSource(server).package} ${version} from Debian package (${suite}), ${how}`,
      launch: (launch) => superviseProgram(command, launch),
    };
  },
};

/** `REDIS_CACHE`, or the place the user's other caches are. */
function cacheFolder(): string {
  const { REDIS_CACHE, XDG_CACHE_HOME } = process.env;
  if (REDIS_CACHE) return resolve(REDIS_CACHE);
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rxjs-redis', 'servers');
}

interface Unpacking {
  readonly unpacked: UnpackedServer;
  readonly how: 'cached' | 'downloaded';
}

/**
 * Brings `folder` into being whole or not at all: packages are fetched and unpacked beside it, then renamed. Other
 * processes that want the same wait at the lock and find it done.
 */
async function unpackOnce(server: ServerName, folder: string): Promise<Unpacking> {
  await mkdir(cacheFolder(), { recursive: true });
  return withLock(folder, async () => {
    const finishedMeanwhile = await readUnpacked(folder);
    if (finishedMeanwhile !== null) return { unpacked: finishedMeanwhile, how: 'cached' };
    await sweepHalfFinished(folder);
    await unpack(server, folder);
    const unpacked = await readUnpacked(folder);
    if (unpacked === null) throw new Error(`${folder} vanished`);
    return { unpacked, how: 'downloaded' };
  });
}

async function unpack(server: ServerName, folder: string): Promise<void> {
  const source = serverSource(server);
  const partial = `${await partialName(folder)}${process.pid}`;
  const root = join(partial, 'root');
  try {
    await mkdir(root, { recursive: true });
    const debs = await downloadPackages(source, join(partial, 'apt'));
    await unpackServer(debs, { package: source.package, suite: source.suites[0] }, root);
    await moveTo(folder, root);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Deletes what processes that were killed have left. */
async function sweepHalfFinished(folder: string): Promise<void> {
  const begins = await partialName(folder);
  for (const name of await readdir(cacheFolder())) {
    const path = join(cacheFolder(), name);
    if (!path.startsWith(begins)) continue;
    const pid = Number(path.slice(begins.length));
    if (pid === process.pid || !isAlive(pid)) await rm(path, { recursive: true, force: true });
  }
}

/** Where a process unpacks, without its number. Containers that share a cache count processes each for itself. */
async function partialName(folder: string): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${folder}.partial-${/\d+/.exec(namespace)?.[0] ?? 'host'}-`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** A finished unpacking that came from elsewhere meanwhile is as good; anything else in its place gives way. */
async function moveTo(folder: string, root: string): Promise<void> {
  if ((await readUnpacked(folder)) !== null) return;
  await rm(folder, { recursive: true, force: true });
  await rename(root, folder);
}

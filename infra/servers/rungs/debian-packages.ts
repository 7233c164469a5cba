import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { downloadPackages } from '../debian/apt';
import { withFileLock } from '../debian/file-lock';
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
  return withFileLock(`${folder}.lock`, async () => {
    const finishedMeanwhile = await readUnpacked(folder);
    if (finishedMeanwhile !== null) return { unpacked: finishedMeanwhile, how: 'cached' };
    await sweepHalfFinished(folder);
    await unpack(server, folder);
    const unpacked = await readUnpacked(folder);
    if (unpacked === null) throw new Error(`${folder} vanished`);
    return { unpacked, how: 'downloaded' };
  });
}

/** Under the lock nobody else works on this server: whatever bears its partial name was left by a killed process. */
async function sweepHalfFinished(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const parent = resolve(folder, '..');
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (path.startsWith(`${folder}.partial-`)) await rm(path, { recursive: true, force: true });
  }
}

async function unpack(server: ServerName, folder: string): Promise<void> {
  const source = serverSource(server);
  const partial = `${folder}.partial-${process.pid}`;
  const root = join(partial, 'root');
  try {
    await mkdir(root, { recursive: true });
    const debs = await downloadPackages(source, join(partial, 'apt'));
    await unpackServer(debs, { package: source.package, suite: source.suites[0] }, root);
    await rename(root, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

import { mkdir, readdir, readlink, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { withLock } from './lock';

/** What is unpacked into a folder of the cache. */
export interface Unpacking<T> {
  /** what a finished unpacking says of itself, or null where the folder holds none */
  readonly read: (folder: string) => Promise<T | null>;
  /** @param scratch a folder for what is deleted afterwards */
  readonly unpack: (root: string, scratch: string) => Promise<void>;
}

export interface Brought<T> {
  readonly found: T;
  readonly how: 'cached' | 'downloaded';
}

/** `REDIS_CACHE`, or the place the user's other caches are. */
export function cacheFolder(): string {
  const { REDIS_CACHE, XDG_CACHE_HOME } = process.env;
  if (REDIS_CACHE) return resolve(REDIS_CACHE);
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rxjs-redis', 'servers');
}

/**
 * Brings `folder` into being whole or not at all: packages are fetched and unpacked beside it, then renamed. Other
 * processes that want the same wait at the lock and find it done.
 */
export async function bringOnce<T>(folder: string, { read, unpack }: Unpacking<T>): Promise<Brought<T>> {
  const cached = await read(folder);
  if (cached !== null) return { found: cached, how: 'cached' };
  await mkdir(dirname(folder), { recursive: true });
  return withLock(folder, async () => {
    const finishedMeanwhile = await read(folder);
    if (finishedMeanwhile !== null) return { found: finishedMeanwhile, how: 'cached' };
    await sweepHalfFinished(folder);
    const partial = `${await partialName(folder)}${process.pid}`;
    const root = join(partial, 'root');
    try {
      await mkdir(root, { recursive: true });
      await unpack(root, join(partial, 'apt'));
      // A finished unpacking that came from elsewhere meanwhile is as good; anything else in its place gives way.
      if ((await read(folder)) === null) {
        await rm(folder, { recursive: true, force: true });
        await rename(root, folder);
      }
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
    const found = await read(folder);
    if (found === null) throw new Error(`${folder} vanished`);
    return { found, how: 'downloaded' };
  });
}

/** Deletes what processes that were killed have left. */
async function sweepHalfFinished(folder: string): Promise<void> {
  const begins = await partialName(folder);
  for (const name of await readdir(dirname(folder))) {
    const path = join(dirname(folder), name);
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

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../run';

/** A program that has not done its work after so many ms hangs. */
const PROGRAM_TIMEOUT = 120_000;

/** What a finished unpacking says about itself, kept beside it so that no program needs to run to know. */
export interface UnpackedServer {
  /** The server's own version, such as `7.0.15`. */
  readonly version: string;
  readonly suite: string;
  /** The program with what must precede its arguments. The server's path is the last element. */
  readonly command: readonly string[];
}

const MANIFEST = 'manifest.json';

/** Reads what `unpackServer` wrote, or null when the folder holds no finished unpacking. */
export async function readUnpacked(folder: string): Promise<UnpackedServer | null> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null);
  if (text === null) return null;
  const manifest = JSON.parse(text) as UnpackedServer;
  return { ...manifest, command: manifest.command.map((part) => part.replaceAll('{folder}', folder)) };
}

/**
 * Unpacks .deb files into `folder` without installing them and notes how the server in them is started.
 * @throws Error when a package is damaged or the server does not run
 */
export async function unpackServer(
  debs: readonly string[],
  server: { package: string; suite: string },
  folder: string,
): Promise<void> {
  for (const deb of debs) await run('dpkg-deb', ['-x', deb, folder], { timeout: PROGRAM_TIMEOUT });
  // Manuals and translations are two thirds of the bytes.
  await rm(join(folder, 'usr/share'), { recursive: true, force: true });
  const libraries = await libraryFolders(folder);
  const loader = await findLoader(libraries);
  const path = join(folder, 'usr/bin', server.package);
  // The packages' own loader and C library: the server may want newer or older ones than the machine has.
  const command = [loader, '--library-path', libraries.join(':'), path];
  const version = parseVersion(await run(loader, [...command.slice(1), '--version'], { timeout: PROGRAM_TIMEOUT }));
  // The folder is renamed when complete, so its name must not be in the manifest.
  const movable = command.map((part) => part.replaceAll(folder, '{folder}'));
  await writeFile(join(folder, MANIFEST), JSON.stringify({ version, suite: server.suite, command: movable }, null, 2));
}

/** The folders named after the machine's architecture, such as `usr/lib/x86_64-linux-gnu`, that hold libraries. */
async function libraryFolders(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const parent of ['lib', 'usr/lib'].map((part) => join(root, part))) {
    const names = await readdir(parent).catch(() => []);
    found.push(...names.filter((name) => /-linux-gnu/.test(name)).map((name) => join(parent, name)));
  }
  return found;
}

async function findLoader(libraries: readonly string[]): Promise<string> {
  for (const folder of libraries) {
    const names = await readdir(folder);
    const loader = names.find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    if (loader !== undefined) return join(folder, loader);
  }
  throw new Error('the packages hold no program loader');
}

/**
 * Reads `Redis server v=7.0.15 sha=…` and `Valkey server v=8.1.1 sha=…`.
 * @throws Error when the text is neither
 */
export function parseVersion(text: string): string {
  const version = /\bv=([^\s]+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`no server version in "${basename(text.trim())}"`);
  return version;
}

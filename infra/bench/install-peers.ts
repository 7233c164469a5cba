import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The peers have a package.json of their own: nobody who builds or tests this package needs them. */
export const peersFolder = join(__dirname, 'peers');

type Versions = Readonly<Record<string, string>>;

/**
 * Installs the peers in the versions that their package.json pins, unless they are there.
 * @returns versions by package
 */
export async function installPeers(): Promise<Versions> {
  const { dependencies } = await readJson<{ dependencies: Versions }>(join(peersFolder, 'package.json'));
  if (!(await areInstalled(dependencies))) {
    process.stderr.write(`Installing ${Object.keys(dependencies).join(', ')} into ${peersFolder}\n`);
    await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: peersFolder });
  }
  return dependencies;
}

async function areInstalled(wanted: Versions): Promise<boolean> {
  const checks = Object.entries(wanted).map(async ([name, version]) => {
    const manifest = join(peersFolder, 'node_modules', name, 'package.json');
    return (await readJson<{ version: string }>(manifest)).version === version;
  });
  return Promise.all(checks).then(
    (all) => all.every(Boolean),
    () => false,
  );
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

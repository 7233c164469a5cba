import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Versions = Readonly<Record<string, string>>;

/**
 * Installs what the package.json of a folder pins, unless it is there: packages that only few need, and not to build or test.
 * @returns versions by name; of an alias, `npm:typescript@5.0.4`, the version alone
 */
export async function installPinned(folder: string): Promise<Versions> {
  const { dependencies } = await readJson<{ dependencies: Versions }>(join(folder, 'package.json'));
  const versions = Object.fromEntries(
    Object.entries(dependencies).map(([name, version]) => [name, version.slice(version.lastIndexOf('@') + 1)]),
  );
  if (!(await areInstalled(folder, versions))) {
    process.stderr.write(`Installing ${Object.keys(versions).join(', ')} into ${folder}\n`);
    await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder });
  }
  return versions;
}

async function areInstalled(folder: string, wanted: Versions): Promise<boolean> {
  const checks = Object.entries(wanted).map(async ([name, version]) => {
    const manifest = join(folder, 'node_modules', name, 'package.json');
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

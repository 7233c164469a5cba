import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { bringOnce } from './servers/debian/once';

const run = promisify(execFile);

const repository = resolve(__dirname, '..');
const builds = join(repository, '.cache/builds');

/** What decides a build beside `src/`; the lock file stands for the versions of the tools. */
const SETTINGS = ['package.json', 'package-lock.json', 'rollup.config.mjs', 'tsconfig.json'];

/** A build of other sources is kept for so long: another process may still read it; ms. */
const KEPT_FOR = 24 * 60 * 60 * 1000;

/**
 * The package as `npm run build` makes it. It is built by the first process that asks, and again when a source has changed.
 * @returns a folder within the repository, so that what is built finds the dependencies; only to be read
 */
export async function builtPackage(): Promise<string> {
  const name = await fingerprint();
  const { found } = await bringOnce(join(builds, name), {
    read: (folder) => Promise.resolve(existsSync(folder) ? folder : null),
    unpack: async (folder) => {
      await deleteOldBuilds();
      const rollup = join(repository, 'node_modules/rollup/dist/bin/rollup');
      await run(process.execPath, [rollup, '--config', '--silent', '--configFolder', folder], { cwd: repository });
    },
  });
  return found;
}

/** Differs when anything that decides a build differs. */
async function fingerprint(): Promise<string> {
  const names = await readdir(join(repository, 'src'), { recursive: true });
  const sources = names.filter((name) => name.endsWith('.ts')).map((name) => join('src', name));
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...sources.toSorted()]) {
    const content = await readFile(join(repository, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

async function deleteOldBuilds(): Promise<void> {
  for (const name of await readdir(builds)) {
    const folder = join(builds, name);
    const made = await stat(folder).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > KEPT_FOR) await rm(folder, { recursive: true, force: true });
  }
}

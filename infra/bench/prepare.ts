import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { OURS_VARIABLE, PEERS_VARIABLE } from './clients/installed';
import type { Workshop } from './worker-process';

const run = promisify(execFile);

const repository = resolve(__dirname, '../..');
const peersFolder = join(__dirname, 'peers');

/** A folder for one run. It lies within the repository, so that what is built there finds the dependencies. */
export async function makeWorkFolder(): Promise<string> {
  const cache = join(repository, '.cache', 'bench');
  await mkdir(cache, { recursive: true });
  return mkdtemp(join(cache, 'run-'));
}

/** Builds our client as its users get it, and the worker into one file. */
export async function prepareWorkshop(folder: string, dist: string | undefined): Promise<Workshop> {
  const ours = dist ?? join(folder, 'dist');
  if (dist === undefined) await buildOurs(ours);
  const script = join(folder, 'worker.cjs');
  await build({
    entryPoints: [join(__dirname, 'worker.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
  });
  return { script, env: { ...process.env, NODE_OPTIONS: '', [OURS_VARIABLE]: ours, [PEERS_VARIABLE]: peersFolder } };
}

async function buildOurs(folder: string): Promise<void> {
  const rollup = join(repository, 'node_modules', 'rollup', 'dist', 'bin', 'rollup');
  const args = [rollup, '--config', '--silent', '--configCodeOnly', '--configFolder', folder];
  await run(process.execPath, args, { cwd: repository });
}

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

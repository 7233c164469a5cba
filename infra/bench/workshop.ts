import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { OURS_VARIABLE, PEERS_VARIABLE } from './clients/installed';
import { peersFolder } from './install-peers';
import type { Workshop } from './worker-process';

const run = promisify(execFile);

const repository = resolve(__dirname, '../..');

/** A folder that is gone when this process is. It lies within the repository, so that what is built there finds the dependencies. */
export async function makeWorkFolder(): Promise<string> {
  const cache = join(repository, '.cache', 'bench');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'run-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Builds our client as its users get it, and the worker into one file. */
/** @param bun the program that is Bun, where it is wanted */
export async function prepareWorkshop(
  folder: string,
  dist: string | undefined,
  bun: string | undefined,
): Promise<Workshop> {
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
  return {
    script,
    bun,
    env: { ...process.env, NODE_OPTIONS: '', [OURS_VARIABLE]: ours, [PEERS_VARIABLE]: peersFolder },
  };
}

async function buildOurs(folder: string): Promise<void> {
  const rollup = join(repository, 'node_modules', 'rollup', 'dist', 'bin', 'rollup');
  const args = [rollup, '--config', '--silent', '--configCodeOnly', '--configFolder', folder];
  await run(process.execPath, args, { cwd: repository });
}

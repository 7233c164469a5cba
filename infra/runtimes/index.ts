import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installPinned } from '../install-pinned';

/** A program that runs JavaScript. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** it and its first arguments; the file of the program comes behind them */
  readonly command: readonly string[];
}

const SCRIPTS = ['install.js', 'install.cjs'];
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  bun: [],
  deno: ['run', '--allow-all', '--quiet', '--node-modules-dir=manual'],
};

/** The Node.js that runs this, and the runtimes that the package.json of this folder pins. */
export async function installRuntimes(): Promise<readonly Runtime[]> {
  const { miniflare: _, ...versions } = await installPinned(__dirname);
  const others = await Promise.all(
    Object.entries(versions).map(async ([name, version]): Promise<Runtime> => {
      await unpack(join(__dirname, 'node_modules', name));
      return { name, version, command: [join(__dirname, 'node_modules/.bin', name), ...ARGUMENTS[name]!] };
    }),
  );
  return [{ name: 'node', version: process.versions.node, command: [process.execPath] }, ...others];
}

/** The folder of Miniflare, which runs Cloudflare's runtime. */
export async function installWorkers(): Promise<string> {
  await installPinned(__dirname);
  const modules = join(__dirname, 'node_modules');
  await unpack(join(modules, 'workerd'));
  return join(modules, 'miniflare');
}

/** Puts the binary of a runtime where it belongs. Not every npm does that by itself; a second time changes nothing. */
async function unpack(folder: string): Promise<void> {
  const script = SCRIPTS.find((name) => existsSync(join(folder, name)));
  if (script === undefined) return;
  await new Promise<void>((resolve, reject) => {
    spawn(process.execPath, [script], { cwd: folder, stdio: 'ignore' })
      .on('error', reject)
      .on('exit', () => resolve());
  });
}

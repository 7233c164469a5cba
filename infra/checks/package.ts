// `npm run package` packs the package as it would be published, and has attw and publint look at it.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import manifest from '../../package.json';
import { builtPackage } from '../built-package';

const ROOT = resolve(__dirname, '../..');
const CACHE = join(ROOT, '.cache');

async function main(): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'package-'));
  try {
    for (const name of ['package.json', ...manifest.files.filter((name) => name !== 'dist')]) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      cpSync(join(ROOT, name), join(folder, name));
    }
    cpSync(await builtPackage(), join(folder, 'dist'), { recursive: true });
    // The scripts of the package want the whole repository.
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts'], { cwd: folder, stdio: 'ignore' });
    const archive = join(folder, `${manifest.name}-${manifest.version}.tgz`);
    const verdicts = [
      look('attw', [archive, '--no-color', '--format', 'ascii']),
      look('publint', ['--strict', archive]),
    ];
    if (!verdicts.every(Boolean)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Has a tool look at the archive, and shows what it says where that is not good. */
function look(tool: string, args: readonly string[]): boolean {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin', tool), args, { encoding: 'utf8' });
  if (status !== 0) console.error(`${tool}:\n${stdout}${stderr}`);
  return status === 0;
}

void main();

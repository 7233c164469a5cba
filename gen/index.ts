// `npm run gen` writes src/commands/generated/, `npm run gen -- --check` fails when it is stale.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generate';

const ROOT = join(__dirname, '..');
const GENERATED = join(ROOT, 'src/commands/generated');

function main(): void {
  const files = generate();
  if (process.argv.includes('--check')) check(files);
  else write(files);
}

function write(files: ReadonlyMap<string, string>): void {
  mkdirSync(GENERATED, { recursive: true });
  for (const name of readdirSync(GENERATED))
    if (!files.has(join('src/commands/generated', name))) rmSync(join(GENERATED, name));
  for (const [path, text] of files) writeFileSync(join(ROOT, path), text);
  console.log(`gen: ${files.size} files written`);
}

function check(files: ReadonlyMap<string, string>): void {
  const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  const extra = readdirSync(GENERATED).filter((name) => !files.has(join('src/commands/generated', name)));
  for (const path of [...stale, ...extra]) console.error(`stale: ${path}`);
  if (stale.length + extra.length > 0) {
    console.error('Run `npm run gen` and commit what it writes.');
    process.exitCode = 1;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}

main();

// `npm run gen` writes src/commands/generated/, `npm run gen -- --check` fails when it is stale, `npm run gen -- --from <url>` lists
// what a running server knows that the facts do not.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFacts } from './facts';
import { generate } from './generate';

const ROOT = join(__dirname, '..');
const GENERATED = join(ROOT, 'src/commands/generated');

async function main(): Promise<void> {
  const from = process.argv.indexOf('--from');
  if (from >= 0) await compare(process.argv[from + 1]);
  else if (process.argv.includes('--check')) check(generate());
  else write(generate());
}

/** The client is loaded for this alone: it needs the files that the generator writes. */
async function compare(url: string | undefined): Promise<void> {
  if (url === undefined) throw new Error('--from wants the URL of a server');
  const { askServer } = await import('./ask-server');
  const { differences } = await import('./compare-server');
  const found = differences(loadFacts(), await askServer(url));
  for (const line of found) console.log(line);
  console.log(found.length === 0 ? 'The facts tell everything that this server knows.' : `${found.length} differences`);
}

function write(files: ReadonlyMap<string, string>): void {
  mkdirSync(GENERATED, { recursive: true });
  for (const name of readdirSync(GENERATED)) if (!files.has(pathOf(name))) rmSync(join(GENERATED, name));
  for (const [path, text] of files) writeFileSync(join(ROOT, path), text);
  console.log(`gen: ${files.size} files written`);
}

function check(files: ReadonlyMap<string, string>): void {
  const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  const extra = readdirSync(GENERATED).filter((name) => !files.has(pathOf(name)));
  for (const path of [...stale, ...extra]) console.error(`stale: ${path}`);
  if (stale.length + extra.length > 0) {
    console.error('Run `npm run gen` and commit what it writes.');
    process.exitCode = 1;
  }
}

/** A generated file's path from the repository's root, with the slashes of every system. */
function pathOf(name: string): string {
  return `src/commands/generated/${name}`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}

void main();

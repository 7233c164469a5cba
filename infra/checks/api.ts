// `npm run api` writes the API report, `npm run api -- --check` fails when it is stale.

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type IConfigFile } from '@microsoft/api-extractor';
import { builtPackage } from '../built-package';

const ROOT = resolve(__dirname, '../..');
const REPORTS = join(ROOT, 'infra/api');
const CACHE = join(ROOT, '.cache');
const ENTRIES = ['index', 'commands', 'nestjs', 'ioredis'];
const SHOWN_LINES = 40;

async function main(): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  // Inside the repository, so that the declarations find the packages that they import.
  const folder = mkdtempSync(join(CACHE, 'api-'));
  try {
    cpSync(await builtPackage(), folder, { recursive: true });
    prepare(folder);
    mkdirSync(join(folder, 'reports'));
    const reports = ENTRIES.map((entry) => extract(folder, entry));
    if (process.argv.includes('--check')) check(reports);
    else for (const { fresh, kept } of reports) copyFileSync(fresh, kept);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Report {
  readonly fresh: string;
  readonly kept: string;
}

/** Has each report show what is declared in its own entry alone, in spaces: what others take from the client is an import of the package. */
function prepare(folder: string): void {
  const installed = join(folder, 'node_modules/rxjs-redis');
  mkdirSync(installed, { recursive: true });
  // A package of its own: else that name would be this repository, and all of it the entry's.
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(installed, 'package.json'), '{ "name": "rxjs-redis", "types": "index.d.ts" }');
  for (const entry of ENTRIES) {
    const file = join(folder, `${entry}.d.cts`);
    const text = read(file).replace(/^\t+/gm, (tabs) => ' '.repeat(4 * tabs.length));
    if (entry === 'index') writeFileSync(join(installed, 'index.d.ts'), text);
    writeFileSync(file, text.replaceAll("'./index.cjs'", "'rxjs-redis'"));
  }
}

/** Writes down what an entry of the package exports, and all that can be reached from there. */
function extract(folder: string, entry: string): Report {
  const name = `${entry}.api.md`;
  const config = ExtractorConfig.prepare({
    configObject: configFor(folder, entry, name),
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
  });
  const { errorCount } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      // Everything but errors is talk; what is said about the report is said below.
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (errorCount > 0) throw new Error(`The declarations of ${entry} cannot be read`);
  return { fresh: join(folder, 'reports', name), kept: join(REPORTS, name) };
}

function check(reports: readonly Report[]): void {
  const stale = reports.filter(({ fresh, kept }) => !existsSync(kept) || read(fresh) !== read(kept));
  for (const { fresh, kept } of stale) console.error(difference(kept, fresh));
  if (stale.length === 0) return;
  console.error('What the package exports has changed. If that is meant, run `npm run api` and commit what it writes.');
  process.exitCode = 1;
}

function read(file: string): string {
  return readFileSync(file, 'utf8');
}

/** What changed, for a first look. */
function difference(kept: string, fresh: string): string {
  const name = relative(ROOT, kept);
  if (!existsSync(kept)) return `${name} is missing`;
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--unified=0', kept, fresh], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => /^[-+](?![-+])/.test(line));
  const more = lines.length > SHOWN_LINES ? [`… and ${lines.length - SHOWN_LINES} lines more`] : [];
  return [`${name} is stale:`, ...lines.slice(0, SHOWN_LINES), ...more].join('\n');
}

function configFor(folder: string, entry: string, reportFileName: string): IConfigFile {
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'ESNext',
    moduleResolution: 'bundler',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
  };
  return {
    projectFolder: ROOT,
    mainEntryPointFilePath: join(folder, `${entry}.d.cts`),
    compiler: { overrideTsconfig: { compilerOptions, include: [folder] } },
    apiReport: {
      enabled: true,
      includeForgottenExports: true,
      reportFileName,
      reportFolder: join(folder, 'reports'),
      reportTempFolder: join(folder, 'compared'),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: 'lf',
  };
}

void main();

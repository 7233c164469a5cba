import { spawnSync } from 'node:child_process';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArguments, type Matrix, UsageError } from './arguments';

const REPOSITORY = resolve(__dirname, '../..');
const RUNNER = join(REPOSITORY, 'node_modules/jest/bin/jest.js');

interface Counts {
  /** false also when a file could not even be loaded */
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

/** Runs specs against servers, one server after the other, and prints a line for each. */
function main({ servers, jest }: Matrix): void {
  let failed = false;
  const lines = servers.map((server) => {
    const counts = runSpecs(server, jest);
    const { numPassedTests = 0, numFailedTests = 1, numPendingTests = 0 } = counts ?? {};
    failed ||= counts === undefined || !counts.success || numPassedTests === 0;
    return `${server.padEnd(12)} ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`;
  });
  console.log(`\n${lines.join('\n')}`);
  process.exitCode = failed ? 1 : 0;
}

/** Undefined when Jest did not come to an end. */
function runSpecs(server: string, jest: readonly string[]): Counts | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-matrix-'));
  const results = join(folder, 'results.json');
  try {
    console.log(`\n── ${server}`);
    const env = { ...process.env, REDIS_SERVER: server, REDIS_FROM: 'packages' };
    const command = [RUNNER, ...jest, '--json', '--outputFile', results];
    spawnSync(process.execPath, command, { cwd: REPOSITORY, env, stdio: ['ignore', 'ignore', 'inherit'] });
    return JSON.parse(readFileSync(results, 'utf8')) as Counts;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  main(parseArguments(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

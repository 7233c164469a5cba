import { spawnSync } from 'node:child_process';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverNames } from '../servers';

/** What is the same whatever the server, and long. */
const LEFT_OUT = ['million-commands', 'spec/server/processes'];

interface Counts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

/**
 * Runs the specs against every server that the client supports, one after the other, and prints a line for each:
 * `npm run test:matrix [-- server …] [-- jest arguments]`.
 */
function main(args: readonly string[]): void {
  const known: readonly string[] = serverNames;
  const wanted = args.filter((arg) => known.includes(arg));
  const forJest = args.filter((arg) => !known.includes(arg));
  let failed = false;
  const lines = (wanted.length > 0 ? wanted : known).map((server) => {
    const counts = runSpecs(server, forJest);
    const { numPassedTests = 0, numFailedTests = 1, numPendingTests = 0 } = counts ?? {};
    failed ||= counts === undefined || numFailedTests > 0 || numPassedTests === 0;
    return `${server.padEnd(12)} ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`;
  });
  console.log(`\n${lines.join('\n')}`);
  process.exitCode = failed ? 1 : 0;
}

/** Undefined when Jest did not come to an end. */
function runSpecs(server: string, forJest: readonly string[]): Counts | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-matrix-'));
  const results = join(folder, 'results.json');
  const jest = ['jest', 'spec/server', '--testPathIgnorePatterns', ...LEFT_OUT, '--json', '--outputFile', results];
  try {
    console.log(`\n── ${server}`);
    const env = { ...process.env, REDIS_SERVER: server, REDIS_FROM: 'packages' };
    spawnSync('npx', [...jest, ...forJest], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    return JSON.parse(readFileSync(results, 'utf8')) as Counts;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv.slice(2));

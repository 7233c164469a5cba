// `npm run check` looks at all that needs no server; `npm test`, which is `--all`, at everything.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { runPart, runParts, type Outcome, type Part } from './parts';
import { allSpecs, countSpecs, formatCounts, SPEC_RESULTS, unitSpecs } from './specs';

/** One line for who started `npm test`, `.ci/run` for one. */
const VERDICT = '.cache/checks/verdict.txt';

/** The longest first, so that none is left to run alone. What `npm run lint` does one after the other is two parts here. */
const still: readonly Part[] = [
  { name: 'lint', command: 'npx eslint . --max-warnings 0' },
  { name: 'types', command: 'npm run --silent types' },
  { name: 'API report', command: 'npm run --silent api -- --check' },
  { name: 'formatting', command: 'npx prettier --check . --log-level warn' },
  { name: 'package', command: 'npm run --silent package' },
  { name: 'layers', command: 'npm run --silent layers' },
  { name: 'generated code', command: 'npm run --silent gen -- --check' },
];
const LANES = 2;

async function check(): Promise<void> {
  conclude(await runParts([unitSpecs, ...still], LANES, tell));
}

async function test(): Promise<void> {
  for (const file of [SPEC_RESULTS, VERDICT]) rmSync(file, { force: true });
  mkdirSync(dirname(VERDICT), { recursive: true });
  const outcomes = await runParts(still, LANES, tell);
  const specs = await runPart(allSpecs, 'inherit');
  conclude([...outcomes, specs]);
  const counts = countSpecs(SPEC_RESULTS, specs.passed);
  const verdict = formatCounts({ ...counts, failed: counts.failed + failures(outcomes).length });
  writeFileSync(VERDICT, `${verdict}\n`);
  console.log(verdict);
}

function tell({ part, passed, seconds, output }: Outcome): void {
  console.log(`${passed ? '✓' : '✗'} ${part.name.padEnd(16)}${seconds.toFixed(1).padStart(6)} s`);
  if (!passed) console.log(output.trimEnd().replace(/^/gm, '    '));
}

function conclude(outcomes: readonly Outcome[]): void {
  const failed = failures(outcomes);
  if (failed.length === 0) console.log(`All ${outcomes.length} parts hold.`);
  for (const { part } of failed) console.log(`Failed: ${part.name}. Again: ${part.command}`);
  if (failed.length > 0) process.exitCode = 1;
}

function failures(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.filter(({ passed }) => !passed);
}

process.chdir(resolve(__dirname, '../..'));
void (process.argv.includes('--all') ? test() : check());

import { existsSync, readFileSync } from 'node:fs';
import type { Part } from './parts';

/** Where Jest leaves its results for programs. */
export const SPEC_RESULTS = '.cache/checks/specs.json';

export const unitSpecs: Part = { name: 'unit specs', command: 'npx jest spec/unit' };

export const allSpecs: Part = {
  name: 'specs and coverage',
  command: `npx jest --coverage --json --outputFile=${SPEC_RESULTS}`,
};

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What is read of Jest's results. */
interface JestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** files that could not even be loaded */
  readonly numRuntimeErrorTestSuites: number;
}

/**
 * Counts the specs of a run.
 * @param passed whether Jest was content: too little coverage fails a run without a failing spec, and counts as one
 */
export function countSpecs(file: string, passed: boolean): Counts {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const results = JSON.parse(readFileSync(file, 'utf8')) as JestResults;
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  return {
    passed: results.numPassedTests,
    failed: passed ? failed : Math.max(failed, 1),
    skipped: results.numPendingTests + results.numTodoTests,
  };
}

/** `12 passed, 1 failed, 2 skipped` */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

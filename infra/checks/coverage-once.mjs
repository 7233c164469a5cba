import { TestEnvironment } from 'jest-environment-node';

/** Source file → what of it has run, as far as this process has told. */
const told = new Map();

/**
 * Tells Jest of coverage what is new. Every spec file loads most of the sources, and behind each Jest copies all counters with
 * their places, sends them to the process that adds them up, and merges them there. Which share is covered stays the same; how
 * often something ran does not, and is not asked for.
 */
export default class CoverageOnce extends TestEnvironment {
  handleTestEvent({ name }) {
    const { __coverage__: coverage } = this.global;
    if (name !== 'teardown' || coverage === undefined) return;
    for (const [file, counters] of Object.entries(coverage)) if (!hasNews(file, counters)) delete coverage[file];
  }
}

/** Whether a file was loaded for the first time, or something in it has run for the first time. */
function hasNews(file, { s: statements, f: functions, b: branches }) {
  const known = told.get(file) ?? new Set();
  const before = told.has(file) ? known.size : -1;
  told.set(file, known);
  for (const [kind, counters] of Object.entries({ statements, functions, branches }))
    for (const [number, counts] of Object.entries(counters))
      [counts].flat().forEach((count, way) => count > 0 && known.add(`${kind} ${number} ${way}`));
  return known.size > before;
}

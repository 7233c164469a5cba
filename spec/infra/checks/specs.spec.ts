import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPart, runParts, type Outcome } from '../../../infra/checks/parts';
import { countSpecs, formatCounts } from '../../../infra/checks/specs';

const node = (program: string) => `"${process.execPath}" -e "${program}"`;

describe('The count of specs', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-specs-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function count(results: Readonly<Record<string, number>>, passed: boolean): Promise<string> {
    const file = join(folder, 'specs.json');
    const none = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
    await writeFile(file, JSON.stringify({ ...none, numRuntimeErrorTestSuites: 0, ...results }));
    return formatCounts(countSpecs(file, passed));
  }

  it('is that of Jest', async () => {
    expect(await count({ numPassedTests: 12 }, true)).toBe('12 passed, 0 failed');
    expect(await count({ numPassedTests: 11, numFailedTests: 1 }, false)).toBe('11 passed, 1 failed');
  });

  it('names those that were skipped, if any', async () => {
    const counts = await count({ numPassedTests: 9, numPendingTests: 2, numTodoTests: 1 }, true);
    expect(counts).toBe('9 passed, 0 failed, 3 skipped');
  });

  it('takes a file that cannot be loaded for a failure', async () => {
    expect(await count({ numPassedTests: 9, numRuntimeErrorTestSuites: 1 }, false)).toBe('9 passed, 1 failed');
  });

  it('takes too little coverage for a failure', async () => {
    expect(await count({ numPassedTests: 9 }, false)).toBe('9 passed, 1 failed');
  });

  it('takes results that are missing for a failure', () => {
    expect(formatCounts(countSpecs(join(folder, 'nowhere.json'), true))).toBe('0 passed, 1 failed');
  });
});

describe('The parts of a check', () => {
  it('pass and fail by their exit codes, with what they wrote', async () => {
    const good = await runPart({ name: 'good', command: node('console.log(1); console.error(2)') }, 'pipe');
    const bad = await runPart({ name: 'bad', command: node('process.exit(3)') }, 'pipe');
    const missing = await runPart({ name: 'missing', command: 'no-such-program' }, 'pipe');
    expect([good.passed, bad.passed, missing.passed]).toStrictEqual([true, false, false]);
    expect(good.output.split('\n').sort()).toStrictEqual(['', '1', '2']);
    expect(missing.output).toContain('no-such-program');
  });

  it('run as many at a time as there are lanes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-parts-'));
    const signal = join(folder, 'signal');
    const told: string[] = [];
    const tell = ({ part }: Outcome) => told.push(part.name);
    const parts = [
      { name: 'first, which waits for the last', command: `until [ -e ${signal} ]; do sleep 0.02; done` },
      { name: 'second', command: 'true' },
      { name: 'last', command: `touch ${signal}` },
    ];
    const outcomes = await runParts(parts, 2, tell);
    await rm(folder, { recursive: true });
    expect(told[0]).toBe('second');
    expect(outcomes.map(({ passed }) => passed)).toStrictEqual([true, true, true]);
  });
});

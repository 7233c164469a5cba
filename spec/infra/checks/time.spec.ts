import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const repository = resolve(__dirname, '../../..');

/** Which of the lines ESLint refuses for their time when they stand in a file of src. */
function refused(lines: readonly string[]): Promise<string[]> {
  const eslint = resolve(repository, 'node_modules/eslint/bin/eslint.js');
  const args = [eslint, '--stdin', '--stdin-filename', 'src/connection/backoff.ts', '--format', 'json'];
  return new Promise((done, failed) => {
    const child = execFile(process.execPath, args, { cwd: repository }, (_, stdout, stderr) => {
      if (stdout === '') return failed(new Error(stderr));
      const [{ messages }] = JSON.parse(stdout) as [{ messages: { line: number; message: string }[] }];
      const ofTime = messages.filter(({ message }) => message.includes("use the client's clock"));
      done([...new Set(ofTime.map(({ line }) => lines[line - 1]!))]);
    });
    child.stdin!.end(lines.join('\n'));
  });
}

const imports =
  "import { delay, interval, of, timeout, timer } from 'rxjs'; import type { Clock } from './clock'; declare const clock: Clock;";
const offences = [
  "import { systemClock } from './clock';",
  "import { HELD_UP, systemClock as other } from './clock';",
  'setTimeout(() => undefined, 1);',
  'setImmediate(() => undefined);',
  'clearTimeout(undefined);',
  'queueMicrotask(() => undefined);',
  'globalThis.setTimeout(() => undefined, 1);',
  'process.nextTick(() => undefined);',
  'export const a = Date.now();',
  'export const b = new Date();',
  'export const c = performance.now();',
  'export const d = timer(1);',
  'export const e = interval(1);',
  'export const f = of(1).pipe(delay(1));',
  'export const g = of(1).pipe(timeout({ first: 1 }));',
];
const innocent = [
  'export const h = timer(1, clock);',
  'export const i = of(1).pipe(delay(1, clock), timeout({ first: 1, scheduler: clock }));',
  'export const j = new Date(0);',
  'clock.nextTick(() => undefined);',
];

describe('The check of the time', () => {
  it("refuses in src whatever is not on the client's clock, and nothing else", async () => {
    expect(await refused([imports, ...offences, ...innocent])).toStrictEqual(offences);
  });
});

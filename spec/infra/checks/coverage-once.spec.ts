import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const ENVIRONMENT = resolve(__dirname, '../../../infra/checks/coverage-once.mjs');

type Counters = Record<'s' | 'f', Readonly<Record<string, number>>> & {
  b: Readonly<Record<string, readonly number[]>>;
};
type Coverage = Readonly<Record<string, Counters>>;

/** Which files of each spec Jest hears of, in a process that runs them one after the other. */
function toldOf(specs: readonly Coverage[]): string[][] {
  const program = `
    import CoverageOnce from '${ENVIRONMENT}';
    const told = ${JSON.stringify(specs)}.map((__coverage__) => {
      for (const name of ['setup', 'teardown'])
        CoverageOnce.prototype.handleTestEvent.call({ global: { __coverage__ } }, { name });
      return Object.keys(__coverage__);
    });
    console.log(JSON.stringify(told));`;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  return JSON.parse(said) as string[][];
}

const none: Counters = { s: { 0: 0, 1: 0 }, f: { 0: 0 }, b: { 0: [0, 0] } };

describe('What is told of coverage', () => {
  it('is each file once, also one of which nothing has run', () => {
    expect(toldOf([{ a: none }, { a: none, b: none }, { a: none, b: none }])).toStrictEqual([['a'], ['b'], []]);
  });

  it.each<[string, Counters]>([
    ['a statement', { ...none, s: { 0: 0, 1: 7 } }],
    ['a function', { ...none, f: { 0: 7 } }],
    ['a way of a branch', { ...none, b: { 0: [0, 7] } }],
  ])('is a file again in which %s has run that had not, and not where it runs again', (_, more) => {
    expect(toldOf([{ a: none }, { a: more }, { a: more }, { a: none }])).toStrictEqual([['a'], ['a'], [], []]);
  });

  it('is nothing where nothing is counted', () => {
    expect(toldOf([{}])).toStrictEqual([[]]);
  });
});

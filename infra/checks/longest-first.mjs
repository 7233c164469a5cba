import Sequencer from '@jest/test-sequencer';

/** Specs that take a minute and more. Begun last, they would keep one worker busy while the other has nothing left to do. */
const LONG = [
  'million-commands.spec.ts',
  'environments.spec.ts',
  'type-versions.spec.ts',
  ...[1, 2, 3, 4].map((block) => `seeds-${block}.spec.ts`),
];

/** Jest's own order, behind the specs that take longest whether Jest remembers an earlier run or not. */
export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    const isLong = ({ path }) => LONG.some((name) => path.endsWith(name));
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}

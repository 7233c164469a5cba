import Sequencer from '@jest/test-sequencer';

const numbered = (name, count) => Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);

/**
 * Specs that take twenty seconds and more, the longest first. Begun last, they would keep one worker busy while the other has
 * nothing left to do, and Jest would begin some of them last: on a fresh clone it goes by the size of files, and theirs is small.
 */
const LONG = [
  'build/type-versions',
  'infra/environments',
  'infra/bench',
  ...numbered('simulation/seeds', 4),
  'server/million-commands',
  'infra/page',
  'simulation/sentinels/sentinels',
  'infra/demo',
  ...numbered('simulation/mutations', 4),
  'build/bundlers',
  'build/package',
  'build/published-types',
  'simulation/cluster/cluster',
  'infra/site',
  'build/rxjs-versions',
  'build/runtimes',
  'server/security/secrets-everywhere',
  'server/groups/property',
  'server/cluster/failing-nodes',
  'server/leases/stress',
  'server/every-stream',
].map((name) => `/spec/${name}.spec.ts`);

/** Jest's own order, behind the specs that take longest whether Jest remembers an earlier run or not. */
export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    const placeOf = ({ path }) => LONG.findIndex((name) => path.endsWith(name));
    const isLong = (test) => placeOf(test) >= 0;
    const long = sorted.filter(isLong).toSorted((one, other) => placeOf(one) - placeOf(other));
    return [...long, ...sorted.filter((test) => !isLong(test))];
  }
}

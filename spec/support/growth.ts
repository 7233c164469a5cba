/** How often the two are measured in turns. */
const TURNS = 5;
/** How much more input than the small one the large one is. */
const TIMES = 32;
/** What the clock can measure well, µs. */
const MEASURABLE = 5_000;
const MOST_ROUNDS = 500;
/** A quarter of what work that grows with the square shows: no noise of a machine is as large in each turn. */
const LIMIT = TIMES / 4;

/**
 * How much longer one piece of work of `32 * size` takes than 32 pieces of `size`, in processor time: about 1 where the work grows as its
 * input does, about 32 where it grows with the square. Both do the same amount of linear work, so the speed of the machine does not
 * matter. The two are measured in turns until a turn shows less than the limit: noise makes one turn look bad, the square all of them.
 */
function growth(prepare: (size: number) => () => unknown, size: number): number {
  const small = prepare(size);
  const large = prepare(TIMES * size);
  const rounds = Math.min(Math.ceil(MEASURABLE / timed(small, TIMES)), MOST_ROUNDS);
  let least = Infinity;
  for (let turn = 0; turn < TURNS && least >= LIMIT; turn++) {
    const share = timed(small, TIMES * rounds);
    least = Math.min(least, timed(large, rounds, LIMIT * share) / share);
  }
  return least;
}

/** Expects work whose time grows as its input does. */
export function expectLinear(prepare: (size: number) => () => unknown, size: number): void {
  expect(growth(prepare, size)).toBeLessThan(LIMIT);
}

/** Processor time, µs; what takes more than `most` is not repeated. */
function timed(work: () => unknown, times: number, most = Infinity): number {
  const before = process.cpuUsage();
  let taken = 0;
  for (let i = 0; i < times && taken < most; i++) {
    work();
    const { user, system } = process.cpuUsage(before);
    taken = user + system;
  }
  return Math.max(taken, 1);
}

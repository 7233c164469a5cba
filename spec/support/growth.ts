const TRIES = 5;
/** How much more input than the small one the large one is. */
const TIMES = 8;
/** What the clock can measure well, µs. */
const MEASURABLE = 5_000;
const MOST_ROUNDS = 500;

/**
 * How much longer one piece of work of `8 * size` takes than eight pieces of `size`, in processor time, at best: about 1 where the work
 * grows as its input does, about 8 where it grows with the square. Both do the same amount of linear work, so the speed of the machine
 * does not matter.
 */
export function growth(prepare: (size: number) => () => unknown, size: number): number {
  const small = prepare(size);
  const large = prepare(TIMES * size);
  const rounds = Math.min(Math.ceil(MEASURABLE / best(() => repeat(small, TIMES))), MOST_ROUNDS);
  return best(() => repeat(large, rounds)) / best(() => repeat(small, TIMES * rounds));
}

function repeat(work: () => unknown, times: number): void {
  for (let i = 0; i < times; i++) work();
}

function best(work: () => void): number {
  let least = Infinity;
  for (let i = 0; i < TRIES; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, Math.max(user + system, 1));
  }
  return least;
}

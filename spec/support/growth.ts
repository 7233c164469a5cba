const TRIES = 5;
/** How much more input than the small one the large one is. */
const TIMES = 8;

/**
 * How much longer one piece of work of `8 * size` takes than eight pieces of `size`, in processor time, at best: about 1 where the work
 * grows as its input does, about 8 where it grows with the square. Both do the same amount of linear work, so the speed of the machine
 * does not matter.
 */
export function growth(prepare: (size: number) => () => unknown, size: number): number {
  const small = prepare(size);
  const large = prepare(TIMES * size);
  const smallTime = best(() => {
    for (let i = 0; i < TIMES; i++) small();
  });
  return best(large) / smallTime;
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

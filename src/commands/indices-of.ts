import type { KeyRange } from './command';

/** The places that a range names among so many arguments. */
export function indicesOf(range: KeyRange, length: number): number[] {
  const last = lastOf(range, length);
  const indices: number[] = [];
  for (let at = range.from; at <= last; at += range.step) indices.push(at);
  return indices;
}

/** The last place that a range may name among so many arguments. */
export function lastOf({ to }: KeyRange, length: number): number {
  return to < 0 ? length + to : Math.min(to, length - 1);
}

/** Whether one of these ranges names a place among so many arguments. */
export function isNamed(at: number, ranges: readonly KeyRange[], length: number): boolean {
  return ranges.some(
    (range) => at >= range.from && at <= lastOf(range, length) && (at - range.from) % range.step === 0,
  );
}

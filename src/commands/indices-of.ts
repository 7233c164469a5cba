import type { KeyRange } from './command';

/** The places that a range names among so many arguments. */
export function indicesOf({ from, to, step }: KeyRange, length: number): number[] {
  const last = to < 0 ? length + to : Math.min(to, length - 1);
  const indices: number[] = [];
  for (let at = from; at <= last; at += step) indices.push(at);
  return indices;
}

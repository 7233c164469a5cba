import type { Command, KeyRange } from '../commands/command';
import { lastOf } from '../commands/indices-of';
import { textOf } from '../commands/text-of';

/** The keys by which a command may be split over slots; undefined where it has to stay whole. */
export function splitRange({ spec, keys, args }: Command): KeyRange | undefined {
  if (spec.request !== 'multi_shard' || keys.length !== 1) return undefined;
  const [range] = keys as [KeyRange];
  if (spec.wholeIf === undefined || spec.wholeIf.length === 0) return range;
  // Behind the last key and what belongs to it: a value may read like an option.
  const behind = args.slice(endOf(range, args.length)).map((arg) => textOf(arg).toUpperCase());
  return spec.wholeIf.some((option) => behind.includes(option)) ? undefined : range;
}

/** Where what stands behind the last key begins, and what belongs to that. */
export function endOf(range: KeyRange, length: number): number {
  const { from, step } = range;
  return from + Math.floor((lastOf(range, length) - from) / step + 1) * step;
}

export function isSplittable(command: Command): boolean {
  return splitRange(command) !== undefined;
}

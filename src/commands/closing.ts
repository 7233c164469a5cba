import type { Command } from './command';
import { textOf } from './text-of';

/** What DEBUG does to the server at once, without a reply. */
const DEBUG_ENDS = new Set(['RESTART', 'CRASH-AND-RECOVER', 'SEGFAULT', 'PANIC', 'ASSERT', 'OOM']);

/** The connection, or the server, ends with it: the end is as good a reply as another. */
export function endsConnection({ spec, args }: Command): boolean {
  return spec.closes === true || (spec.name === 'DEBUG' && DEBUG_ENDS.has(textOf(args[0]).toUpperCase()));
}

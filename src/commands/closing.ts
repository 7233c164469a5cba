import type { Command } from './command';
import { textOf } from './text-of';

/** The subcommands of DEBUG that end the server at once, without a reply. */
const DEBUG_ENDS = new Set(['RESTART', 'CRASH-AND-RECOVER', 'SEGFAULT', 'PANIC', 'ASSERT', 'OOM']);

/** Whether a command ends the connection or the server. The end then counts as its reply. */
export function endsConnection({ spec, args }: Command): boolean {
  return spec.closes === true || (spec.name === 'DEBUG' && DEBUG_ENDS.has(textOf(args[0]).toUpperCase()));
}

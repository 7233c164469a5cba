import type { CommandSpec } from './command';

const RUNS_SCRIPTS = /^(EVAL|FCALL)/;

/** Whether a command runs a script or a function. */
export function runsScripts({ name }: Pick<CommandSpec, 'name'>): boolean {
  return RUNS_SCRIPTS.test(name);
}

import { Command, type Arg, type CommandSpec } from './command';

/** A command that needs no server, for its reply follows from its arguments: `del([])` deletes nothing, and answers 0. */
export class AnsweredCommand<out T = unknown> extends Command<T, never> {
  constructor(
    spec: CommandSpec,
    args: readonly Arg[],
    /** its reply */
    readonly answer: T,
  ) {
    super(spec, args, () => answer, []);
  }
}

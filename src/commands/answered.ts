import { Command, type Arg, type CommandSpec } from './command';

/** A command that needs no server, because its arguments decide its reply: `del([])` deletes nothing, and answers 0. */
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

/** Whether a command needs no server, by its looks: the package may be loaded twice. */
export function isAnswered<T>(command: Command<T>): command is AnsweredCommand<T> {
  return 'answer' in command;
}

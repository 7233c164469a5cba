import { LEAST_SECONDS, seconds } from './arguments';
import { Command, type Arg, type BlockingFact, type CommandSpec } from './command';
import { textOf } from './text-of';

/**
 * How long a command may wait at the server, ms: Infinity for ever, undefined when it does not wait at all, as XREAD without
 * BLOCK.
 */
export function blockingWait({ spec: { blocking }, args }: Command): number | undefined {
  if (blocking === undefined) return undefined;
  const at = timeoutArgument(blocking, args);
  if (at === undefined) return undefined;
  const wait = Number(textOf(args.at(at))) * (blocking.unit === 's' ? 1000 : 1);
  return wait > 0 ? wait : Infinity;
}

/** The same command with a wait of so many ms: never less than every server can count, because 0 means for ever. */
export function withWait<T>(command: Command<T>, ms: number): Command<T> {
  const { spec, args, read, keys } = command;
  const at = spec.blocking === undefined ? undefined : timeoutArgument(spec.blocking, args);
  if (at === undefined) return command;
  const wait = Math.max(1, Math.ceil(ms));
  const timeout = spec.blocking!.unit === 's' ? Math.max(LEAST_SECONDS, wait / 1_000) : wait;
  return new Command(spec, args.with(at, timeout), read, keys);
}

/**
 * The arguments of a blocking command as a builder would write them: a wait that some server would take for 0, for ever, is longer.
 * @throws TypeError where the wait is negative, which servers read as for ever when it is short
 */
export function withCountableWait(spec: CommandSpec, args: readonly Arg[]): readonly Arg[] {
  if (spec.blocking?.unit !== 's') return args;
  const at = timeoutArgument(spec.blocking, args);
  const given = at === undefined ? undefined : args.at(at);
  const wait = Number(textOf(given));
  // Other values are right, or the server refuses them.
  return wait < LEAST_SECONDS && wait !== 0 ? args.with(at!, seconds(wait, spec, 'timeout')) : args;
}

function timeoutArgument({ timeout }: BlockingFact, args: Command['args']): number | undefined {
  return timeout === 'BLOCK' ? blockArgument(args) : timeout;
}

/** BLOCK stands before STREAMS; behind it, it is the name of a key. */
function blockArgument(args: Command['args']): number | undefined {
  for (let i = 0; i < args.length; i++) {
    const token = textOf(args[i]).toUpperCase();
    if (token === 'BLOCK') return i + 1;
    if (token === 'STREAMS') return undefined;
    if (token === 'GROUP') i += 2; // the names of the group and the consumer, whatever they are
  }
  return undefined;
}

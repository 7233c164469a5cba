import { Command, isCommand } from '../commands/command';
import { isGroup } from '../commands/group';
import { blockingWait } from '../commands/blocking-wait';
import { knownCall } from '../commands/known-commands';
import { textOf } from '../commands/text-of';
import { inRange, is, isPlainObject, onlyKnown } from '../option-checks';
import { kindOf } from '../resp/kind-of';

/** How a live query is kept up to date. */
export interface LiveOptions {
  /** the shortest time between two reads, ms: what changes more often is read no more often. Default 0 */
  readonly sample?: number | undefined;
  /** a reply that equals the last one is not emitted; default true */
  readonly distinct?: boolean | undefined;
}

/** @throws TypeError that names the option and what was expected */
export function liveOptionsOf(given: unknown): Required<{ readonly sample: number; readonly distinct: boolean }> {
  if (given === undefined) return { sample: 0, distinct: true };
  if (!isPlainObject(given))
    throw new TypeError(`live: options were expected behind the commands, got ${kindOf(given)}`);
  const { sample = 0, distinct = true } = onlyKnown('live', given as LiveOptions, ['sample', 'distinct']);
  inRange('sample', sample, 0, 2 ** 31 - 1);
  is('boolean', 'distinct', distinct);
  return { sample, distinct };
}

/**
 * The commands of a live query.
 * @throws TypeError that says which is none, or cannot be followed, and why
 */
export function liveCommands(given: unknown): readonly Command[] {
  if (!Array.isArray(given)) return [followed(given, 'live: ')];
  if (given.length === 0)
    throw new TypeError('live: a command or an array of at least one was expected, got an empty array');
  return given.map((one: unknown, index) => followed(one, `live: command ${index + 1}, `));
}

function followed(given: unknown, place: string): Command {
  const refuse = (why: string): never => {
    throw new TypeError(`${place}${why}`);
  };
  if (!isCommand(given)) {
    const { command } = (given ?? {}) as { readonly command?: unknown };
    if (isCommand(command))
      return refuse(
        `a command of rxjs-redis/commands was expected, got a reply to ${command.spec.name}, which is sent by itself`,
      );
    return refuse(`a command of rxjs-redis/commands was expected, as get('k'), got ${kindOf(given)}`);
  }
  if (isGroup(given)) return refuse(`${given.spec.name} is several commands: give those themselves, in an array`);
  const command = given.spec.foreign === true ? asKnown(given) : given;
  const { name, replay } = command.spec;
  if (command.spec.foreign === true) return refuse(`of ${name} it is not known which keys it reads`);
  if (replay !== 'read') return refuse(`${name} does not only read`);
  if (command.spec.access !== 'read' || UNTOLD.test(name))
    return refuse(`a server tells of no change of what ${name} reads${insteadOf(name)}`);
  if (blockingWait(command) !== undefined) return refuse(`${name} waits at the server`);
  if (command.keys.length === 0 || command.spec.effect !== undefined)
    return refuse(`${name} reads no key that it names, so a server tells of no change`);
  if (name === 'SORT_RO' && command.args.some((arg, at) => at > 0 && isPattern(arg, command.args[at + 1])))
    return refuse('SORT_RO with BY or GET reads keys that it does not name');
  return command;
}

/** BY and GET stand before a pattern; `#` is the element itself. */
function isPattern(arg: Command['args'][number], next: Command['args'][number] | undefined): boolean {
  const token = textOf(arg).toUpperCase();
  return (token === 'BY' || token === 'GET') && next !== undefined && textOf(next).includes('*');
}

function asKnown({ spec, args, read }: Command): Command {
  const known = knownCall(spec.name, args);
  return new Command(known.spec, known.args, read, known.keys);
}

/** Commands that write with some options. A server takes all of their calls for writes, and tracks nothing. */
const READERS: Readonly<Record<string, string>> = {
  BITFIELD: 'BITFIELD_RO',
  GEORADIUS: 'GEOSEARCH',
  GEORADIUSBYMEMBER: 'GEOSEARCH',
  GETEX: 'GET',
  HGETEX: 'HMGET',
  SORT: 'SORT_RO',
};

/** No server tells of what groups of streams do, and of what reading alone changes. */
const UNTOLD = /^(XPENDING|XINFO .+|OBJECT (FREQ|IDLETIME))$/;

function insteadOf(name: string): string {
  const reader = READERS[name];
  return reader === undefined ? '' : `: ${reader} only reads`;
}

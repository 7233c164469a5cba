import { blockingWait } from '../commands/blocking-wait';
import { endsConnection } from '../commands/closing';
import { Command, isCommand } from '../commands/command';
import { isGroup } from '../commands/group';
import { knownCall } from '../commands/known-commands';
import { checkPrefix } from '../commands/prefix';
import type { Reply } from '../commands/reply';
import { kindOf } from '../resp/kind-of';

/** The methods that send several commands as one. */
export type GroupMethod = 'pipeline' | 'multi';

/** What to use in place of a command that no group takes. */
const INSTEAD: Readonly<Record<string, string>> = {
  multi: 'multi(…)',
  exec: 'multi(…)',
  discard: 'multi(…)',
  watch: 'watch(…)',
  unwatch: 'dedicated(…)',
  subscribe: 'subscribe(…)',
  monitor: 'dedicated(…)',
};

// Hot: once per member. Nearly all need no closer look.
/**
 * A command that a group can hold. It gets the client's prefix when it is written.
 * @param prefix of the client
 * @param place what the command is called in an error
 * @throws TypeError that names the command by its number, when no group can hold it
 */
export function memberOf(given: unknown, index: number, method: GroupMethod, prefix: string, place?: string): Command {
  if (!isOrdinary(given)) return lookedAt(given, method, prefix, place ?? `${method}: command ${index + 1}`);
  if (prefix !== '') checkPrefix(given, prefix);
  return given;
}

/** Whether it neither changes the connection, nor waits at the server, nor is refused in transactions: then it needs no closer look. */
function isOrdinary(given: unknown): given is Command {
  if (!isCommand(given)) return false;
  const { plain, foreign, noTransaction, anyKey } = given.spec;
  return plain && foreign !== true && noTransaction !== true && anyKey !== true;
}

function lookedAt(given: unknown, method: GroupMethod, prefix: string, place: string): Command {
  const refuse = (why: string): never => {
    throw new TypeError(`${place}${why}`);
  };
  if (!isCommand(given)) {
    const { command } = (given ?? {}) as Partial<Reply<unknown>>;
    if (!isCommand(command)) {
      return refuse(` is none, got ${kindOf(given)}: what is wanted is a command of rxjs-redis/commands, as get('k')`);
    }
    const { name } = command.spec;
    return refuse(
      ` is a reply to ${name}, which is sent by itself: what is wanted is the command, of rxjs-redis/commands`,
    );
  }
  if (isGroup(given)) {
    return refuse(`, ${given.spec.name}, is several commands sent as one: what is wanted is those themselves`);
  }
  const command = given.spec.foreign === true ? asKnown(given) : given;
  const { name, effect, anyKey, noTransaction } = command.spec;
  if (effect !== undefined && effect !== 'fence') {
    const instead = INSTEAD[effect] ?? 'dedicated(…)';
    return refuse(`, ${name}, changes the connection that carries it: use ${instead}`);
  }
  if (blockingWait(command) !== undefined)
    return refuse(`, ${name}, waits at the server, and all behind it would: use a call of its own`);
  if (endsConnection(command)) return refuse(`, ${name}, ends the connection: use close(), or a call of its own`);
  if (method === 'multi' && noTransaction === true) return refuse(`, ${name}, is refused by servers in a transaction`);
  if (prefix === '') return command;
  if (anyKey === true)
    return refuse(`, ${name}, is asked again for a key with the client's prefix: use a call of its own`);
  checkPrefix(command, prefix);
  return command;
}

/** The builder `call` knows nothing of a command but its name. */
function asKnown(command: Command): Command {
  const { spec, args, keys } = knownCall(command.spec.name, command.args);
  return new Command(spec, args, command.read, keys);
}

import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import type { Reply, ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import { watchedChain } from '../commands/unused-replies';
import { Transaction } from '../commands/transaction';
import { kindOf } from '../resp/kind-of';
import { isCommand } from '../commands/command';
import { isPlainObject, onlyKnown } from '../option-checks';
import { CommandChain } from './command-chain';
import { memberOf, type GroupMethod } from './group-members';
import { groupReply, type ToGroup } from './group-reply';

/** How a method makes a group of its commands. */
const GROUPS: Readonly<Record<GroupMethod, ToGroup>> = {
  pipeline: (sent, given, prefix) => new Group(sent, 'PIPELINE', true, sent, given, prefix),
  multi: (sent, given, prefix) => new Transaction(sent, given, prefix),
};

/**
 * What `pipeline` and `multi` do with their arguments: commands one by one, an array of them and options, or options alone, which
 * begin a chain.
 * @param publisher carries what publishes, behind the subscriptions that were made before
 * @returns the reply to all, or a chain
 * @throws TypeError that names the command by its number, or the option
 */
export function sendGroup(
  source: ReplySource,
  method: GroupMethod,
  given: readonly unknown[],
  publisher: Executor = source.executor,
): unknown {
  const send = (commands: readonly Command[], failFast: boolean): Reply<unknown> =>
    groupReply(source, publisher, commands, failFast, GROUPS[method]);
  const [first, second] = given;
  const { prefix } = source;
  if (given.length === 0 || (given.length === 1 && (first === undefined || isPlainObject(first)))) {
    const failFast = readFailFast(method, first);
    let used: (() => void) | undefined;
    const chain = new CommandChain(method, prefix, (commands) => {
      used?.();
      return send(commands, failFast);
    });
    if (source.warnUnused) used = watchedChain(chain, method, sendGroup);
    return chain;
  }
  const commands = Array.isArray(first) ? (first as readonly unknown[]) : given;
  if (commands !== given && given.length > 2) {
    throw new TypeError(`${method}: an array of commands and options were expected, got ${given.length} arguments`);
  }
  const failFast = commands !== given && readFailFast(method, second);
  const members: Command[] = [];
  for (const [index, command] of commands.entries()) members.push(memberOf(command, index, method, prefix));
  return send(members, failFast);
}

/** @throws TypeError where it is no boolean, or there is an option that is not known */
export function readFailFast(
  method: string,
  options: unknown,
  known = ['failFast'],
  wanted = 'options were expected behind the commands',
): boolean {
  if (options === undefined) return false;
  if (isCommand(options)) throw new TypeError(`${method}: ${wanted}, got ${kindOf(options)}`);
  const { failFast = false } = onlyKnown(method, options as { readonly failFast?: unknown }, known, wanted);
  if (typeof failFast !== 'boolean') throw new TypeError(`${method}: 'failFast' is a boolean, got ${kindOf(failFast)}`);
  return failFast;
}

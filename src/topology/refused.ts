import type { Command } from '../commands/command';
import { ProtocolError } from '../errors';
import { slotOf } from '../resp/hash-slot';
import type { Arg } from '../commands/command';
import { isGroup } from '../commands/group';
import { textOf } from '../commands/text-of';
import { isSplittable } from './splittable';
import { keysOfCommand, slotOfCommand } from './slots-of';

/** So many keys are named. */
const NAMED = 4;

/**
 * The slot of what has to be at one node.
 * @throws TypeError that names the keys and their slots
 */
export function oneSlotOf(what: string, commands: readonly Command[]): number {
  const slots = new Set(commands.map(slotOfCommand));
  const [slot] = slots;
  if (slots.size === 1 && typeof slot === 'number') return slot;
  throw new TypeError(severalSlots(what, commands.flatMap(keysOfCommand)));
}

/** Names the slots of the keys, and says how to put them into one. */
function severalSlots(name: string, keys: readonly Arg[], whole = name): string {
  const named = new Map<number, Arg>();
  for (const key of keys) {
    if (named.size < NAMED && !named.has(slotOf(key))) named.set(slotOf(key), key);
  }
  const told = [...named].map(([slot, key]) => `${JSON.stringify(textOf(key))} in slot ${slot}`).join(', ');
  return (
    `${name} was not sent: its keys are in several slots of the cluster, ${told}. ${whole} needs all of them in one: give them the same ` +
    'hash tag, as in {user:1}:name and {user:1}:visits, of which the part in braces alone counts'
  );
}

function ofSeveralSlots(command: Command): string {
  const { name } = command.spec;
  return severalSlots(name, keysOfCommand(command), isGroup(command) ? 'A transaction' : name);
}

function meansOne(name: string): string {
  return (
    `${name} was not sent: it is about one server, and a cluster has several. Say which: cluster.on(node), ` +
    "or cluster.each('masters', (node) => …) for all of them"
  );
}

/** What is said by options in place of these. */
const OPTIONS: Readonly<Record<string, string>> = {
  SELECT: "the option 'database'",
  AUTH: "the option 'password' or 'credentials'",
  RESET: 'dedicated({ key }, …)',
};

/** Whether a command is about the one server that gets it. */
export function isOfOne({ spec: { scope, request, response, name } }: Command): boolean {
  return scope === 'server' || request === 'special' || (response === 'special' && name !== 'RANDOMKEY');
}

/**
 * Refuses a command that would change one connection of the cluster, or is about one server.
 * @throws TypeError that names what to use
 */
export function refuseOnCluster(command: Command): void {
  const { name, effect, request } = command.spec;
  if (effect !== undefined && request === undefined) {
    const instead = OPTIONS[name] ?? 'dedicated({ key }, …), which lends a connection, or cluster.on(node)';
    throw new TypeError(`${name} would change the connection to one node of the cluster alone: use ${instead}`);
  }
  if (isOfOne(command)) throw new TypeError(meansOne(name));
}

/**
 * Refuses a command whose keys are in several slots, and that is not to be split.
 * @throws TypeError that names the keys and their slots
 */
export function refuseSeveralSlots(command: Command): void {
  if (command.keys.length === 1 && command.keys[0]!.from === command.keys[0]!.to) return;
  if (slotOfCommand(command) === 'several' && !isSplittable(command)) throw new TypeError(ofSeveralSlots(command));
}

/** The error of what only shows where it is sent, as in a transaction. */
export function notForCluster(command: Command): ProtocolError {
  const { name } = command.spec;
  const why = isOfOne(command) ? meansOne(name) : ofSeveralSlots(command);
  return new ProtocolError(why, { command: name, delivery: 'unsent', repeatable: false, cause: new TypeError(why) });
}

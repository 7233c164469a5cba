import type { Arg, Command } from '../commands/command';
import { isGroup } from '../commands/group';
import { indicesOf } from '../commands/indices-of';
import { slotOf } from '../resp/hash-slot';

/** The slot of all keys of a command; undefined where it has none, `several` where they are not in one. */
export type SlotOfCommand = number | 'several' | undefined;

/** Where a command belongs, or the whole of a group. */
export function slotOfCommand(command: Command): SlotOfCommand {
  if (!isGroup(command)) return slotOfOne(command);
  let slot: SlotOfCommand;
  for (const member of command.commands) {
    const own = slotOfOne(command.sent(member));
    if (own === undefined || own === slot) continue;
    if (slot !== undefined || own === 'several') return 'several';
    slot = own;
  }
  return slot;
}

function slotOfOne({ spec, args, keys }: Command): SlotOfCommand {
  if (keys.length === 0) {
    return spec.slotBy === undefined || args[spec.slotBy] === undefined ? undefined : slotOf(args[spec.slotBy]!);
  }
  let slot: number | undefined;
  for (const range of keys) {
    for (const at of indicesOf(range, args.length)) {
      const own = slotOf(args[at]!);
      if (slot !== undefined && slot !== own) return 'several';
      slot = own;
    }
  }
  return slot;
}

/** The keys of a command, or of all of a group, as they travel. */
export function keysOfCommand(command: Command): Arg[] {
  if (isGroup(command)) return command.commands.flatMap((member) => keysOfCommand(command.sent(member)));
  const { args, keys, spec } = command;
  if (keys.length === 0) return spec.slotBy === undefined ? [] : [args[spec.slotBy]!];
  return keys.flatMap((range) => indicesOf(range, args.length).map((at) => args[at]!));
}

import { isCommand, type Command } from '../commands/command';
import { refuseInOnConnect } from '../commands/shared-connection';
import { kindOf } from '../resp/kind-of';
import type { RedisOptions, ResolvedOptions } from './redis-options';

/** @throws TypeError when it is no list of commands, or a command has no place there */
export function onConnectOf(given: NonNullable<RedisOptions['onConnect']>): ResolvedOptions['onConnect'] {
  if (typeof given === 'function') return () => checkedForOnConnect(called(given));
  const commands = checkedForOnConnect(given);
  return () => commands;
}

/** What the user throws may hold secrets, so it is the cause and no part of the message. */
function called(given: () => unknown): unknown {
  try {
    return given();
  } catch (cause) {
    throw new TypeError(`The function of the option 'onConnect' threw ${kindOf(cause)}`, { cause });
  }
}

/** @returns a copy, which stays as it was checked */
function checkedForOnConnect(given: unknown): readonly Command[] {
  if (!Array.isArray(given)) {
    throw new TypeError(`The option 'onConnect' is a list of commands or a function, got ${kindOf(given)}`);
  }
  return (given as unknown[]).map((command) => {
    if (isCommand(command)) {
      refuseInOnConnect(command);
      return command;
    }
    throw new TypeError(`The option 'onConnect' is a list of commands, got ${kindOf(command)} in it`);
  });
}

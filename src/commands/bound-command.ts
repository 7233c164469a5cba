import type { Command } from './command';

/** A command that is made for the server that it goes to first. */
export interface BoundCommand {
  /** What is sent to another server in its place. */
  elsewhere(): Command;
}

/** What is sent of a command to another server than the one that it was made for. */
export function elsewhere(command: Command): Command {
  return 'elsewhere' in command ? (command as Command & BoundCommand).elsewhere() : command;
}

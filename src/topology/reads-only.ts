import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import type { Executor } from '../commands/request-context';
import { runsScripts } from '../commands/runs-scripts';
import { ConfigurationError } from '../errors';
import type { ServerRole } from '../options/sentinels';

/** Refuses commands that write, before they are sent. Scripts and unknown commands may only read: of those the server decides. */
export function readsOnly(role: ServerRole): (executor: Executor) => Executor {
  return (executor) => ({
    submit: (request) => {
      const writing = writerIn(request.command);
      if (writing === undefined) executor.submit(request);
      else request.fail(refusal(writing, request.command, role));
    },
  });
}

function refusal(writing: Command, { spec }: Command, role: ServerRole): ConfigurationError {
  const inside = spec === writing.spec ? '' : ` of a ${spec.name}`;
  return new ConfigurationError(
    `${writing.spec.name}${inside} writes, and the option 'role' is '${role}': replicas take no writes`,
    { command: spec.name, delivery: 'unsent', repeatable: false },
  );
}

/** The command itself where it writes, or the first of a group that does. */
function writerIn(command: Command): Command | undefined {
  if (command instanceof Group) return command.commands.find((member) => writerIn(member) !== undefined);
  const { spec } = command;
  return spec.access === 'write' && spec.foreign !== true && !runsScripts(spec) ? command : undefined;
}

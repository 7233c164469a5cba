import { blockingWait } from '../commands/blocking-wait';
import type { Request } from '../commands/request';

/**
 * How long a request may take, ms: what its surface says, and for a blocking one its own wait and a grace, unless its user has
 * given blocking ones a limit.
 */
export function timeFor(request: Request, blockingGrace: number): number {
  const { command, context } = request;
  if (command.spec.blocking === undefined || context.limitsBlocking) return context.commandTimeout;
  return timeToWait(request, blockingGrace) ?? context.commandTimeout;
}

/** How long a request may wait at the server, and a grace, ms; undefined when it does not wait there. */
export function timeToWait({ command, context }: Request, blockingGrace: number): number | undefined {
  const wait = blockingWait(command);
  return wait === undefined ? undefined : wait + (context.blockingGrace ?? blockingGrace);
}

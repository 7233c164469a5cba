import { blockingWait } from '../commands/blocking-wait';
import type { Request } from '../commands/request';

/**
 * How long a request may take, ms: what its surface says, and for a blocking one its own wait and a grace, unless its user has
 * given blocking ones a limit.
 */
export function timeFor({ command, context }: Request, blockingGrace: number): number {
  if (command.spec.blocking === undefined || context.limitsBlocking) return context.commandTimeout;
  const wait = blockingWait(command);
  return wait === undefined ? context.commandTimeout : wait + (context.blockingGrace ?? blockingGrace);
}

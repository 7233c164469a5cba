import { isGroup } from '../commands/group';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { RedisError } from '../errors';
import { PipelineParts } from './pipeline-parts';
import { behindAsking } from './redirects';

/**
 * Sends all commands behind ASKING, to a node that does not own their slot yet. What travels in one write is sent one by one, for ASKING is
 * for one command alone; a transaction keeps it to its end.
 */
export class AskingExecutor implements Executor {
  /** @param asked what has named the node */
  constructor(
    private readonly executor: Executor,
    private readonly asked: RedisError,
  ) {}

  submit(request: Request): void {
    const { command } = request;
    if (isGroup(command) && command.spec.name !== 'MULTI') {
      new PipelineParts(request, command).send((part) => this.submit(part));
      return;
    }
    request.tried(this.asked, 'redirect').asking = true;
    request.command = behindAsking(command);
    this.executor.submit(request);
  }
}

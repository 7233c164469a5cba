import { ProtocolError, type RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import { Command } from './command';
import { OthersKey } from './replies/values';
import { Request, type ReplyObserver } from './request';
import type { Executor } from './request-context';

/** How often RANDOMKEY is asked for a key with the prefix. */
const ATTEMPTS = 50;

/**
 * Carries RANDOMKEY of a client with a prefix. The server picks among all keys of the database, so it is asked again, within the time of
 * the command, until the key has the prefix.
 */
export class OwnKeys implements Executor {
  constructor(private readonly executor: Executor) {}

  submit(request: Request): void {
    this.ask(request, ATTEMPTS, 0);
  }

  private ask(request: Request, attempts: number, deadline: number): void {
    const { command, context } = request;
    const asked = new Command(command.spec, command.args, (frame) => frame, command.keys);
    let answered = false;
    const observer: ReplyObserver<Frame> = {
      get closed() {
        return request.abandoned;
      },
      next: (frame: Frame) => {
        answered = true;
        if (!isOthers(frame, request)) request.settle(frame);
        else if (attempts > 1) this.ask(request, attempts - 1, inner.deadline);
        else request.fail(noneFound(request));
      },
      error: (error: RedisError) => request.fail(error),
      complete: () => {
        if (!answered) request.settleUnanswered();
      },
      add: (departure) => request.onLeave(departure),
    };
    const inner: Request<Frame> = new Request(asked, context, observer);
    inner.deadline = deadline;
    this.executor.submit(inner);
  }
}

/** Whether a key lacks the prefix. A reply that is no key, `QUEUED` in a transaction, is left to the command's reader. */
function isOthers(frame: Frame, { command, context }: Request): boolean {
  try {
    command.read(frame, context);
    return false;
  } catch (error) {
    return error instanceof OthersKey;
  }
}

function noneFound({ command: { spec } }: Request): ProtocolError {
  return new ProtocolError(
    `${spec.name}: none of ${ATTEMPTS} keys had the client's prefix; SCAN finds those that have it`,
    {
      delivery: 'answered',
      repeatable: true,
      command: spec.name,
    },
  );
}

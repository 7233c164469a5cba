import { Command, type CommandSpec } from '../commands/command';
import { defineSpec } from '../commands/define-spec';
import { Request } from '../commands/request';
import { plainContext, type Executor } from '../commands/request-context';
import { UnexpectedReply } from '../commands/unexpected-reply';
import type { Frame } from '../resp/frames';

const ECHO: CommandSpec = /* @__PURE__ */ defineSpec('ECHO', {});

/** An ECHO that is refused, or lost with its link, shows nothing. */
const UNOBSERVED = {
  closed: false,
  next: () => undefined,
  error: () => undefined,
  complete: () => undefined,
  add: () => undefined,
};

/**
 * Sends an ECHO of something unique after every so many commands, and ends the link when another reply comes for it: then one has
 * been left out or added before it, and all that follow belong to other commands than they seem to. It is chosen when the client is
 * made, so it costs nothing where it is not wanted.
 */
export class Verifier implements Executor {
  /** So that the ECHO of another client is not taken for its own. */
  private readonly name = Math.random().toString(36).slice(2);
  private commands = 0;
  private echoes = 0;

  /** @param every after so many commands */
  constructor(
    private readonly executor: Executor,
    private readonly every: number,
  ) {}

  submit(request: Request): void {
    this.executor.submit(request);
    if (++this.commands < this.every) return;
    this.commands = 0;
    this.executor.submit(new Request(this.echo(), plainContext, UNOBSERVED));
  }

  private echo(): Command<void> {
    const nonce = `rxjs-redis:${this.name}:${++this.echoes}`;
    return new Command(ECHO, [nonce], (frame) => check(frame, nonce));
  }
}

function check(frame: Frame, nonce: string): void {
  if (frame !== nonce) throw new UnexpectedReply('it was sent to verify the order of replies, and another reply came');
}

import { Command, type CommandSpec } from '../commands/command';
import { defineSpec } from '../commands/define-spec';
import { Request } from '../commands/request';
import { plainContext, type Executor } from '../commands/request-context';
import { textOf } from '../commands/text-of';
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
 * Sends an ECHO of something unique after every so many commands of a connection, and ends the link when another reply comes for it: a
 * reply was left out or added before it, so all later ones belong to other commands than they seem to. After a command that changes
 * what follows, such as MULTI, the ECHO waits.
 */
export class Verifier {
  /** Tells the ECHO of this client from those of others. */
  private readonly name = Math.random().toString(36).slice(2);
  private commands = 0;
  private echoes = 0;
  /** MULTI was sent, and EXEC was not. */
  private inTransaction = false;
  /** The server was told not to answer. */
  private muted = false;

  /** @param every after so many commands */
  constructor(
    private readonly connection: Executor,
    private readonly every: number,
  ) {}

  /** @param executor one that sends on the connection */
  around(executor: Executor): Executor {
    return {
      submit: (request) => {
        executor.submit(request);
        this.sent(request.command);
      },
    };
  }

  private sent(command: Command): void {
    this.commands++;
    if (this.concernsNext(command) || this.commands < this.every) return;
    this.commands = 0;
    this.connection.submit(new Request(this.echo(), plainContext, UNOBSERVED));
  }

  /** Whether the command would change a command that is sent behind it, or be changed by it. */
  private concernsNext({ spec: { effect }, args }: Command): boolean {
    switch (effect) {
      case 'multi':
        this.inTransaction = true;
        break;
      case 'exec':
      case 'discard':
        this.inTransaction = false;
        break;
      case 'reset':
        this.inTransaction = false;
        this.muted = false;
        break;
      case 'reply':
        this.muted = textOf(args[0]).toUpperCase() === 'OFF';
        if (textOf(args[0]).toUpperCase() === 'SKIP') return true;
        break;
      case 'next command':
        return true;
      default:
    }
    return this.inTransaction || this.muted;
  }

  private echo(): Command<void> {
    const nonce = `rxjs-redis:${this.name}:${++this.echoes}`;
    return new Command(ECHO, [nonce], (frame) => check(frame, nonce));
  }
}

function check(frame: Frame, nonce: string): void {
  if (frame !== nonce) throw new UnexpectedReply('it was sent to verify the order of replies, and another reply came');
}

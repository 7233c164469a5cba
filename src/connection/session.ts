import type { Arg, Command } from '../commands/command';
import type { Credentials } from '../options';

/** What a connection is to be in the server's eyes. The user's own SELECT, AUTH and CLIENT SETNAME change it for good. */
export class Session {
  /** Who signed in by AUTH, in place of whom the options name. */
  credentials: Credentials | undefined;

  constructor(
    public database: number,
    public clientName: string | undefined,
  ) {}

  /** The same for another connection, which then goes its own way. */
  copy(): Session {
    const copy = new Session(this.database, this.clientName);
    copy.credentials = this.credentials;
    return copy;
  }

  /** Remembers a command that the server has accepted, so that the next connection is told the same. */
  note({ spec, args }: Command): void {
    switch (spec.name) {
      case 'SELECT':
        this.database = Number(args[0]);
        break;
      case 'CLIENT SETNAME':
        this.clientName = textOf(args[0]);
        break;
      case 'AUTH': {
        const password = textOf(args.at(-1));
        this.credentials = args.length === 1 ? { password } : { username: textOf(args[0]), password };
        break;
      }
    }
  }
}

function textOf(arg: Arg | undefined): string {
  return arg instanceof Uint8Array ? Buffer.from(arg).toString() : String(arg);
}

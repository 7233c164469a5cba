import { Command, textOf, type Arg } from '../commands/command';

/** Who signs in; by AUTH a password may be any bytes. */
export interface SignIn {
  readonly username?: Arg | undefined;
  readonly password: Arg;
}

/** What a connection is to be in the server's eyes. The user's own SELECT, AUTH, CLIENT SETNAME and the like change it for good. */
export class Session {
  /** Hidden also from who looks at all the fields. */
  #credentials: SignIn | undefined;
  /** Other commands that the next connection is to be told as well, the latest of each kind. */
  private readonly modes = new Map<string, Command>();

  /** @param origin what this is a copy of */
  constructor(
    public database: number,
    public clientName: string | undefined,
    private readonly origin?: Session,
  ) {}

  /** Who signed in by AUTH, in place of whom the options name. */
  get credentials(): SignIn | undefined {
    return this.#credentials;
  }

  set credentials(credentials: SignIn | undefined) {
    this.#credentials = credentials;
  }

  /** The server takes them no more, also from whom they were copied: whoever connects next is to ask for others. */
  forget(refused: SignIn): void {
    if (this.credentials === refused) this.credentials = undefined;
    this.origin?.forget(refused);
  }

  /** The same for another connection, which then goes its own way. */
  copy(): Session {
    const copy = new Session(this.database, this.clientName, this);
    copy.credentials = this.credentials;
    for (const [kind, command] of this.modes) copy.modes.set(kind, command);
    return copy;
  }

  get settings(): readonly Command[] {
    return [...this.modes.values()];
  }

  /** Remembers a command that the server has accepted, so that the next connection is told the same. */
  note(command: Command): void {
    const { spec, args, read } = command;
    switch (spec.name) {
      case 'SELECT':
        this.database = Number(textOf(args[0]));
        break;
      case 'CLIENT SETNAME':
        this.clientName = textOf(args[0]);
        break;
      case 'AUTH': {
        const [first, password] = args;
        this.credentials = password === undefined ? { password: first! } : { username: first, password };
        break;
      }
      case 'CLIENT CAPA':
        // They add up in the server, so each is kept, and once.
        for (const capability of args)
          this.modes.set(`${spec.name} ${textOf(capability).toUpperCase()}`, new Command(spec, [capability], read));
        break;
      case 'CLIENT IMPORT-SOURCE':
      case 'CLIENT NO-EVICT':
      case 'CLIENT NO-TOUCH':
        this.modes.set(spec.name, command);
        break;
      case 'CLIENT SETINFO':
        this.modes.set(`${spec.name} ${textOf(args[0]).toUpperCase()}`, command);
        break;
    }
  }
}

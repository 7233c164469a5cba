import { HandshakeForm } from './handshake-form';
import type { Forgettings } from './loaded-scripts';
import { Command, type Arg } from '../commands/command';
import { textOf } from '../commands/text-of';

/** A user name and a password; by AUTH a password may be any bytes. */
export interface SignIn {
  readonly username?: Arg | undefined;
  readonly password: Arg;
}

/**
 * The database, name, credentials and settings that every new link is given. The user's SELECT, AUTH, CLIENT SETNAME and the like
 * change them for good.
 */
export class Session {
  /** Private, so that a dump of all fields does not show it. */
  #credentials: SignIn | undefined;
  /** Other commands that the next link is given, the latest of each kind. */
  private readonly settingsByKind = new Map<string, Command>();

  readonly handshakeForm: HandshakeForm;
  /** When commands of the client made the server forget scripts. */
  readonly forgettings: Forgettings;

  /** How often what a new link is given has changed, or another link was wanted. */
  private changes = 0;
  /** The same of the origin, when this was copied. */
  private readonly changesBefore: number;
  /** How often the server of later links may have become another. */
  private renewals = 0;
  private readonly renewalsBefore: number;

  /** @param origin what this is a copy of */
  constructor(
    public database: number,
    public clientName: string | undefined,
    private readonly origin?: Session,
  ) {
    this.handshakeForm = origin?.handshakeForm ?? new HandshakeForm();
    this.forgettings = origin?.forgettings ?? { count: 0 };
    this.changesBefore = origin?.changes ?? 0;
    this.renewalsBefore = origin?.renewals ?? 0;
  }

  /** The credentials of the last AUTH, in place of those of the options. */
  get credentials(): SignIn | undefined {
    return this.#credentials;
  }

  set credentials(credentials: SignIn | undefined) {
    if (credentials !== this.#credentials) this.changes++;
    this.#credentials = credentials;
  }

  /** Forgets refused credentials, also in the session that this is a copy of: the next link asks the options for others. */
  forget(refused: SignIn): void {
    if (this.credentials === refused) this.credentials = undefined;
    this.origin?.forget(refused);
  }

  /** A copy for another connection. From then on the two differ. */
  copy(): Session {
    const copy = new Session(this.database, this.clientName, this);
    copy.credentials = this.credentials;
    for (const [kind, command] of this.settingsByKind) copy.settingsByKind.set(kind, command);
    return copy;
  }

  /** What this is a copy of has changed since: a link that was made with the copy is not what a new one would be. */
  get isOutdated(): boolean {
    return this.origin !== undefined && this.origin.changes !== this.changesBefore;
  }

  /** The server of links that are made now may be another than that of a link that was made with this copy. */
  get leadsElsewhere(): boolean {
    return this.origin !== undefined && this.origin.renewals !== this.renewalsBefore;
  }

  /** The server of later links may be another. */
  renew(): void {
    this.changes++;
    this.renewals++;
  }

  /** Links that were made so far with copies of the same origin lead to the wrong server. Those that are made from now on do not. */
  outdate(): void {
    if (!this.isOutdated) this.origin?.renew();
  }

  get settings(): readonly Command[] {
    return [...this.settingsByKind.values()];
  }

  /** Remembers a command that the server has accepted, so that the next link is given it as well. */
  note(command: Command): void {
    const { spec, args } = command;
    switch (spec.effect) {
      case 'database':
        this.changes++;
        this.database = Number(textOf(args[0]));
        break;
      case 'name':
        this.changes++;
        this.clientName = textOf(args[0]);
        break;
      case 'user': {
        const [first, password] = args;
        this.credentials = password === undefined ? { password: first! } : { username: first, password };
        break;
      }
      case 'setting':
        this.noteSetting(command);
        break;
      default:
    }
  }

  private noteSetting(command: Command): void {
    this.changes++;
    const { spec, args, read } = command;
    switch (spec.name) {
      case 'CLIENT CAPA':
        // They add up in the server, so each is kept, and once.
        for (const capability of args)
          this.settingsByKind.set(
            `${spec.name} ${textOf(capability).toUpperCase()}`,
            new Command(spec, [capability], read),
          );
        break;
      case 'CLIENT SETINFO':
        this.settingsByKind.set(`${spec.name} ${textOf(args[0]).toUpperCase()}`, command);
        break;
      default:
        this.settingsByKind.set(spec.name, command);
    }
  }
}

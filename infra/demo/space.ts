import { isSignName, signNames, type SignName } from './vitals/signs';

/** The names of everything that one demo has at the server: they all begin with its prefix. */
export class Space {
  /** Whether signs have shard channels, in a cluster. */
  readonly isSharded: boolean;

  constructor(
    readonly prefix: string,
    { isSharded = false } = {},
  ) {
    this.isSharded = isSharded;
  }

  /** Matches the channels of all signs. */
  get pattern(): string {
    return `${this.prefix}:*`;
  }

  channel(sign: SignName): string {
    return `${this.prefix}:${sign}`;
  }

  /** The channels of all signs. */
  get channels(): readonly string[] {
    return signNames.map((sign) => this.channel(sign));
  }

  /** The sign that is published on a channel; undefined when it is none of ours. */
  signOf(channel: string): SignName | undefined {
    const name = channel.slice(this.prefix.length + 1);
    return isSignName(name) ? name : undefined;
  }

  /** A hash of the latest value of each sign. */
  get latest(): string {
    return `${this.prefix}:latest`;
  }

  /** A list of a sign's samples, the newest first. */
  history(sign: SignName): string {
    return `${this.prefix}:history:${sign}`;
  }

  /** The channel of the whiteboard, and the list of its strokes, the oldest first. */
  get board(): string {
    return `${this.prefix}:board`;
  }

  /** A text that one client writes and another follows. */
  get note(): string {
    return `${this.prefix}:note`;
  }

  /** The name of the queue of jobs. */
  get jobs(): string {
    return `${this.prefix}:jobs`;
  }

  get keys(): [string, ...string[]] {
    const queue = ['waiting', 'delayed', 'dead', 'workers'].map((part) => `queue:{${this.jobs}}:${part}`);
    return [this.latest, this.board, this.note, ...queue, ...signNames.map((sign) => this.history(sign))];
  }
}

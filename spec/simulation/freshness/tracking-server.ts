import { ConnectionError } from '../../../src/errors';
import { Decoder, INCOMPLETE } from '../../../src/resp/decoder';
import type { ScriptedSocket } from '../../support/scripted-socket';

/** One link as the server has it. */
interface Session {
  readonly socket: ScriptedSocket;
  readonly decoder: Decoder;
  readonly inbox: string[][];
  /** bytes that are under way to the client, with what they tell it of: the key, undefined for all */
  outbox: { readonly bytes: string; readonly tells?: { readonly key: string | undefined; readonly version: number } }[];
  read: number;
  mode: 'off' | 'default' | 'optin' | 'broadcast';
  readonly remembered: Set<string>;
  caching: boolean;
  queued: string[][] | undefined;
  /** what a broadcast tells at the end of the server's turn */
  readonly changed: Map<string, number>;
  /** Nothing passes on it any more, and neither end is told. */
  isDead: boolean;
}

const bulk = (text: string | null): string => (text === null ? '_\r\n' : `$${text.length}\r\n${text}\r\n`);

/** A server with client tracking, whose every value is the number of the write that made it: newer values are greater. */
export class TrackingServer {
  /** Writes so far, and what each key holds. */
  version = 0;
  readonly data = new Map<string, number>();
  /** All versions of each key, the oldest first. */
  readonly history = new Map<string, number[]>();
  session: Session | undefined;

  /**
   * @param tells told when the client has received an invalidation
   * @param left told when the client has another link in place of one that was dead
   */
  constructor(
    private readonly isEarly: boolean,
    private readonly tells: (key: string | undefined, version: number) => void,
    private readonly left: () => void = () => undefined,
  ) {}

  accept(socket: ScriptedSocket): void {
    if (this.isDead) this.left();
    this.session = {
      socket,
      decoder: new Decoder(),
      inbox: [],
      outbox: [],
      read: 0,
      mode: 'off',
      remembered: new Set(),
      caching: false,
      queued: undefined,
      changed: new Map(),
      isDead: false,
    };
  }

  /** Takes what the client has written. */
  take(): void {
    const { session } = this;
    if (session === undefined || session.isDead) return;
    const { socket, decoder, inbox } = session;
    for (; session.read < socket.writes.length; session.read++) {
      decoder.push(Buffer.from(socket.writes[session.read]!));
      for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) inbox.push(frame as string[]);
    }
  }

  get owes(): boolean {
    const { session } = this;
    return (
      session !== undefined &&
      !session.isDead &&
      session.inbox.length + session.outbox.length + session.changed.size > 0
    );
  }

  /** Runs so many commands. */
  run(most: number): void {
    const { session } = this;
    for (let i = 0; i < most && session?.isDead === false && session.inbox.length > 0; i++)
      this.command(session, session.inbox.shift()!);
  }

  /** The end of the server's turn: broadcasts go out. */
  endTurn(): void {
    const { session } = this;
    if (session === undefined) return;
    for (const [key, version] of session.changed) this.invalidate(session, key, version);
    session.changed.clear();
  }

  /** Brings so many pieces to the client. */
  deliver(most: number): void {
    const { session } = this;
    if (session === undefined) return;
    for (let i = 0; i < most && session === this.session && !session.isDead; i++) {
      const piece = session.outbox.shift();
      if (piece === undefined) return;
      // The client is told before it can act on it.
      if (piece.tells !== undefined) this.tells(piece.tells.key, piece.tells.version);
      session.socket.receive(piece.bytes);
    }
  }

  /** Another client writes. */
  write(key: string): void {
    this.set(key, undefined);
  }

  flush(): void {
    for (const key of this.data.keys()) this.note(key);
    const { session } = this;
    if (session === undefined || session.mode === 'off') return;
    session.remembered.clear();
    session.outbox.push({ bytes: '>2\r\n+invalidate\r\n_\r\n', tells: { key: undefined, version: this.version } });
  }

  /** Drops what was read, as a server does whose table is full. */
  evict(): void {
    const { session } = this;
    const [key] = session?.remembered ?? [];
    if (session !== undefined && key !== undefined) this.invalidate(session, key, this.data.get(key) ?? 0);
  }

  cut(): void {
    const { session } = this;
    this.session = undefined;
    session?.socket.bytes$.error(new ConnectionError('the server went away'));
  }

  /** The link is dead from now on, and the client is not told. */
  die(): void {
    if (this.session !== undefined) this.session.isDead = true;
  }

  get isDead(): boolean {
    return this.session?.isDead === true;
  }

  private note(key: string, version = ++this.version): number {
    this.data.set(key, version);
    const all = this.history.get(key);
    if (all === undefined) this.history.set(key, [0, version]);
    else all.push(version);
    return version;
  }

  private set(key: string, reply: Session | undefined): void {
    this.setAll([key], reply, ++this.version);
  }

  private setAll(keys: readonly string[], reply: Session | undefined, version: number): void {
    const say = () => reply?.outbox.push({ bytes: bulk(String(version)) });
    if (!this.isEarly) say();
    for (const key of keys) this.change(key, version);
    if (this.isEarly) say();
  }

  private change(key: string, version: number): void {
    this.note(key, version);
    const { session } = this;
    if (session === undefined) return;
    if (session.mode === 'broadcast') session.changed.set(key, version);
    if (session.remembered.has(key)) this.invalidate(session, key, version);
  }

  /** What was queued runs at one moment, of one version. Early servers tell of changes between the replies, others behind them. */
  private exec(session: Session, queued: readonly (readonly string[])[]): void {
    const version = ++this.version;
    const changes: (() => void)[] = [];
    let reply = `*${queued.length}\r\n`;
    const say = (): void => {
      session.outbox.push({ bytes: reply });
      reply = '';
    };
    for (const words of queued) {
      const [name, key = ''] = words;
      if (name === 'CLIENT') reply += this.client(session, words, key.toUpperCase());
      else if (name === 'GET') reply += this.read(session, key, session.caching);
      else {
        this.note(key, version);
        if (session.mode === 'broadcast') session.changed.set(key, version);
        // What is read behind it is remembered again.
        const isTold = session.remembered.delete(key);
        if (isTold && this.isEarly) {
          say();
          this.tell(session, key, version);
        } else if (isTold) changes.push(() => this.tell(session, key, version));
        reply += bulk(String(version));
      }
    }
    say();
    for (const tell of changes) tell();
  }

  private invalidate(session: Session, key: string, version: number): void {
    session.remembered.delete(key);
    this.tell(session, key, version);
  }

  private tell(session: Session, key: string, version: number): void {
    session.outbox.push({ bytes: `>2\r\n$10\r\ninvalidate\r\n*1\r\n${bulk(key)}`, tells: { key, version } });
  }

  private command(session: Session, words: string[]): void {
    const [name, first = ''] = words.map((word) => word.toUpperCase());
    const say = (bytes: string) => session.outbox.push({ bytes });
    if (session.queued !== undefined && name !== 'EXEC') {
      session.queued.push(words);
      say('+QUEUED\r\n');
      return;
    }
    const { caching } = session;
    if (name !== 'CLIENT' && name !== 'MULTI') session.caching = false;
    switch (name) {
      case 'HELLO':
        say('%1\r\n+proto\r\n:3\r\n');
        return;
      case 'CLIENT':
        say(this.client(session, words, first));
        return;
      case 'MULTI':
        session.queued = [];
        say('+OK\r\n');
        return;
      case 'EXEC': {
        const queued = session.queued ?? [];
        session.queued = undefined;
        session.caching = caching;
        this.exec(session, queued);
        session.caching = false;
        return;
      }
      case 'GET':
        say(this.read(session, words[1]!, caching));
        return;
      case 'SET':
        this.set(words[1]!, session);
        return;
      case 'MSET':
        this.setAll([words[1]!, words[3]!], session, ++this.version);
        return;
      case 'EVAL':
        this.set(words[3]!, session);
        return;
      default:
        say('+PONG\r\n');
    }
  }

  private client(session: Session, words: readonly string[], sub: string): string {
    if (sub === 'CACHING') {
      if (session.mode !== 'optin') return '-ERR CLIENT CACHING can be called only in OPTIN mode\r\n';
      session.caching = true;
    }
    if (sub === 'TRACKING') {
      const isOn = words[2] === 'ON';
      session.mode = !isOn
        ? 'off'
        : words.includes('OPTIN')
          ? 'optin'
          : words.includes('BCAST')
            ? 'broadcast'
            : 'default';
      if (!isOn) session.remembered.clear();
    }
    return '+OK\r\n';
  }

  private read(session: Session, key: string, isCached: boolean): string {
    if (session.mode === 'default' || (session.mode === 'optin' && isCached)) session.remembered.add(key);
    const value = this.data.get(key);
    return bulk(value === undefined ? null : String(value));
  }
}

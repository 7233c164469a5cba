import type { Socket } from 'node:net';
import type { ServerAddress } from 'rxjs-redis';
import { greeting, ScriptedServer } from './scripted-server';

/** What a scripted sentinel says; a spec changes it as it goes. */
export interface SentinelSays {
  /** undefined for a service that it does not know */
  master: ServerAddress | undefined;
  epoch: number;
  flags: string;
  isInTilt: boolean;
  replicas: (ServerAddress & { readonly flags?: string; readonly link?: string })[];
  sentinels: (ServerAddress & { readonly id: string })[];
  id: string | undefined;
  /** answers nothing any more */
  isSilent: boolean;
  /** what it answers to all that needs credentials, until they are right */
  password: string | undefined;
  /** it refuses all but the question for the address */
  isCurt: boolean;
}

/** A sentinel that lies, lags and falls silent as a spec says. It speaks RESP3, or RESP2 alone. */
export class ScriptedSentinel {
  readonly says: SentinelSays = {
    master: undefined,
    epoch: 1,
    flags: 'master',
    isInTilt: false,
    replicas: [],
    sentinels: [],
    id: undefined,
    isSilent: false,
    password: undefined,
    isCurt: false,
  };
  private readonly subscribed = new Set<Socket>();
  private readonly signedIn = new Set<Socket>();
  private server: ScriptedServer | undefined;

  constructor(
    private readonly service = 'mymaster',
    private readonly protocol: 2 | 3 = 3,
  ) {}

  async start(host?: string): Promise<this> {
    this.server = await ScriptedServer.start((words, socket) => this.answer(words, socket), host);
    return this;
  }

  get address(): ServerAddress {
    const { hostname, port } = new URL(this.script.url);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  }

  get script(): ScriptedServer {
    if (this.server === undefined) throw new Error('The scripted sentinel was not started');
    return this.server;
  }

  /** How many questions for the address of the master have come. */
  get asked(): number {
    return this.script.seen.filter(([, word]) => word === 'GET-MASTER-ADDR-BY-NAME').length;
  }

  /** How many connections are subscribed. */
  get listeners(): number {
    return this.subscribed.size;
  }

  /** Tells all that are subscribed. */
  tell(channel: string, message: string): void {
    for (const socket of this.subscribed) {
      socket.write(`>4\r\n${bulk('pmessage')}${bulk(channel)}${bulk(channel)}${bulk(message)}`);
    }
  }

  stop(): Promise<void> {
    return this.script.stop();
  }

  private answer(words: string[], socket: Socket): string | undefined {
    const { says } = this;
    if (says.isSilent) return undefined;
    const [name = '', sub = ''] = words.map((word) => word.toUpperCase());
    if (name === 'HELLO' && this.protocol === 2) return '-ERR unknown command `HELLO`\r\n';
    if (says.password !== undefined && !this.isSignedIn(words, socket)) return '-NOAUTH Authentication required.\r\n';
    switch (name === 'SENTINEL' ? sub : name) {
      case 'HELLO':
        return greeting;
      case 'AUTH':
        return '+OK\r\n';
      case 'PING':
        return '+PONG\r\n';
      case 'PSUBSCRIBE':
        if (says.isCurt) return '-NOPERM no channels\r\n';
        this.subscribed.add(socket);
        socket.once('close', () => this.subscribed.delete(socket));
        return words
          .slice(1)
          .map((word, at) => `>3\r\n${bulk('psubscribe')}${bulk(word)}:${at + 1}\r\n`)
          .join('');
      case 'GET-MASTER-ADDR-BY-NAME':
        if (says.master === undefined || words[2] !== this.service) return '_\r\n';
        return `*2\r\n${bulk(says.master.host)}${bulk(String(says.master.port))}`;
      default:
    }
    if (says.isCurt) return "-NOPERM this user has no permissions to run the 'x' command\r\n";
    switch (name === 'SENTINEL' ? sub : name) {
      case 'MASTER':
        if (says.master === undefined || words[2] !== this.service) return '-ERR No such master with that name\r\n';
        return entries({ ...placeOf(says.master), flags: says.flags, 'config-epoch': String(says.epoch) });
      case 'INFO':
        return bulk(`# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:${says.isInTilt ? 1 : 0}\r\n`);
      case 'MYID':
        return says.id === undefined ? "-ERR Unknown sentinel subcommand 'MYID'\r\n" : bulk(says.id);
      case 'SENTINELS':
        return list(
          says.sentinels.map(({ id, ...place }) => entries({ ...placeOf(place), runid: id, flags: 'sentinel' })),
        );
      case 'REPLICAS':
        return list(
          says.replicas.map(({ flags = 'slave', link = 'ok', ...place }) =>
            entries({ ...placeOf(place), flags, 'master-link-status': link }),
          ),
        );
      default:
        return `-ERR unknown command '${name}'\r\n`;
    }
  }

  private isSignedIn(words: readonly string[], socket: Socket): boolean {
    const at = words.findIndex((word) => word.toUpperCase() === 'AUTH');
    if (at >= 0 && words.includes(this.says.password ?? '', at)) this.signedIn.add(socket);
    return this.signedIn.has(socket);
  }
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function list(items: readonly string[]): string {
  return `*${items.length}\r\n${items.join('')}`;
}

/** As RESP2 has it, which clients of RESP3 have to read as well. */
function entries(record: Readonly<Record<string, string>>): string {
  return list(Object.entries(record).flatMap(([name, value]) => [bulk(name), bulk(value)]));
}

function placeOf({ host, port }: ServerAddress): { ip: string; port: string } {
  return { ip: host, port: String(port) };
}

/** Starts scripted sentinels for the specs of a file and stops them after each. */
export function useScriptedSentinels(): (
  says?: Partial<SentinelSays>,
  options?: { readonly protocol?: 2 | 3; readonly host?: string },
) => Promise<ScriptedSentinel> {
  const sentinels: ScriptedSentinel[] = [];
  afterEach(() => Promise.all(sentinels.splice(0).map((sentinel) => sentinel.stop().catch(() => undefined))));
  return async (says = {}, { protocol, host } = {}) => {
    const sentinel = await new ScriptedSentinel('mymaster', protocol).start(host);
    Object.assign(sentinel.says, says);
    sentinels.push(sentinel);
    return sentinel;
  };
}

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Subject, firstValueFrom, filter, map } from 'rxjs';
import { Decoder, INCOMPLETE } from '../../src/resp/decoder';

/** A request as the server saw it: the words of the command. */
export interface Seen {
  readonly words: string[];
  readonly socket: Socket;
}

/** What a script answers: bytes to send, or nothing at all. */
export type Script = (words: string[], socket: Socket) => string | undefined;

export const greeting = '%1\r\n$5\r\nproto\r\n:3\r\n';

/** Answers the handshake as a modern server does, and all else as the script says. */
export function afterHandshake(script: Script): Script {
  return (words, socket) => {
    if (words[0] === 'HELLO') return greeting;
    return words[0] === 'CLIENT' && words[1] === 'SETINFO' ? '+OK\r\n' : script(words, socket);
  };
}

/** A peer for what no server does on demand: byte splits, garbage, silence. */
export class ScriptedServer {
  readonly seen$ = new Subject<Seen>();
  readonly seen: string[][] = [];
  /** The same, of each connection. */
  readonly seenOn: string[][][] = [];
  /** How many pieces the requests came in, per connection. */
  readonly reads: number[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => this.accept(socket));

  private constructor(private readonly script: Script) {}

  static async start(script: Script, host = '127.0.0.1'): Promise<ScriptedServer> {
    const server = new ScriptedServer(script);
    server.server.listen(0, host);
    await once(server.server, 'listening');
    return server;
  }

  get url(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `redis://${address.includes(':') ? `[${address}]` : address}:${port}`;
  }

  /** The next request whose first word it is. */
  next(word: string): Promise<Seen> {
    return firstValueFrom(this.seen$.pipe(filter(({ words }) => words[0] === word)));
  }

  /** When the next connection is gone. */
  gone(): Promise<void> {
    return firstValueFrom(this.gone$.pipe(map(() => undefined)));
  }

  private readonly gone$ = new Subject<Socket>();

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(socket: Socket): void {
    const connection = this.reads.push(0) - 1;
    const seenHere: string[][] = [];
    this.seenOn.push(seenHere);
    const decoder = new Decoder();
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.gone$.next(socket);
    });
    socket.on('data', (chunk) => {
      this.reads[connection]!++;
      decoder.push(chunk);
      let answer = '';
      for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) {
        const words = (frame as string[]).map(String);
        this.seen.push(words);
        seenHere.push(words);
        answer += this.script(words, socket) ?? '';
        this.seen$.next({ words, socket });
      }
      if (answer !== '') socket.write(answer);
    });
  }
}

/** Starts scripted servers for the specs of a file and stops them after each. */
export function useScriptedServers(): (script: Script, host?: string) => Promise<ScriptedServer> {
  const servers: ScriptedServer[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  return async (script, host) => {
    const server = await ScriptedServer.start(script, host);
    servers.push(server);
    return server;
  };
}

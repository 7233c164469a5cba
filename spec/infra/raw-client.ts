import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A bare socket that speaks RESP by hand: what arrives is seen as it arrives. */
export class RawClient {
  /** Every chunk the socket brought, in order. */
  readonly chunks: Buffer[] = [];
  /** Settles when the connection is gone: `end`, or the code of the error that ended it. */
  readonly closed: Promise<string>;
  #closed = false;

  private constructor(readonly socket: Socket) {
    let how = 'end';
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => (how = error.code ?? error.message));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#closed = true;
        resolve(how);
      });
    });
  }

  /** @throws Error (with `code`) when the connection is refused */
  static async connect(to: NetConnectOpts): Promise<RawClient> {
    const client = new RawClient(connect(to));
    await once(client.socket, 'connect');
    return client;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get received(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  /** Writes commands without waiting for replies. */
  send(...commands: string[][]): void {
    this.socket.write(commands.map(encode).join(''));
  }

  /** Waits until all that was received satisfies `enough`; fails when the connection ends first. */
  async until(enough: (received: string) => boolean): Promise<string> {
    while (!enough(this.received)) {
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.received.slice(0, 200))}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return this.received;
  }

  /** Sends one command, forgets what came before, and returns the reply without its type and line ends. */
  async ask(...command: string[]): Promise<string | null> {
    this.chunks.length = 0;
    this.send(command);
    const reply = await this.until(isComplete);
    if (reply.startsWith('$-1')) return null;
    return reply.startsWith('$') ? reply.slice(reply.indexOf('\r\n') + 2, -2) : reply.slice(1, -2);
  }

  close(): void {
    this.socket.destroy();
  }
}

export function encode(command: string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}

/** Enough for the one-line and bulk replies these specs ask for. */
function isComplete(reply: string): boolean {
  const end = reply.indexOf('\r\n');
  if (end < 0) return false;
  if (!reply.startsWith('$') || reply.startsWith('$-1')) return true;
  return reply.length >= end + 2 + Number(reply.slice(1, end)) + 2;
}

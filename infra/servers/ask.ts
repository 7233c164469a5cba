import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
}

/**
 * Sends commands over a connection of their own and returns the replies, one line each: a simple string, an error with
 * its `-`, the text of a bulk string, or the items of an array with spaces between them.
 * @param timeout ms for all of it
 * @throws Error when the server cannot be reached, says something that is not RESP, or leaves first
 */
export function ask(address: Address, commands: readonly (readonly string[])[], timeout: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = dial(address);
    let received = '';
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // An RST after the question was answered is nobody's concern.
      socket.on('error', () => undefined);
      socket.destroy();
      settle();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeout} ms`)), timeout);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: Buffer | string) => {
      received += chunk.toString();
      try {
        const replies = parseReplies(received, commands.length);
        if (replies !== null) finish(() => resolve(replies));
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      fail(new Error(error.code ?? error.message, { cause: error })),
    );
    socket.on('close', () => fail(new Error('the connection was closed')));
    socket.write(commands.map(encode).join(''));
  });
}

function dial({ host, port, tls }: Address): Socket {
  return tls === true ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
}

function encode(command: readonly string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

/** @returns null until `count` replies are complete */
function parseReplies(text: string, count: number): string[] | null {
  const replies: string[] = [];
  let at = 0;
  while (replies.length < count) {
    const reply = parseReply(text, at);
    if (reply === null) return null;
    replies.push(reply.text);
    at = reply.end;
  }
  return replies;
}

interface Parsed {
  readonly text: string;
  readonly end: number;
}

/** @returns null until the reply that begins there is complete */
function parseReply(text: string, at: number): Parsed | null {
  const end = text.indexOf('\r\n', at);
  if (end < 0) return null;
  const line = text.slice(at + 1, end);
  switch (text[at]) {
    case '+':
    case ':':
      return { text: line, end: end + 2 };
    case '-':
      return { text: `-${line}`, end: end + 2 };
    case '$': {
      const start = end + 2;
      const length = Number(line);
      if (length < 0) return { text: '', end: start };
      if (text.length < start + length + 2) return null;
      return { text: text.slice(start, start + length), end: start + length + 2 };
    }
    case '*':
      return parseItems(text, end + 2, Number(line));
    default:
      throw new Error(`not a Redis server: it says ${JSON.stringify(text.slice(at, at + 40))}`);
  }
}

/** The items of an array, one behind the other. */
function parseItems(text: string, start: number, count: number): Parsed | null {
  const items: string[] = [];
  let at = start;
  while (items.length < count) {
    const item = parseReply(text, at);
    if (item === null) return null;
    items.push(item.text);
    at = item.end;
  }
  return { text: items.join(' '), end: at };
}

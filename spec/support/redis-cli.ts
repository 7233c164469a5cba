import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { findCli, type RunningServer } from '../../infra/servers';

/** A word of a command as redis-cli is to send it. */
export type Word = string | Buffer;

/** A reply as redis-cli shows it: bulk strings are bytes, statuses and errors are marked. */
export type CliReply = null | bigint | Buffer | { readonly status: string } | { readonly error: string } | CliReply[];

/** Gives specs of a file redis-cli processes, which end after each of them. */
export function useRedisCli(): (server: RunningServer, database: number) => Promise<RedisCli> {
  const open: RedisCli[] = [];
  afterEach(() => Promise.all(open.splice(0).map((cli) => cli.end())));
  return async (server, database) => {
    const cli = new RedisCli(await findCli(), server, database);
    open.push(cli);
    return cli;
  };
}

/** One redis-cli on one connection, which speaks RESP2: it sends a command when it has shown the reply to the one before. */
export class RedisCli {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #errors = '';
  #marks = 0;

  constructor([program = '', ...args]: readonly string[], { host, port }: RunningServer, database: number) {
    const own = ['--no-raw', '-h', host, '-p', String(port), '-n', String(database)];
    this.#process = spawn(program, [...args, ...own], { env: process.env });
    this.#ended = once(this.#process, 'close');
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Sends commands one by one, and gives a reply for each. None may leave a transaction open. */
  async run(commands: readonly (readonly Word[])[]): Promise<CliReply[]> {
    const mark = `end of ${++this.#marks}`;
    const text = [...commands, ['ECHO', mark]].map((words) => `${words.map(quoted).join(' ')}\n`).join('');
    this.#process.stdin.write(text);
    const shown: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`redis-cli has ended: ${this.#errors || shown.join('\n')}`);
      if (value === `"${mark}"`) break;
      // It tells the time that a command took when that is half a second or more.
      if (!/^\(\d+\.\d\ds\)$/.test(value)) shown.push(value);
    }
    const replies = parseReplies(shown);
    if (replies.length === commands.length) return replies;
    throw new Error(
      `redis-cli has ${replies.length} replies for ${commands.length} commands:\n${text}\n${shown.join('\n')}`,
    );
  }

  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }
}

/** In the quotes of redis-cli, where any byte may stand as \xff. */
function quoted(word: Word): string {
  const bytes = Buffer.from(word as string);
  return `"${bytes.reduce((text, byte) => text + (/\w/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`), '')}"`;
}

/**
 * Reads what redis-cli writes with --no-raw. An element of an array has its number before it, as wide as that of the last
 * one; further lines of an array in an array are indented by what is before the first.
 */
export function parseReplies(lines: readonly string[]): CliReply[] {
  let at = 0;
  const replies: CliReply[] = [];
  while (at < lines.length) replies.push(next(lines[at]!, 0));
  return replies;

  function next(line: string, indent: number): CliReply {
    const text = line.slice(indent);
    const first = /^( *1\) )/.exec(text)?.[1];
    if (first === undefined) {
      at++;
      return scalar(text);
    }
    const elements: CliReply[] = [];
    const inner = indent + first.length;
    do elements.push(next(lines[at]!, inner));
    while (lines[at]?.slice(indent, inner) === `${elements.length + 1}) `.padStart(first.length));
    return elements;
  }
}

function scalar(text: string): CliReply {
  if (text === '(nil)') return null;
  if (text === '(empty array)' || text === '(empty list or set)') return [];
  if (text.startsWith('(integer) ')) return BigInt(text.slice('(integer) '.length));
  if (text.startsWith('(error) ')) return { error: text.slice('(error) '.length) };
  if (text.startsWith('"') && text.endsWith('"')) return unquoted(text.slice(1, -1));
  return { status: text };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

function unquoted(text: string): Buffer {
  const latin = text.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, other: string) =>
    hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(latin, 'latin1');
}

// All that a server holds which a command could change, as plain data: two runs are compared by it.

import { call } from 'rxjs-redis/commands';
import { Command } from '../../../../src/commands/command';
import { plain } from '../outcomes';
import { RawSession } from '../raw-session';

/** What is under one key, in an order of its own where the server has none. */
export interface KeyState {
  readonly type: string;
  readonly value: unknown;
  /** when the key, or each of a hash's fields, expires, ms; null for never */
  readonly expires: readonly (number | null)[];
}

export interface ServerState {
  /** when it was read, on the server's clock, ms */
  readonly at: number;
  /** by database and key */
  readonly keys: Readonly<Record<string, KeyState>>;
  readonly server: Readonly<Record<string, unknown>>;
}

/** Names in INFO that tell what a server is to others and what it keeps for them. */
const FIGURES = ['role', 'master_host', 'master_port'];

/** What a script's name is when a spec has loaded it. */
const SCRIPTS = ['e0e1f9fabfc9d4800c877a703b823ac0578ff8db'];

/** Figures of XINFO that say how the stream lies in memory, or how often a repetition was noticed. */
const NO_CONTENT = new Set(['radix-tree-keys', 'radix-tree-nodes', 'iids-duplicates', 'seen-time', 'active-time']);

/** Reads the state of a server by connections of its own. */
export class Observer {
  private constructor(private readonly sessions: readonly RawSession[]) {}

  static async open(address: { host: string; port: number }, databases: readonly number[]): Promise<Observer> {
    const sessions = await Promise.all(
      databases.map(async (database) => {
        const session = await RawSession.open(address, { protocol: 2 });
        if (database !== 0) await session.select(database);
        return session;
      }),
    );
    return new Observer(sessions);
  }

  close(): void {
    for (const session of this.sessions) session.close();
  }

  /** @param hasKeys false for a Sentinel */
  async read(hasKeys = true): Promise<ServerState> {
    const [first] = this.sessions as [RawSession];
    const [time, server, ...found] = await Promise.all([
      ask(first, 'TIME'),
      readServer(first),
      ...(hasKeys ? this.sessions.map(readKeys) : []),
    ]);
    const keys = found.flatMap((states, database) =>
      states.map(([key, state]) => [`${database} ${key}`, state] as const),
    );
    const [seconds, micros] = time as [string, string];
    return { at: Number(seconds) * 1000 + Number(micros) / 1000, keys: Object.fromEntries(keys), server };
  }
}

/** What a server answers, `refused` where it does not know the command. */
async function ask(session: RawSession, name: string, ...args: (string | number)[]): Promise<unknown> {
  return Promise.resolve(session.run(call(name, ...args))).then(plain, () => 'refused');
}

async function readServer(session: RawSession): Promise<Record<string, unknown>> {
  const info = ask(session, 'INFO', 'everything');
  const asked: Readonly<Record<string, Promise<unknown>>> = {
    users: ask(session, 'ACL', 'LIST'),
    refusals: ask(session, 'ACL', 'LOG').then(lengthOf),
    settings: ask(session, 'CONFIG', 'GET', '*'),
    functions: ask(session, 'FUNCTION', 'LIST', 'WITHCODE').then(sorted),
    scripts: ask(session, 'SCRIPT', 'EXISTS', ...SCRIPTS),
    slow: ask(session, 'SLOWLOG', 'LEN'),
    large: ask(session, 'COMMANDLOG', 'LEN', 'LARGE-REPLY'),
    latencies: ask(session, 'LATENCY', 'LATEST').then(lengthOf),
    hotKeys: ask(session, 'HOTKEYS', 'GET').then((reply) => (Array.isArray(reply) ? trackingOf(reply) : reply)),
    slots: ask(session, 'CLUSTER', 'SLOTS'),
    masters: ask(session, 'SENTINEL', 'MASTERS').then(namesOf),
  };
  const entries = Object.entries(asked).map(async ([name, reply]) => [name, await reply] as const);
  return { ...Object.fromEntries(await Promise.all(entries)), ...figuresOf(String(await info)) };
}

function lengthOf(reply: unknown): unknown {
  return Array.isArray(reply) ? reply.length : reply;
}

function sorted(reply: unknown): unknown {
  return Array.isArray(reply) ? reply.map((one) => JSON.stringify(one)).sort() : reply;
}

/** Masters by name, address and epoch of their leader: the rest of their description is times and counts. */
function namesOf(reply: unknown): unknown {
  return Array.isArray(reply) ? reply.map((master) => (master as unknown[]).slice(0, 6)) : reply;
}

function trackingOf(reply: readonly unknown[]): unknown {
  const [flat] = reply as [unknown[]];
  return flat[flat.indexOf('tracking-active') + 1];
}

function figuresOf(info: string): Record<string, string> {
  const lines = info.split('\r\n').map((line) => line.split(':') as [string, string]);
  return Object.fromEntries(lines.filter(([name]) => FIGURES.includes(name)));
}

async function readKeys(session: RawSession): Promise<[key: string, state: KeyState][]> {
  const keys = (await session.run(call<string[]>('KEYS', '*'))).sort();
  return Promise.all(
    keys.map(async (key) => {
      const type = await session.run(call<string>('TYPE', key));
      const [value, whole, fields] = await Promise.all([
        valueOf(session, key, type),
        expiryOf(session, key),
        type === 'hash' ? expiriesOfFields(session, key) : [],
      ]);
      return [key, { type, value, expires: [whole, ...fields] }] satisfies [string, KeyState];
    }),
  );
}

/** The moment; on a server too old to tell it, whether there is one. */
async function expiryOf(session: RawSession, key: string): Promise<number | null> {
  const [at, rest] = await Promise.all([ask(session, 'PEXPIRETIME', key), ask(session, 'PTTL', key)]);
  if (typeof at === 'number') return at < 0 ? null : at;
  return Number(rest) < 0 ? null : 0;
}

async function expiriesOfFields(session: RawSession, key: string): Promise<(number | null)[]> {
  const fields = ((await ask(session, 'HKEYS', key)) as string[]).sort();
  const reply = await ask(session, 'HPEXPIRETIME', key, 'FIELDS', fields.length, ...fields);
  return Array.isArray(reply) ? reply.map((at: number) => (at < 0 ? null : at)) : [];
}

async function valueOf(session: RawSession, key: string, type: string): Promise<unknown> {
  const run = <T>(name: string, ...args: (string | number)[]): PromiseLike<T> => session.run(call<T>(name, ...args));
  switch (type) {
    case 'string':
      return textOf(await session.run(getBytes(key)));
    case 'list':
      return run('LRANGE', key, 0, -1);
    case 'set':
      return (await run<string[]>('SMEMBERS', key)).sort();
    case 'zset':
      return run('ZRANGE', key, 0, -1, 'WITHSCORES');
    case 'hash':
      return inPairs(await run<string[]>('HGETALL', key)).sort();
    case 'stream':
      return content(plain(await run('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0)));
    case 'vectorset':
      return vectorsOf(session, key);
    default:
      throw new Error(`no way to read a ${type}`);
  }
}

/** GET, whatever the bytes. */
function getBytes(key: string): Command<Buffer> {
  return new Command({ ...call('GET').spec, binary: true }, [key], (frame) => frame as Buffer);
}

/** A HyperLogLog keeps the count that was last worked out, which is no part of what it says. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return text.startsWith('HYLL') ? text.slice(0, 8) + text.slice(16) : text;
}

function inPairs(flat: readonly string[]): string[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [`${name}=${flat[at + 1]}`] : []));
}

/** Without times of delivery and figures of memory. */
function content(info: unknown): unknown {
  if (!Array.isArray(info)) return typeof info === 'number' && info > 1e12 ? 'a time' : info;
  const list = info as unknown[];
  return list.flatMap((part, at) =>
    NO_CONTENT.has(String(part)) || NO_CONTENT.has(String(list[at - 1])) ? [] : [content(part)],
  );
}

async function vectorsOf(session: RawSession, key: string): Promise<unknown> {
  const elements = ((await ask(session, 'VRANDMEMBER', key, 1000)) as string[]).sort();
  return Promise.all(
    elements.map(async (element) => {
      const [vector, attributes] = await Promise.all([
        ask(session, 'VEMB', key, element),
        ask(session, 'VGETATTR', key, element),
      ]);
      return { element, vector, attributes };
    }),
  );
}

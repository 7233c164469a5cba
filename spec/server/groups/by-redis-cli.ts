import type { CliReply, RedisCli, Word } from '../../support/redis-cli';

/** A command as it is written: the name of its builder, which is that of its method, and the arguments. */
export type Call = readonly [name: string, ...args: unknown[]];

/** What a reply depends on beside the command: the protocol of the client, and whether it gives bytes. */
export interface Surface {
  readonly protocol: 2 | 3;
  readonly bytes: boolean;
}

/** A library with the one function `grow`, which servers from 7.0 on have. */
export const LIBRARY = `#!lua name=programs
redis.register_function('grow', function(keys, args) return {redis.call('append', keys[1], args[1])} end)`;

/** The words of a command, worked out without the client; undefined where the client answers without the server. */
export function wordsOf([method, ...args]: Call): Word[] | undefined {
  if (args.length === 1 && Array.isArray(args[0]) && args[0].length === 0) return undefined;
  if (method === 'call') return words(args);
  if (method === 'grow') return ['FCALL', 'grow', '1', ...words(args)];
  if (method !== 'evalshaOrEval') return [method.toUpperCase(), ...words(args)];
  const [script, keys, ...rest] = args;
  const named = words([keys]);
  return ['EVAL', script as string, String(named.length), ...named, ...words(rest)];
}

function words(args: readonly unknown[]): Word[] {
  return args.flatMap((one): Word[] => {
    if (Array.isArray(one)) return words(one);
    if (Buffer.isBuffer(one)) return [one];
    // Options: none has a value.
    if (typeof one === 'object') return Object.keys(one as object);
    return [one === Infinity ? 'inf' : `${one as string | number}`];
  });
}

/** Sends commands one by one; those that the client answers without the server are undefined, and have no reply. */
export async function runAll(cli: RedisCli, all: readonly (Word[] | undefined)[]): Promise<(CliReply | undefined)[]> {
  const replies = (await cli.run(all.filter((one) => one !== undefined))).values();
  return all.map((one) => (one === undefined ? undefined : replies.next().value));
}

/**
 * What the client makes of a reply, which redis-cli has got in RESP2: text or bytes of bulk strings, text of statuses,
 * numbers of integers as far as they are safe, and what some commands have of their own:
 *
 * | | |
 * | --- | --- |
 * | hgetall | a record; a Map from bytes |
 * | call('HGETALL') | a Map in RESP3 |
 * | zscore, zincrby | a number |
 * | zrange with scores | records of member and score |
 * | smembers | a set: in the order of its bytes here |
 * | dump | whether there are bytes: they depend on the encoding, which depends on the history |
 * | errors | their kinds, the first word: their words name scripts and lines |
 */
export function readAs(surface: Surface, [method, ...args]: Call, reply: CliReply | undefined): unknown {
  // Only commands without keys are answered without the server.
  if (reply === undefined) return method === 'mget' ? [] : 0;
  if (isError(reply)) return { error: kindOf(reply) };
  if (method === 'dump') return reply === null ? null : Buffer.isBuffer(reply);
  if (method === 'smembers') return sorted(plain(surface, reply) as (string | Buffer)[]);
  if (method === 'zscore' || method === 'zincrby') return reply === null ? null : scoreOf(reply as Buffer);
  const value = plain(surface, reply);
  if (method === 'hgetall') {
    return surface.bytes
      ? new Map(pairs(value))
      : Object.assign(Object.create(null), Object.fromEntries(pairs(value) as [string, unknown][]));
  }
  if (method === 'call' && args[0] === 'HGETALL') return surface.protocol === 3 ? new Map(pairs(value)) : value;
  if (method === 'zrange' && 'WITHSCORES' in (args[3] as object)) {
    return pairs(reply).map(([member, score]) => ({
      member: plain(surface, member as Buffer),
      score: scoreOf(score as Buffer),
    }));
  }
  return value;
}

function plain(surface: Surface, reply: CliReply): unknown {
  if (reply === null) return null;
  if (typeof reply === 'bigint') return Number.isSafeInteger(Number(reply)) ? Number(reply) : reply;
  if (Buffer.isBuffer(reply)) return surface.bytes ? reply : reply.toString();
  if (Array.isArray(reply)) return reply.map((one) => plain(surface, one));
  return 'status' in reply ? reply.status : reply;
}

function pairs(flat: unknown): [unknown, unknown][] {
  const found: [unknown, unknown][] = [];
  for (let at = 0; at < (flat as unknown[]).length; at += 2) {
    found.push([(flat as unknown[])[at], (flat as unknown[])[at + 1]]);
  }
  return found;
}

function scoreOf(text: Buffer): number {
  return Number(text.toString().replace('inf', 'Infinity'));
}

/** The call that reads a key of a type. */
export function readerOf(type: string, key: string): Call {
  const readers: Readonly<Record<string, Call>> = {
    list: ['lrange', key, 0, -1],
    hash: ['hgetall', key],
    set: ['smembers', key],
    zset: ['zrange', key, 0, -1, { WITHSCORES: true }],
  };
  return readers[type] ?? ['get', key];
}

/** The types of keys and what a watch has to give for each. */
export async function watchedBy(cli: RedisCli, surface: Surface, keys: readonly string[]): Promise<unknown[]> {
  const types = await cli.run(keys.map((key) => ['TYPE', key]));
  const calls = types.map((type, at) => readerOf((type as { status: string }).status, keys[at]!));
  const replies = await runAll(cli, calls.map(wordsOf));
  return calls.flatMap((call, at) => [(types[at] as { status: string }).status, readAs(surface, call, replies[at])]);
}

export function isError(reply: CliReply | undefined): reply is { readonly error: string } {
  return typeof reply === 'object' && reply !== null && 'error' in reply;
}

export function kindOf({ error }: { readonly error: string }): string {
  return /^\S+/.exec(error)![0];
}

export function sorted(members: readonly (string | Buffer)[]): string[] {
  return members.map((member) => Buffer.from(member as string).toString('hex')).sort();
}

/** Every key of a database with its type and all that it holds, as redis-cli shows it. */
export async function stateOf(cli: RedisCli, keys: readonly string[]): Promise<unknown> {
  const readers: Readonly<Record<string, (key: string) => Word[]>> = {
    none: (key) => ['EXISTS', key],
    string: (key) => ['GET', key],
    list: (key) => ['LRANGE', key, '0', '-1'],
    hash: (key) => ['HGETALL', key],
    set: (key) => ['SORT', key, 'ALPHA'],
    zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  };
  const [size, ...types] = await cli.run([['DBSIZE'], ...keys.map((key) => ['TYPE', key])]);
  const names = types.map((type) => (type as { status: string }).status);
  return { size, names, values: await cli.run(names.map((type, at) => readers[type]!(keys[at]!))) };
}

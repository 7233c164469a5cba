// What people read about each command: our own sentences from docs.tsv, the rest from the facts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArgumentFacts, CallableFacts, Since } from './facts';

/** The words about one command. */
export interface CommandDocs {
  summary: string;
  complexity: string;
  /** `WRONGTYPE: the key holds another kind of value` */
  errors: string[];
}

/** What to use instead of a command that is deprecated or gone. */
export const REPLACEMENTS: Readonly<Record<string, string>> = {
  BRPOPLPUSH: `\`blmove\` with 'RIGHT' and 'LEFT'`,
  'CLUSTER SLAVES': '`clusterReplicas`',
  'CLUSTER SLOTS': '`clusterShards`',
  GEORADIUS: '`geosearch` and `geosearchstore`',
  GEORADIUSBYMEMBER: '`geosearch` and `geosearchstore`',
  GEORADIUSBYMEMBER_RO: '`geosearch`',
  GEORADIUS_RO: '`geosearch`',
  GETSET: '`set` with { GET: true }',
  HMSET: '`hset`',
  PSETEX: '`set` with { PX }',
  QUIT: '`close`',
  RPOPLPUSH: `\`lmove\` with 'RIGHT' and 'LEFT'`,
  'SENTINEL GET-MASTER-ADDR-BY-NAME': '`sentinelGetPrimaryAddrByName` there',
  'SENTINEL IS-MASTER-DOWN-BY-ADDR': '`sentinelIsPrimaryDownByAddr` there',
  'SENTINEL MASTER': '`sentinelPrimary` there',
  'SENTINEL MASTERS': '`sentinelPrimaries` there',
  'SENTINEL SLAVES': '`sentinelReplicas`',
  SETEX: '`set` with { EX }',
  SETNX: '`set` with { NX: true }',
  SLAVEOF: '`replicaof`',
  STRALGO: '`lcs`',
  SUBSTR: '`getrange`',
  ZRANGEBYLEX: `\`zrange\` with { BY: 'LEX' }`,
  ZRANGEBYSCORE: `\`zrange\` with { BY: 'SCORE' }`,
  ZREVRANGE: '`zrange` with { REV: true }',
  ZREVRANGEBYLEX: `\`zrange\` with { BY: 'LEX', REV: true }`,
  ZREVRANGEBYSCORE: `\`zrange\` with { BY: 'SCORE', REV: true }`,
};

/** Groups whose commands expect one kind of value under their keys. */
const TYPED_GROUPS = new Set('bitmap geo hash hyperloglog list module set sorted-set stream string'.split(' '));

/** Commands of those groups that replace or skip whatever a key holds. */
const ANY_TYPE = new Set('SET MSET MSETEX MSETNX MGET SETEX PSETEX SETNX'.split(' '));

export const DOCS_FILE = join(__dirname, 'docs.tsv');

/** All rows of docs.tsv by command. */
export function loadDocs(): Map<string, CommandDocs> {
  const docs = new Map<string, CommandDocs>();
  for (const line of readFileSync(DOCS_FILE, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [name, complexity, summary, errors = ''] = line.split('\t');
    if (name === undefined || complexity === undefined || summary === undefined) throw new Error(`docs.tsv: ${line}`);
    if (!summary.endsWith('.')) throw new Error(`docs.tsv: the summary of ${name} is no sentence`);
    docs.set(name, { complexity, summary, errors: errors === '' ? [] : errors.split('; ') });
  }
  return docs;
}

/** The errors of a command: those that follow from its facts, then its own. */
export function errorsOf(facts: CallableFacts, docs: CommandDocs): string[] {
  const errors: string[] = [];
  if (TYPED_GROUPS.has(facts.group) && facts.keySpecs !== undefined && !ANY_TYPE.has(facts.name)) {
    errors.push('WRONGTYPE: a key has another type');
  }
  if (facts.flags.includes('denyoom')) errors.push('OOM: memory is full');
  return [...errors, ...docs.errors];
}

/** Every Valkey has what it inherited from Redis 7.2. */
function inEveryValkey(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 7 || (major === 7 && minor <= 2);
}

/** `since Redis 6.2.0, in every Valkey` */
export function sinceText({ servers }: CallableFacts): string {
  const { redis, valkey } = servers;
  if (redis === undefined) return `since Valkey ${valkey}, not in Redis`;
  if (valkey === undefined) return `since Redis ${redis}, not in Valkey`;
  return `since Redis ${redis}, ${inEveryValkey(valkey) ? 'in Valkey' : `Valkey ${valkey}`}`;
}

/** What the tag of a deprecated command says, or undefined for a command in good standing. */
export function deprecationOf({ name, deprecated, removed }: CallableFacts): string | undefined {
  const instead = REPLACEMENTS[name];
  if (removed !== undefined) return `gone since Redis ${removed}: use ${instead}`;
  if (deprecated === undefined) return undefined;
  if (instead === undefined) throw new Error(`${name} is deprecated: say in REPLACEMENTS what to use instead`);
  const since = deprecated.redis === undefined ? `Valkey ${deprecated.valkey}` : `Redis ${deprecated.redis}`;
  return `since ${since}: use ${instead}`;
}

/** The command's page, at Redis or where only Valkey knows it at Valkey. */
export function pageOf({ name, servers }: CallableFacts): string {
  const page = name.toLowerCase().replace(/ /g, '-');
  return servers.redis === undefined
    ? `https://valkey.io/commands/${page}/`
    : `https://redis.io/docs/latest/commands/${page}/`;
}

const SERVER_NAMES = { redis: 'Redis', valkey: 'Valkey' };

/** `since 7.4.0`, `Redis only, since 8.2.0`, `since Redis 7.4.0, Valkey 8.0.0`; empty where nothing is to be said. */
export function availabilityOf({
  since,
  only,
}: {
  since?: Since | undefined;
  only?: 'redis' | 'valkey' | undefined;
}): string {
  const server = only === undefined ? '' : `${SERVER_NAMES[only]} only`;
  const version =
    since === undefined
      ? ''
      : `since ${typeof since === 'string' ? since : `Redis ${since.redis}, Valkey ${since.valkey}`}`;
  return [server, version].filter(Boolean).join(', ');
}

/** Options that not every server has: `\`IFEQ\` since Redis 8.4.0, Valkey 8.1.0`. What is as old as its command is left out. */
export function newerOptionsOf({ args = [], servers }: CallableFacts): string[] {
  const byNote = new Map<string, string[]>();
  const isAsOld = (since: Since | undefined): boolean => since === servers.redis || since === servers.valkey;
  const walk = (argument: ArgumentFacts, whole: Pick<ArgumentFacts, 'since' | 'only'>): void => {
    const { token, type, name, args: parts = [], since = whole.since, only = whole.only } = argument;
    const note = only === undefined && isAsOld(since) ? '' : availabilityOf({ since, only });
    const isWord = type === 'pure-token' || (token !== undefined && token !== '');
    const saysItself = argument.since !== undefined || argument.only !== undefined;
    const isNamed = isWord || (saysItself && parts.length === 0);
    const label = isWord ? (token ?? name.toUpperCase()) : name;
    if (note !== '' && isNamed) byNote.set(note, [...(byNote.get(note) ?? []), label]);
    parts.forEach((part) => walk(part, isWord ? {} : { ...(since && { since }), ...(only && { only }) }));
  };
  args.forEach((argument) => walk(argument, {}));
  return [...byNote].map(([note, labels]) => `${labels.map((label) => `\`${label}\``).join(', ')} ${note}`);
}

/** The grammar as one line: `SET key value [NX | XX] [GET]`. */
export function syntaxOf({ name, args = [] }: CallableFacts): string {
  return [name, ...args.map(syntaxOfArgument)].join(' ');
}

function syntaxOfArgument(argument: ArgumentFacts): string {
  let text = withToken(argument);
  if (argument.multiple) text = argument.optional ? `${text} …` : `${text} [${text} …]`;
  return argument.optional ? `[${text}]` : text;
}

function withToken(argument: ArgumentFacts): string {
  const body = bodyOf(argument);
  if (argument.type === 'pure-token' || argument.token === undefined) return body;
  return `${argument.token === '' ? '""' : argument.token} ${body}`;
}

function bodyOf(argument: ArgumentFacts): string {
  switch (argument.type) {
    case 'pure-token':
      return argument.token === undefined ? argument.name : argument.token === '' ? '""' : argument.token;
    case 'oneof': {
      const choices = (argument.args ?? []).map(syntaxOfArgument).join(' | ');
      return argument.optional && argument.token === undefined && !argument.multiple ? choices : `<${choices}>`;
    }
    case 'block':
      return (argument.args ?? []).map(syntaxOfArgument).join(' ');
    default:
      return argument.name;
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A release of Redis, or of the server that alone has it; or one of each. */
export type Since = string | { redis: string; valkey: string };

/** One node of a command's grammar, as `commands.json` has it. */
export interface ArgumentFacts {
  name: string;
  type: 'key' | 'string' | 'integer' | 'double' | 'pattern' | 'unix-time' | 'pure-token' | 'oneof' | 'block';
  token?: string;
  optional?: boolean;
  multiple?: boolean;
  multipleToken?: boolean;
  keySpec?: number;
  /** a release of Redis, which Valkey inherited, or one of each */
  since?: Since;
  only?: 'redis' | 'valkey';
  countOf?: string;
  sameLengthAs?: string;
  role?: 'keyPattern';
  args?: ArgumentFacts[];
}

export interface KeySpecFacts {
  flags: string[];
  begin: { index?: number; keyword?: string; from?: number };
  find: {
    range?: [last: number, step: number, limit: number];
    keynum?: [numberAt: number, firstKey: number, step: number];
  };
}

export interface RuntimeFacts {
  access: 'read' | 'write' | 'none' | 'script';
  retry: 'read' | 'same' | 'state' | 'no';
  /** what else a repetition may do: `A|B` with one of these options, `!A&!B` with none of them, or in words */
  retryIf?: { when: string; retry: RuntimeFacts['retry'] }[];
  replica?: boolean;
  admin?: boolean;
  dangerous?: boolean;
  block?: { timeout: 'last' | 'BLOCK' | number; unit: 's' | 'ms' };
  mode?: 'subscribe' | 'unsubscribe' | 'monitor' | 'replication';
  conn?: boolean;
  noTx?: boolean;
  closes?: boolean;
  req?: string;
  res?: string;
  noSplitIf?: string;
  slotBy?: number;
  /** where the number of keys stands, the name included */
  numkeysAt?: number;
  movable?: boolean;
  sensitive?: { args?: string[]; valueOf?: string[]; rulePrefix?: string };
  sensitiveReply?: string[];
}

export interface CommandFacts {
  name: string;
  method?: string;
  container?: boolean;
  since: string;
  group: string;
  arity: number;
  flags: string[];
  categories?: string[];
  deprecated?: { redis?: string; valkey?: string };
  /** the release that dropped it */
  removed?: string;
  servers: { redis?: string; valkey?: string };
  seen: string;
  /** what is different in Valkey 9.1 */
  valkey?: { arity?: number; flags?: string[]; tips?: string[]; keySpecs?: KeySpecFacts[] };
  args?: ArgumentFacts[];
  constraints?: {
    if?: string;
    needs?: string;
    exclusive?: string;
    atLeast?: number;
    of?: string;
    min?: Record<string, number>;
    max?: Record<string, number>;
  }[];
  keySpecs?: KeySpecFacts[];
  /** what the servers say of its reply, and of how a cluster handles it */
  tips?: string[];
  legacy?: [number, number, number];
  reply?: string;
  reply2?: string;
  replyCases?: { when: string; reply: string; reply2?: string }[];
  rt?: RuntimeFacts;
}

/** A command that can be called: it has a method. */
export type CallableFacts = CommandFacts & Required<Pick<CommandFacts, 'method' | 'reply' | 'rt'>>;

/** Commands of servers among themselves and of their own test suites: no business of a client. */
export const HIDDEN = [
  'SYNC',
  'PSYNC',
  'REPLCONF',
  'RESTORE-ASKING',
  'PFDEBUG',
  'PFSELFTEST',
  'CLUSTER SYNCSLOTS',
  'TRIMSLOTS',
  'XIDMPRECORD',
];

export const FACTS_FILE = join(__dirname, 'commands.json');

/** All commands of the facts, hidden ones and containers included. */
export function loadFacts(): CommandFacts[] {
  return (JSON.parse(readFileSync(FACTS_FILE, 'utf8')) as { commands: CommandFacts[] }).commands;
}

/** The commands that get a method and a builder, in the order of the facts. */
export function callable(facts: readonly CommandFacts[]): CallableFacts[] {
  return facts.filter(
    (command): command is CallableFacts => command.method !== undefined && !HIDDEN.includes(command.name),
  );
}

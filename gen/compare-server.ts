// What a running server knows that the facts do not: the to-do list for the next release of Redis or Valkey.

import type { ArgumentDocs, CommandDocs, CommandInfo } from '../src/commands/replies/types';
import type { ArgumentFacts, CommandFacts } from './facts';

/** A server's own account of its commands. */
export interface ServerTable {
  readonly kind: 'redis' | 'valkey';
  readonly commands: readonly CommandInfo[];
  /** empty before Redis 7 */
  readonly docs: Readonly<Record<string, CommandDocs>>;
}

/** One line a difference, in the order of the commands' names; none when the facts tell everything. */
export function differences(facts: readonly CommandFacts[], table: ServerTable): string[] {
  const known = new Map(facts.map((command) => [command.name, command]));
  const found: string[] = [];
  for (const [name, info] of flatten(table.commands)) {
    const command = known.get(name);
    if (command === undefined) found.push(`${name}: new${sinceOf(docsOf(table, name))}`);
    else found.push(...changes(command, info, docsOf(table, name), table.kind).map((change) => `${name}: ${change}`));
  }
  return found.sort();
}

/** Commands and subcommands by name: `client|kill` is CLIENT KILL. */
function flatten(commands: readonly CommandInfo[]): [string, CommandInfo][] {
  return commands.flatMap((info): [string, CommandInfo][] => [
    [info.name.toUpperCase().replace('|', ' '), info],
    ...flatten(info.subcommands),
  ]);
}

function docsOf({ docs }: ServerTable, name: string): CommandDocs | undefined {
  const [command = '', subcommand] = name.toLowerCase().split(' ');
  const own = docs[command];
  return subcommand === undefined ? own : own?.subcommands?.[`${command}|${subcommand}`];
}

function sinceOf(docs: CommandDocs | undefined): string {
  return docs?.since === undefined ? '' : ` since ${docs.since}`;
}

function changes(
  facts: CommandFacts,
  info: CommandInfo,
  docs: CommandDocs | undefined,
  kind: ServerTable['kind'],
): string[] {
  const found: string[] = [];
  const arity = (kind === 'valkey' ? facts.valkey?.arity : undefined) ?? facts.arity;
  if (info.arity !== arity) found.push(`arity is ${info.arity}, not ${arity}`);
  const keySpecs = (kind === 'valkey' ? facts.valkey?.keySpecs : undefined) ?? facts.keySpecs ?? [];
  // Redis 6 tells of key specifications nowhere, and of categories last.
  if (docs !== undefined && info.keySpecs.length !== keySpecs.length) {
    found.push(`has ${info.keySpecs.length} key specifications, not ${keySpecs.length}`);
  }
  const words = new Set(tokens(facts.args ?? []));
  const added = documented(docs?.arguments ?? []).filter((token) => !words.has(token));
  if (added.length > 0) found.push(`takes ${[...new Set(added)].join(', ')}`);
  if (docs?.deprecated_since !== undefined && facts.deprecated?.[kind] === undefined) {
    found.push(`deprecated since ${docs.deprecated_since}, in favour of ${docs.replaced_by ?? 'nothing'}`);
  }
  return found;
}

function tokens(args: readonly ArgumentFacts[]): string[] {
  return args.flatMap(({ token, args: parts = [] }) => [...(token === undefined ? [] : [token]), ...tokens(parts)]);
}

function documented(args: readonly ArgumentDocs[]): string[] {
  return args.flatMap(({ token, arguments: parts = [] }) => [
    ...(token === undefined || token === '' ? [] : [token]),
    ...documented(parts),
  ]);
}

import type { Command, CommandSpec } from '../commands/command';
import { isGroup } from '../commands/group';
import { textOf } from '../commands/text-of';
import { ReplyError, type RedisError } from '../errors';
import type { TelemetryAttributes } from '../options';

/** Which names attributes have: those of the conventions before they were stable, the stable ones, or both. */
export interface Vocabularies {
  readonly old: boolean;
  readonly stable: boolean;
}

/** What `OTEL_SEMCONV_STABILITY_OPT_IN` asks for: `database` for the stable names, `database/dup` for both. */
export function vocabulariesOf(asked = process.env['OTEL_SEMCONV_STABILITY_OPT_IN'] ?? ''): Vocabularies {
  const wishes = asked.split(',').map((wish) => wish.trim());
  const both = wishes.includes('database/dup');
  const stable = both || wishes.includes('database');
  return { old: both || !stable, stable };
}

/** Where a client leads to. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** a Unix socket, in place of host and port */
  readonly path?: string | undefined;
}

/** So many names of commands are shown. */
const MOST_NAMES = 64;

/** The commands of the caller that a command stands for: itself, or those of a group. */
export function commandsOf(command: Command): readonly Command[] {
  return isGroup(command) ? command.commands : [command];
}

/** A command as it is told: a read with CLIENT CACHING before it is that read. */
export function told(command: Command): Command {
  if (!isGroup(command)) return command;
  const [first] = command.commands;
  return first?.spec.name === command.spec.name ? first : command;
}

/**
 * What is known of the server.
 * @param address undefined where sentinels know it
 */
export function serverAttributes(
  vocabularies: Vocabularies,
  address: Address | undefined,
  database: number,
): TelemetryAttributes {
  const { old, stable } = vocabularies;
  return {
    ...(old && { 'db.system': 'redis', 'db.redis.database_index': database }),
    ...(stable && { 'db.system.name': 'redis', 'db.namespace': String(database) }),
    ...(address !== undefined && addressAttributes(vocabularies, address)),
  };
}

/** Where the server is. */
export function addressAttributes({ old, stable }: Vocabularies, { host, port, path }: Address): TelemetryAttributes {
  return {
    ...(old && { 'net.peer.name': path ?? host }),
    ...(old && path === undefined && { 'net.peer.port': port }),
    ...(stable && { 'server.address': path ?? host }),
    ...(stable && path === undefined && { 'server.port': port }),
  };
}

/** What is known of a command that is sent by itself. */
export function commandAttributes({ old, stable }: Vocabularies, { spec, args }: Command): TelemetryAttributes {
  const script = scriptOf(spec, args);
  return {
    ...(old && { 'db.operation': spec.name }),
    ...(stable && { 'db.operation.name': spec.name }),
    ...(script !== undefined && { 'redis.script': script }),
    ...(script !== undefined && stable && { 'db.stored_procedure.name': script }),
  };
}

/** What the stable vocabulary calls commands that travel as one. A batch of one counts as a command by itself. */
export function operationOf(name: string, commands: readonly Command[]): string {
  const first = commands[0]?.spec.name;
  if (first === undefined || commands.some(({ spec }) => spec.name !== first)) return name;
  return commands.length === 1 ? first : `${name} ${first}`;
}

/** What is known of commands that travel as one. */
export function groupAttributes(
  { old, stable }: Vocabularies,
  name: string,
  commands: readonly Command[],
): TelemetryAttributes {
  const { length } = commands;
  return {
    ...(old && { 'db.operation': name }),
    ...(stable && { 'db.operation.name': operationOf(name, commands) }),
    ...(stable && length !== 1 && { 'db.operation.batch.size': length }),
    'redis.pipeline.size': length,
    'redis.commands': namesOf(commands),
  };
}

/** The names of commands, in order: of the first 64. */
export function namesOf(commands: readonly Command[]): string[] {
  return commands.slice(0, MOST_NAMES).map(({ spec }) => spec.name);
}

/** What is known of a failure. `error.type` is the server's own word for it, `WRONGTYPE`, or the code of the client's error. */
export function errorAttributes({ stable }: Vocabularies, error: RedisError): TelemetryAttributes {
  const kind = error instanceof ReplyError ? error.kind : undefined;
  return {
    'error.type': kind ?? error.code,
    'redis.delivery': error.delivery,
    ...(stable && kind !== undefined && { 'db.response.status_code': kind }),
  };
}

/** First words of errors that are told apart. Scripts and modules choose theirs as they like, and a label must not grow without end. */
const KINDS = new Set(
  (
    'ERR WRONGTYPE OOM NOSCRIPT NOAUTH WRONGPASS NOPERM READONLY LOADING BUSY BUSYGROUP BUSYKEY NOGROUP UNBLOCKED EXECABORT MOVED ASK ' +
    'TRYAGAIN CLUSTERDOWN CROSSSLOT MASTERDOWN MISCONF NOREPLICAS NOTREADY NOPROTO INPROG IOERR UNKILLABLE NOTBUSY'
  ).split(' '),
);
/** A label of what is not told apart. */
export const OTHER = '_OTHER';

/** What a label says of a failure: a word of a known set. */
export function labelOf(error: RedisError): string {
  if (!(error instanceof ReplyError)) return error.code;
  return KINDS.has(error.kind) ? error.kind : OTHER;
}

/** What the stable vocabulary says of a failure in metrics. */
export function failureOf(error: RedisError): TelemetryAttributes {
  const label = labelOf(error);
  return { 'error.type': label, ...(KINDS.has(label) && { 'db.response.status_code': label }) };
}

/** The SHA-1 or name of the script or function that a command calls. */
function scriptOf({ name, script }: CommandSpec, args: Command['args']): string | undefined {
  if (script !== undefined) return script.id;
  return /^(EVALSHA|FCALL)/.test(name) && args.length > 0 ? textOf(args[0]) : undefined;
}

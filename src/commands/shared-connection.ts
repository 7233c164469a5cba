import { blockingWait } from './blocking-wait';
import { endsConnection } from './closing';
import type { Arg, Command, CommandSpec, Effect } from './command';
import { isGroup } from './group';
import { asksOfItsConnection } from './reply-error';
import { textOf } from './text-of';
import { knownCall } from './known-commands';

/** Commands that change a connection for all who share it, and what to use in their place. */
const unshareable: Readonly<Record<string, string>> = {
  MULTI: 'dedicated(…)',
  EXEC: 'dedicated(…)',
  DISCARD: 'dedicated(…)',
  WATCH: 'watch(…)',
  UNWATCH: 'dedicated(…)',
  MONITOR: 'dedicated(…)',
  'CLIENT REPLY': 'dedicated(…)',
  'CLIENT TRACKING': 'dedicated(…)',
  'SCRIPT DEBUG': 'dedicated(…)',
  'CLIENT CACHING': 'dedicated(…)',
  ASKING: 'dedicated(…)',
  READONLY: 'dedicated(…)',
  READWRITE: 'dedicated(…)',
  RESET: 'dedicated(…)',
  HELLO: "the options 'protocol', 'username' and 'password'",
  QUIT: 'close()',
  SUBSCRIBE: 'subscribe(…)',
  PSUBSCRIBE: 'psubscribe(…)',
  SSUBSCRIBE: 'ssubscribe(…)',
  UNSUBSCRIBE: 'unsubscribe() of the subscription',
  PUNSUBSCRIBE: 'unsubscribe() of the subscription',
  SUNSUBSCRIBE: 'unsubscribe() of the subscription',
};

/** Commands that the client sends on every new connection, and the options that they come from. */
const saidByOption: Readonly<Record<string, string>> = {
  SELECT: "the option 'database'",
  AUTH: "the option 'password' or 'credentials'",
  'CLIENT SETNAME': "the option 'clientName'",
};

/** Commands that the shared connection refuses and `onConnect` does not: sent first, they hold for all callers alike. */
const SHAREABLE_FROM_THE_START = new Set(['CLIENT TRACKING', 'READONLY', 'READWRITE']);

/**
 * Refuses a command that would change the connection for all other callers.
 * @throws TypeError that names what to use
 */
export function refuseOnSharedConnection({ name, effect }: Pick<CommandSpec, 'name' | 'effect'>): void {
  refuseWhatReplicasSay({ name, effect });
  const instead = lookUp(unshareable, name);
  if (instead !== undefined) {
    throw new TypeError(`${name} would change the connection for all who share it: use ${instead}`);
  }
}

const LENDING = 'use(…), which lends a connection';

/**
 * Refuses a command that would change one connection of a pool, of which the next command may meet another.
 * @throws TypeError that names what to use
 */
export function refuseOnPool(command: Command): void {
  const { name, effect } = command.spec;
  if (asksOfItsConnection(command))
    throw new TypeError(`${name} asks about the writes of its connection, and a pool has several: use ${LENDING}`);
  if (effect === undefined) return;
  const instead = lookUp(saidByOption, name) ?? LENDING;
  throw new TypeError(`${name} would change one connection of the pool alone: use ${instead}`);
}

/** SYNC, PSYNC, REPLCONF: servers leave some of them unanswered, and answer the others with something that is no reply. */
function refuseWhatReplicasSay({ name, effect }: Pick<CommandSpec, 'name' | 'effect'>): void {
  if (effect === 'replication')
    throw new TypeError(`${name} is what replicas say to one another, and a client is none`);
}

/** CLIENT TRACKING with prefixes that begin with one another: Redis answers it twice, so all later replies would be those of other commands. */
function refuseTwoReplies({ spec: { effect }, args }: Command): void {
  const prefixes = effect === 'tracking' ? args.filter((_, at) => textOf(args[at - 1]).toUpperCase() === 'PREFIX') : [];
  refuseOverlap('CLIENT TRACKING', prefixes);
}

/** @throws TypeError where one of these begins with another */
export function refuseOverlap(what: string, prefixes: readonly Arg[]): void {
  // One that another begins with stands right before one that begins with it.
  const texts = prefixes.map(textOf).sort();
  if (texts.some((text, at) => at > 0 && text.startsWith(texts[at - 1]!)))
    throw new TypeError(`${what} takes no prefix that begins with another`);
}

/**
 * Refuses commands whose replies a lease cannot deliver: messages, which in RESP2 could not be told from replies; MONITOR by `call`, which
 * a server answers once; the debugger of scripts, whose answers are no replies.
 * @throws TypeError that names what to use
 */
export function refuseOnLease(command: Command): void {
  const { name, effect } = command.spec;
  const { args } = command;
  refuseWhatReplicasSay({ name, effect });
  refuseTwoReplies(command);
  if (effect === 'monitor') throw new TypeError('MONITOR is not for call, for its lines are no replies: use monitor()');
  if (effect === 'debug' && textOf(args[0]).toUpperCase() !== 'NO') {
    throw new TypeError(`${name} is for redis-cli alone, for a debugger answers with what is no reply`);
  }
  if (effect === 'subscribe') {
    throw new TypeError(
      `${name} is not for a dedicated connection, which delivers no messages: use redis.subscribe(…)`,
    );
  }
}

/** What no connection of a `watch` does: the transaction behind it would run unguarded, or on other keys than those that are watched. */
const unguarded: ReadonlySet<Effect | undefined> = new Set<Effect>([
  'multi',
  'exec',
  'discard',
  'unwatch',
  'reset',
  'database',
  'reply',
  'monitor',
]);

/**
 * Refuses, beside what no lease takes, commands behind which a change of the watched keys would not be found.
 * @throws TypeError that names what to do
 */
export function refuseInWatch(command: Command): void {
  const { name, effect } = command.spec;
  if (unguarded.has(effect) || endsConnection(command)) throw unguardedBy(name);
  refuseOnLease(command);
}

/** What ends the guard of a `watch` is not sent. */
export function unguardedBy(name: string): TypeError {
  return new TypeError(
    `watch: ${name} is not for the connection of a watch, whose keys would not be watched any more: ` +
      'give the commands of the transaction in an array, and read by commands or a pipeline',
  );
}

/**
 * Refuses commands that `onConnect` cannot hold: those with an option of their own, which the user may change for good later; those
 * that the shared connection refuses; and those that wait at the server.
 * @throws TypeError that names what to use
 */
export function refuseInOnConnect(command: Command): void {
  const { spec, args } = command;
  if (isGroup(command)) {
    throw new TypeError(
      `The option 'onConnect' takes no ${spec.name}, which is several commands: use those themselves`,
    );
  }
  const known = knownCall(spec.name, args); // also what `call` made, of which nothing is known
  const { name } = known.spec;
  refuseWhatReplicasSay(known.spec);
  refuseTwoReplies(known);
  const unshared = SHAREABLE_FROM_THE_START.has(name) ? undefined : lookUp(unshareable, name);
  const instead = lookUp(saidByOption, name) ?? unshared;
  if (instead !== undefined) throw new TypeError(`The option 'onConnect' takes no ${name}: use ${instead}`);
  if (blockingWait(known) !== undefined) {
    throw new TypeError(`The option 'onConnect' takes no ${name}, which waits: use the client itself`);
  }
}

/** A name may be that of a property of every object. */
function lookUp(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

import type { Frame } from '../resp/frames';
import { shownArguments } from './secrets';

/**
 * What a command argument may be. Numbers and bigints travel in decimal, bytes as they are: they are read when the command is
 * written, so they must not change before its reply.
 */
export type Arg = string | number | bigint | Uint8Array;

/** Where keys stand among a command's arguments: `from`, `from + step`, … up to `to`, which counts from the end when negative. */
export interface KeyRange {
  /** index of the first key in `Command.args` */
  readonly from: number;
  /** index of the last key; -1 is the last argument */
  readonly to: number;
  /** distance between keys: 1, or 2 where values stand between them */
  readonly step: number;
}

/**
 * What a repetition does: nothing, the same state and reply, the same state only, or harm. A time to live that counts from now
 * counts from the repetition, as if the command had run then and not before.
 */
export type Replay = 'read' | 'same' | 'state' | 'no';

/** Where the wait of a blocking command stands. Its unit is the server's own, not always milliseconds. */
export interface BlockingFact {
  /** index into `Command.args`, counted from the end when negative; `BLOCK`: behind that token, without it nothing blocks */
  readonly timeout: number | 'BLOCK';
  readonly unit: 's' | 'ms';
}

/** What a command changes about the connection that it travels on. */
export type Effect =
  | 'database'
  | 'user'
  | 'protocol'
  | 'name'
  | 'setting'
  | 'reply'
  | 'tracking'
  | 'multi'
  | 'exec'
  | 'discard'
  | 'watch'
  | 'unwatch'
  /** it subscribes, or unsubscribes */
  | 'subscribe'
  | 'monitor'
  /** it concerns the command behind it: ASKING, CLIENT CACHING */
  | 'next command'
  | 'replication'
  | 'debug'
  /** it changes nothing, and its reply shows that all before it has been answered */
  | 'fence'
  | 'reset'
  /** something that the client does not have to know: READONLY, READWRITE, QUIT */
  | 'other';

/** Which arguments must never be shown. */
export type SecretArguments =
  /** every argument from this index on */
  | { readonly from: number }
  /** so many arguments after a token */
  | { readonly after: Readonly<Record<string, number>> }
  /** the value behind one of these names */
  | { readonly valuesOf: readonly string[] }
  /** arguments that begin with one of these characters */
  | { readonly startingWith: string };

/**
 * Names that are not keys and still get the client's `prefix`: channels as they are, patterns with the prefix escaped; `eventKey` is the
 * message to a channel of events, which is a key.
 */
export interface PrefixedArguments {
  readonly kind: 'channel' | 'pattern' | 'shard' | 'eventKey' | 'key' | 'keyPattern' | 'sortPattern';
  /** the arguments themselves … */
  readonly at?: KeyRange;
  /** … or the argument behind one of these option tokens, */
  readonly after?: readonly string[];
  /** where options begin at this index */
  readonly from?: number;
  /** without any of these tokens this one is added, with the pattern of all keys that have the prefix */
  readonly otherwise?: string;
  /** how many arguments belong to each of the command's other option tokens; 1 where nothing is said, none for flags */
  readonly widths?: Readonly<Record<string, number>>;
}

/** What a server has to be given once, and is called by its name from then on: a script, or a library of functions. */
export interface ScriptFact {
  /** the SHA-1 of the script; the name of the library */
  readonly id: string;
  /** its source */
  readonly text: string;
  /** gives it to a server that may have it already */
  readonly load: Command;
  /** gives it to a server that lacks it, or has an older one in its place */
  readonly replace: Command;
}

/** The facts of a command: what the client has to know beyond its arguments. One object per command, shared by all calls. */
export interface CommandSpec {
  /** the command's words in capitals: `GET`, `CLIENT KILL` */
  readonly name: string;
  readonly access: 'read' | 'write' | 'none';
  /** what a repetition does; where options decide, builders choose the spec that fits */
  readonly replay: Replay;
  /** keys that stand at fixed places; a command with moving keys carries its own `Command.keys` */
  readonly keys: readonly KeyRange[];
  /** how many words the name has */
  readonly words: number;
  /** the name as it travels: `$6\r\nCLIENT\r\n$4\r\nKILL\r\n` */
  readonly head: string;
  /** the first release of each server that knows it */
  readonly since?: { readonly redis?: string; readonly valkey?: string };
  /** it may wait on the server */
  readonly blocking?: BlockingFact | undefined;
  /** what it changes about the connection that it travels on; undefined for nothing */
  readonly effect?: Effect | undefined;
  /** the push that confirms it, once per argument: `subscribe` */
  readonly confirmation?: string | undefined;
  /** it signs the connection in: a server may leave it unanswered behind other replies, so it is sent when none is owed, and alone */
  readonly solitary: boolean;
  /** one frame answers it, it never waits at the server, it runs no script, and it leaves its connection as it was */
  readonly plain: boolean;
  /** the facts do not have it: a module's, or newer than they are */
  readonly foreign?: boolean;
  /** the server refuses it between MULTI and EXEC */
  readonly noTransaction?: boolean;
  /** the connection, or the server, ends with it */
  readonly closes?: boolean;
  /** a replica can answer it */
  readonly replica?: boolean;
  readonly admin?: boolean;
  readonly dangerous?: boolean;
  /** how a cluster spreads the request: `all_nodes`, `all_shards`, `multi_shard`, `special` */
  readonly request?: string | undefined;
  /** how the replies of several nodes become one: `agg_sum`, `all_succeeded`, `distinct`, … */
  readonly response?: string | undefined;
  /** a command without keys: what it tells or changes is that of the one server which gets it */
  readonly scope?: 'server' | undefined;
  /** index of the argument that says how many keys there are, where a cluster may split them */
  readonly countAt?: number | undefined;
  /** options under which a multi-shard command must stay whole */
  readonly wholeIf?: readonly string[];
  /** index of the argument that chooses the slot, where that is no key: sharded channels */
  readonly slotBy?: number | undefined;
  /** it answers any key of the database, whatever the client's prefix: RANDOMKEY */
  readonly anyKey?: boolean;
  readonly prefixed?: readonly PrefixedArguments[];
  readonly secrets?: SecretArguments | undefined;
  /** the reply, or the named parts of it, must never be shown; `['*']` is all of it */
  readonly secretReply?: readonly string[];
  /** the reply is binary on every surface: DUMP */
  readonly binary?: boolean;
  /** the reply is binary on every surface when this option is given: VEMB RAW */
  readonly binaryWith?: string | undefined;
  /** the reply may be kept until a key changes: always, or where the caller says for how long */
  readonly cacheable?: 'always' | 'timed' | undefined;
  /** @internal the script that it calls by name, or gives to the server */
  readonly script?: ScriptFact | undefined;
}

/** What a reply reader may need to know of the surface that the command was called on. */
export interface ReplyContext {
  /** strings were asked for as bytes: `redis.bytes` */
  readonly bytes: boolean;
  /** the key prefix to take off where keys come back; empty for none */
  readonly prefix: string;
}

/** Turns the frame of a reply, in RESP2 or RESP3 shape, into the value that the command promises. */
export type ReplyReader<T> = (frame: Frame, context: ReplyContext) => T;

/**
 * A command as data: what to send and how to read the answer. Nothing is sent by making one.
 *
 * @typeParam T its value
 * @typeParam B its value on `redis.bytes`, where that is another
 * @example
 * new Redis({ onConnect: [clientNoTouch('ON')] });
 * await redis.pipeline(set('a', '1'), incr('n'));
 */
export class Command<out T = unknown, out B = unknown> {
  /** For the compiler alone: no command has it. */
  declare readonly valueInBytes?: B;

  // Not a property, so that no log or copy of a command takes passwords along. One string stands by itself: an array is 56 bytes.
  readonly #args: readonly Arg[] | string;

  constructor(
    readonly spec: CommandSpec,
    args: readonly Arg[],
    readonly read: ReplyReader<T>,
    /** which of `args` are keys */
    readonly keys: readonly KeyRange[] = spec.keys,
  ) {
    this.#args = args.length === 1 && typeof args[0] === 'string' ? args[0] : args;
  }

  /** What follows the name, in the order of the wire, secrets included. */
  get args(): readonly Arg[] {
    const args = this.#args;
    return typeof args === 'string' ? [args] : args;
  }

  // Hot: once per command.
  /** @internal The same as they are written: a string that is the only one stands by itself. */
  get written(): readonly Arg[] | string {
    return this.#args;
  }

  /** @internal One of them. */
  argumentAt(index: number): Arg | undefined {
    const args = this.#args;
    return typeof args !== 'string' ? args[index] : index === 0 ? args : undefined;
  }

  /** @internal What a repetition does. */
  get replay(): Replay {
    return this.spec.replay;
  }

  /** @internal A repetition does nothing. */
  get isRead(): boolean {
    return this.replay === 'read';
  }

  /** What a log shows of it: name and keys. All other arguments are hidden, since any of them may be a secret. */
  toJSON(): { name: string; args: string[] } {
    return { name: this.spec.name, args: shownArguments(this) };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { name, args } = this.toJSON();
    return `Command <${[name, ...args.map((arg) => JSON.stringify(arg))].join(' ')}>`;
  }
}

/** Whether something is a command, by its looks: the package may be loaded twice. */
export function isCommand(given: unknown): given is Command {
  const { spec, read } = (given ?? {}) as Partial<Command>;
  return typeof spec?.name === 'string' && typeof read === 'function';
}

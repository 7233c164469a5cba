import { data, pushMany, text, type Key, type Many } from '../commands/arguments';
import { Command, type Arg, type CommandSpec, type KeyRange } from '../commands/command';
import type { LuaScript } from '../commands/lua-script';
import type { Reply } from '../commands/reply';
import { onlyKnown } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { scriptReader, type ScriptReply, type ScriptValue } from './script-replies';

/** The options of a script or a function. */
export interface ScriptOptions<N extends number = number, R extends ScriptReply | undefined = ScriptReply | undefined> {
  /** how many keys it takes; any number unless it is given */
  readonly keys?: N | undefined;
  /** it changes nothing, so that it may be repeated when its connection is lost; from Redis 7.0 on the server sees to that */
  readonly readOnly?: boolean | undefined;
  /** how its reply is read; default as `eval` reads it */
  readonly reply?: R;
}

/** A list of so many keys. */
export type Keys<N extends number, K extends readonly Key[] = readonly []> = number extends N
  ? readonly Key[]
  : K['length'] extends N
    ? K
    : Keys<N, readonly [...K, Key]>;

/**
 * A script or a function that can be called: sends it with keys and other arguments.
 *
 * @typeParam N how many keys it takes
 * @typeParam R how its reply is read
 * @typeParam S what texts come as: `string`, or `Buffer` on `redis.bytes`
 */
export interface Script<
  N extends number = number,
  R extends ScriptReply | undefined = undefined,
  S extends string | Buffer = string,
> {
  /**
   * The reply to a call: cold, so nothing is sent before it is subscribed to or awaited.
   * @throws TypeError when there are more or fewer keys than it takes, or an argument cannot be sent
   */
  (keys: Keys<N>, args?: Many<Arg>): Reply<ScriptValue<R, S>>;
  /** The same call as a command, for pipelines and transactions. */
  command(this: void, keys: Keys<N>, args?: Many<Arg>): Command<ScriptValue<R>, ScriptValue<R, Buffer>>;
}

const OPTIONS = ['keys', 'readOnly', 'reply'];

/** Sends a command on the surface that a script belongs to. */
type Send = <T>(command: Command<T>) => Reply<T>;

/** What makes the commands of a script or function: its facts, by what name it is called, and its options. */
interface Callable {
  /** what errors call it */
  readonly method: string;
  readonly spec: CommandSpec;
  /** the SHA-1 or the name that is the first argument */
  readonly name: () => string;
  readonly options: ScriptOptions;
}

/**
 * A Lua script as a function.
 * @throws TypeError when an option is wrong
 */
export function scriptOf(send: Send, script: LuaScript, options: unknown): Script<number, ScriptReply> {
  const checked = checkedOptions('script', options);
  const spec = script.specOf(checked.readOnly === true);
  return callable(send, { method: 'script', spec, name: () => script.id, options: checked });
}

/** @throws TypeError when the reader is none */
export function callable(send: Send, { method, spec, name, options }: Callable): Script<number, ScriptReply> {
  const read = scriptReader(method, options.reply);
  const { keys: expected } = options;
  const ranges = expected === undefined ? undefined : rangesOf(expected);
  const command = (keys: readonly Key[], args?: Many<Arg>): Command => {
    if (!Array.isArray(keys)) throw new TypeError(`${method}: keys are an array, got ${kindOf(keys)}`);
    const { length } = keys as readonly Key[];
    if (expected !== undefined && length !== expected) throw wrongCount(method, expected, length);
    const out: Arg[] = [name(), length];
    for (const key of keys as readonly Key[]) out.push(text(key, spec, 'keys'));
    if (args !== undefined && (!Array.isArray(args) || args.length > 0)) pushMany(out, args, data, spec, 'args');
    return new Command(spec, out, read, ranges ?? rangesOf(length));
  };
  const call = (keys: readonly Key[], args?: Many<Arg>): Reply<unknown> => send(command(keys, args));
  return Object.assign(call, { command });
}

function rangesOf(keys: number): readonly KeyRange[] {
  return keys === 0 ? [] : [{ from: 2, to: keys + 1, step: 1 }];
}

function wrongCount(method: string, expected: number, got: number): TypeError {
  return new TypeError(`${method}: ${expected} ${expected === 1 ? 'key was' : 'keys were'} expected, got ${got}`);
}

/** @throws TypeError that names the option */
export function checkedOptions(method: string, options: unknown = {}): ScriptOptions {
  const { keys, readOnly, reply } = onlyKnown(method, options as Record<string, unknown>, OPTIONS);
  if (keys !== undefined && !(Number.isSafeInteger(keys) && (keys as number) >= 0)) {
    const got = typeof keys === 'number' ? keys : kindOf(keys);
    throw new TypeError(`${method}: 'keys' is a number of keys, got ${got}`);
  }
  if (readOnly !== undefined && typeof readOnly !== 'boolean') {
    throw new TypeError(`${method}: 'readOnly' is a boolean, got ${kindOf(readOnly)}`);
  }
  return { keys: keys as number | undefined, readOnly, reply: reply as ScriptReply | undefined };
}

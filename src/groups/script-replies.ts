import type { ReplyContext, ReplyReader } from '../commands/command';
import {
  arrayOf,
  readAny,
  readBoolean,
  readDictionary,
  readDouble,
  readInteger,
  readName,
  readText,
  readTexts,
} from '../commands/replies';
import { UnexpectedReply } from '../commands/unexpected-reply';
import type { Frame } from '../resp/frames';
import { kindOf } from '../resp/kind-of';

/** What a script returns, by the name of its reader. `S` is what texts come as. */
export interface ScriptValues<S extends string | Buffer = string> {
  /** a whole number: Lua cuts the fraction off any number that a script returns */
  integer: number;
  /** a number that may have a fraction, for which the script returns a text: `tostring(x)` */
  number: number;
  /** true, or false and nothing: Lua's `false` and `nil` travel as null, `true` as 1 */
  boolean: boolean;
  string: S;
  /** the reply of a command that answers OK, `redis.status_reply('OK')` */
  OK: 'OK';
  /** a table, its elements as they came */
  array: unknown[];
  integers: number[];
  numbers: number[];
  strings: S[];
  /** names and values in turn, as `redis.call('HGETALL', key)` returns them */
  record: S extends string ? Record<string, string> : Map<Buffer, Buffer>;
  /** a text in JSON, `cjson.encode(table)` */
  json: unknown;
}

/** The names of readers: `'integer'`, or `'integer | null'` where the script may return nothing. */
export type ScriptReplyName = keyof ScriptValues | `${Exclude<keyof ScriptValues, 'boolean'>} | null`;

/** How the reply to a script is read: by the name of a reader, or by a function of what came. */
export type ScriptReply = ScriptReplyName | ReplyReader<unknown>;

/** The value of a script whose reply is read like that; `S` is what texts come as. */
export type ScriptValue<R, S extends string | Buffer = string> = undefined extends R
  ? unknown
  : R extends ReplyReader<infer T>
    ? T
    : R extends keyof ScriptValues
      ? ScriptValues<S>[R]
      : R extends `${infer N extends keyof ScriptValues} | null`
        ? ScriptValues<S>[N] | null
        : unknown;

type Readers = { readonly [N in keyof ScriptValues]: ReplyReader<unknown> };

const READERS: Readers = {
  integer: readWhole,
  number: readDouble,
  boolean: (frame) => frame !== null && readBoolean(frame),
  string: readText,
  OK: (frame) => (readName(frame) === 'OK' ? 'OK' : refuse('OK', frame)),
  array: (frame, context) => (Array.isArray(frame) ? readAny(frame, context) : refuse('an array', frame)),
  integers: arrayOf(readWhole),
  numbers: arrayOf(readDouble),
  strings: readTexts,
  record: readDictionary,
  json: (frame) => parsed(readName(frame)),
};

const OR_NULL = ' | null';

/**
 * The reader that an option names.
 * @throws TypeError when there is none
 */
export function scriptReader(method: string, reply: unknown): ReplyReader<unknown> {
  if (reply === undefined) return readAny;
  if (typeof reply === 'function') return reply as ReplyReader<unknown>;
  if (typeof reply !== 'string') {
    throw new TypeError(`${method}: 'reply' is the name of a reader or a function, got ${kindOf(reply)}`);
  }
  const mayBeNull = reply.endsWith(OR_NULL);
  const name = mayBeNull ? reply.slice(0, -OR_NULL.length) : reply;
  if (!Object.hasOwn(READERS, name) || (mayBeNull && name === 'boolean')) {
    const known = Object.keys(READERS).join(', ');
    throw new TypeError(
      `${method}: there is no reader '${reply}'; there are ${known}, each but boolean also with '${OR_NULL}'`,
    );
  }
  const read = ofScript(READERS[name as keyof Readers]);
  return mayBeNull ? (frame, context) => (frame === null ? null : read(frame, context)) : read;
}

/** A script may return anything, so an unexpected reply does not show that replies are mixed up: only its own call fails. */
function ofScript(read: ReplyReader<unknown>): ReplyReader<unknown> {
  return (frame: Frame, context: ReplyContext) => {
    try {
      return read(frame, context);
    } catch (error) {
      throw error instanceof UnexpectedReply ? new TypeError(error.message) : error;
    }
  };
}

/** In RESP3 a script may return any number. */
function readWhole(frame: Frame): number {
  const number = readInteger(frame);
  return typeof number !== 'number' || Number.isInteger(number) ? number : refuse('an integer', frame);
}

function refuse(expected: string, frame: Frame): never {
  throw new UnexpectedReply(`expected ${expected}, got ${kindOf(frame)}`);
}

/** The parser's own error would show a part of the text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnexpectedReply('expected JSON, got another text');
  }
}

import { isUtf8 } from 'node:buffer';
import { map, of, switchMap, type Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Command } from '../commands/command';
import { hgetall, lrange, mget, smembers, type, watch, xrange, zrange } from '../commands/generated/builders';
import { Group } from '../commands/group';
import { applyPrefix, keysOf } from '../commands/prefix';
import { Reply, type ReplySource } from '../commands/reply';
import { tellsOfLack } from '../commands/reply-error';
import { textOf } from '../commands/text-of';
import { RedisError, ReplyError } from '../errors';
import { isPlainObject } from '../option-checks';
import { latin1Of } from '../resp/bytes-of';
import { isBytes } from '../resp/is-bytes';
import { kindOf } from '../resp/kind-of';
import { memberOf } from './group-members';
import { groupReply } from './group-reply';
import type { KnownTypes } from './known-types';

/** A watched key has changed: what was read, or would be run, is of no use. */
export const CONFLICT: unique symbol = Symbol('conflict');

/** What was read, by name. */
export type ReadValues = Readonly<Record<string, unknown>>;

/** The types of keys that are no strings, by their places. */
type Types = Map<number, string>;

/** What was read of a key, or an error in its place. */
interface Read {
  readonly index: number;
  readonly type: string;
  readonly value: unknown;
}

/** How a key of a type is read; strings are read by MGET. */
const READERS: Readonly<Record<string, (key: Key) => Command>> = {
  hash: hgetall,
  list: (key) => lrange(key, 0, -1),
  set: smembers,
  zset: (key) => zrange(key, 0, -1, { WITHSCORES: true }),
  stream: (key) => xrange(key, '-', '+'),
};

/** The keys of a `watch`, and what is read of them. Made at the call, so that what is wrong is thrown there. */
//  by name:  WATCH a b, GET a, HGETALL b ──▶ values
//  by type:  WATCH a b, TYPE a, TYPE b, MGET a b ──▶ strings ──▶ all else: HGETALL b ──▶ values
//            and once it is known what b is: WATCH a b, TYPE a, TYPE b, MGET a b, HGETALL b ──▶ values
export class WatchedKeys {
  readonly names: readonly string[];
  private readonly keys: readonly Key[];
  private readonly command: Command<'OK'>;
  private readonly reads: ReadonlyMap<string, Command> | undefined;
  private readonly first: readonly Command[];

  /**
   * @param read commands by name; undefined for each key by its type
   * @throws TypeError that names the key or the command
   */
  constructor(
    given: unknown,
    read: unknown,
    private readonly prefix: string,
  ) {
    const list = (Array.isArray(given) ? given : [given]) as readonly Key[];
    if (list.length === 0) throw new TypeError('watch: at least one key is expected');
    this.command = watch(list);
    if (read === undefined) {
      const named = new Map(list.map((key) => [nameOf(key), key]));
      this.names = [...named.keys()];
      this.keys = [...named.values()];
      this.first = [...this.keys.map((key) => this.own(type(key))), this.own(mget([...this.keys]))];
    } else {
      this.reads = this.checked(read);
      this.names = [...this.reads.keys()];
      this.keys = list;
      this.first = [...this.reads.values()];
    }
  }

  /** How many keys are watched. */
  get count(): number {
    return this.keys.length;
  }

  /** Begins to watch the keys on a connection of the caller's own. WATCH and the first reads travel in one write. */
  watch(source: ReplySource): Observable<unknown> {
    return Reply.from(source, this.command);
  }

  /**
   * Reads the keys; in the tick in which they are watched. CONFLICT where a key has got another type meanwhile.
   * @param known those of which it has the types are read in the same write. It is told what they are now
   */
  read(source: ReplySource, known: KnownTypes): Observable<ReadValues | typeof CONFLICT> {
    const { names, first } = this;
    if (this.reads !== undefined) {
      return valuesOf(source, first).pipe(map((values) => byName(names, throwFirstError(values, source, first))));
    }
    const expected = this.expected(known);
    const ahead = this.readersOf(expected);
    return valuesOf(source, [...first, ...ahead]).pipe(
      switchMap((all) => {
        const listed = throwFirstError(all.slice(0, first.length), source, first);
        const values = [...(listed.at(-1) as unknown[])];
        const types = othersAmong(listed.slice(0, -1) as string[], values);
        const early = [...expected].map(([index, type], at): Read => ({ index, type, value: all[first.length + at] }));
        const right = early.filter(({ index, type }) => types.get(index) === type);
        return this.readRest(source, types, right).pipe(
          map((rest) => {
            const read = [...right, ...rest];
            for (const { index, value } of read) if (isWrongType(value)) types.delete(index);
            names.forEach((name, index) => known.note(this.prefix + name, types.get(index)));
            if (read.some(({ index }) => !types.has(index))) return CONFLICT;
            const commands = this.readersOf(read.map(({ index, type }) => [index, type]));
            throwFirstError(
              read.map(({ value }) => value),
              source,
              commands,
            );
            for (const { index, value } of read) values[index] = value;
            return byName(names, values);
          }),
        );
      }),
    );
  }

  private expected(known: KnownTypes): Types {
    const expected: Types = new Map();
    this.names.forEach((name, index) => {
      const type = known.of(this.prefix + name);
      if (type !== undefined) expected.set(index, type);
    });
    return expected;
  }

  /** Reads what is no string and was not read yet. */
  private readRest(source: ReplySource, types: Types, read: readonly Read[]): Observable<readonly Read[]> {
    const rest = new Map(types);
    for (const { index } of read) rest.delete(index);
    if (rest.size === 0) return of([]);
    return valuesOf(source, this.readersOf(rest)).pipe(
      map((values) => [...rest].map(([index, type], at) => ({ index, type, value: values[at] }))),
    );
  }

  private readersOf(types: Iterable<readonly [number, string]>): Command[] {
    return Array.from(types, ([index, type]) => this.own(readerOf(this.names[index]!, type)(this.keys[index]!)));
  }

  private own(command: Command): Command {
    return applyPrefix(command, this.prefix);
  }

  private checked(read: unknown): ReadonlyMap<string, Command> {
    if (!isPlainObject(read)) {
      throw new TypeError(`watch: the option 'read' is an object of commands, got ${kindOf(read)}`);
    }
    const watched = new Set(applyPrefix(this.command, this.prefix).args.map(latin1Of));
    return new Map(
      Object.entries(read as Record<string, unknown>).map(([name, given], index) => {
        const place = `watch: read.${name}`;
        const command = this.own(memberOf(given, index, 'pipeline', this.prefix, place));
        const { access, foreign, name: word } = command.spec;
        if (access === 'write' && foreign !== true) {
          throw new TypeError(`${place}, ${word}, writes, and so would be the conflict that it is to find`);
        }
        if (keysOf(command).some((key) => !watched.has(latin1Of(key)))) {
          throw new TypeError(`${place}, ${word}, reads a key that is not watched`);
        }
        return [name, command];
      }),
    );
  }
}

function valuesOf(source: ReplySource, commands: readonly Command[]): Observable<readonly unknown[]> {
  const reply$: Observable<unknown> = groupReply(source, source.executor, commands, false, (sent) => new Group(sent));
  return reply$ as Observable<readonly unknown[]>; // null is for transactions
}

function nameOf(key: Key): string {
  if (isBytes(key) && !isUtf8(key)) {
    throw new TypeError("watch: a key is no text: the option 'read' is needed, to read it under a name");
  }
  return textOf(key);
}

/** The types of the keys that are there although MGET gives nothing for them. */
function othersAmong(types: readonly string[], strings: readonly unknown[]): Types {
  const others: Types = new Map();
  types.forEach((type, index) => {
    if (strings[index] === null && type !== 'none' && type !== 'string') others.set(index, type);
  });
  return others;
}

function readerOf(name: string, type: string): (key: Key) => Command {
  if (Object.hasOwn(READERS, type)) return READERS[type]!;
  throw new TypeError(`watch: '${name}' is of the type ${type}: the option 'read' is needed, to say how it is read`);
}

/** A script or function among the reads was not there any more: another client has had it forgotten. The next reads bring it along. */
export class ForgottenScript extends Error {
  constructor(readonly error: ReplyError) {
    super(error.message);
  }
}

function isWrongType(value: unknown): boolean {
  return value instanceof ReplyError && value.kind === 'WRONGTYPE';
}

/** An error among the values is asked about as that of a command that was sent by itself. */
function throwFirstError(
  values: readonly unknown[],
  { retry }: ReplySource,
  commands: readonly Command[],
): readonly unknown[] {
  const index = values.findIndex((value) => value instanceof RedisError);
  if (index < 0) return values;
  const error = values[index] as RedisError;
  const command = commands[index]!;
  if (error instanceof ReplyError && tellsOfLack(error, command)) throw new ForgottenScript(error);
  retry(1, error, command);
  throw error;
}

/** Without a prototype, so that a key may have any name. */
function byName(names: readonly string[], values: readonly unknown[]): ReadValues {
  const record = Object.create(null) as Record<string, unknown>;
  names.forEach((name, index) => (record[name] = values[index]));
  return record;
}

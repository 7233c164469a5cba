import { isUtf8 } from 'node:buffer';
import { map, of, switchMap, type Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Command } from '../commands/command';
import { mget, type, watch } from '../commands/generated/builders';
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
import { isOfOtherType, isRefused, readerOf, TypedReads, TYPES, type Reading } from './typed-reads';

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

/** The keys of a `watch`, and what is read of them. Made at the call, so that what is wrong is thrown there. */
//  by name:  WATCH a b, GET a, HGETALL b ──▶ values
//  by type:  WATCH a b, TYPE a, TYPE b, MGET a b, and HGETALL, LRANGE, SMEMBERS, ZRANGE, XRANGE of a and of b ──▶ values
//            and once it is known that a is a string and b a hash: WATCH a b, TYPE a, TYPE b, MGET a b, HGETALL b ──▶ values
//            and where b is a list by then: ──▶ LRANGE b ──▶ values
export class WatchedKeys {
  readonly names: readonly string[];
  private readonly keys: readonly Key[];
  readonly command: Command<'OK'>;
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
   * @param known of which it has the types are read as those, all others as each type that there is. It is told what they are now
   */
  read(source: ReplySource, known: KnownTypes): Observable<ReadValues | typeof CONFLICT> {
    const { names, first } = this;
    if (this.reads !== undefined) {
      return valuesOf(source, first, Group).pipe(
        map((values) => byName(names, throwFirstError(values, source, first))),
      );
    }
    const ahead = this.ahead(known);
    return valuesOf(source, [...first, ...this.readersOf(ahead)]).pipe(
      switchMap((all) => {
        const listed = throwFirstError(all.slice(0, first.length), source, first);
        const values = [...(listed.at(-1) as unknown[])];
        const types = othersAmong(listed.slice(0, -1) as string[], values);
        const right: Read[] = [];
        ahead.forEach(([index, type], at) => {
          const value = all[first.length + at];
          known.noteReader(type, isRefused(value));
          if (types.get(index) === type) right.push({ index, type, value });
        });
        return this.readRest(source, types, right).pipe(
          map((rest) => {
            for (const { type, value } of rest) known.noteReader(type, isRefused(value));
            const read = [...right, ...rest];
            for (const { index, value } of read) if (isOfOtherType(value)) types.delete(index);
            names.forEach((name, index) =>
              known.note(this.prefix + name, values[index] === null ? types.get(index) : 'string'),
            );
            if (read.some(({ index }) => !types.has(index))) return CONFLICT;
            const refused = read.find(({ value }) => value instanceof RedisError);
            if (refused !== undefined)
              throwFirstError([refused.value], source, this.readersOf([[refused.index, refused.type]]));
            for (const { index, value } of read) values[index] = value;
            return byName(names, values);
          }),
        );
      }),
    );
  }

  /** What is read before any type is told: the wrong ones are refused with WRONGTYPE, which changes nothing. */
  private ahead(known: KnownTypes): Reading[] {
    const unknown = TYPES.filter((type) => known.mayRead(type));
    return this.names.flatMap((name, index) => {
      const type = known.of(this.prefix + name);
      if (type === 'string') return [];
      const types = type === undefined ? unknown : [type];
      return types.map((each): Reading => [index, each]);
    });
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

  private readersOf(types: Iterable<Reading>): Command[] {
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

function valuesOf(
  source: ReplySource,
  commands: readonly Command[],
  Reads: typeof Group = TypedReads,
): Observable<readonly unknown[]> {
  const reply$: Observable<unknown> = groupReply(source, source.executor, commands, false, (sent) => new Reads(sent));
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

/** A script or function among the reads was not there any more: another client has had it forgotten. The next reads bring it along. */
export class ForgottenScript extends Error {
  constructor(readonly error: ReplyError) {
    super(error.message);
  }
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

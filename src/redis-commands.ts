import type { Key, Many, Optionals } from './commands/arguments';
import type { Arg, Command } from './commands/command';
import type { CommandSurface } from './commands/generated/surface';
import type { Reply } from './commands/reply';
import type { PullStream } from './demand/pull-stream';
import type { NoWork, WorkOptions } from './demand/stream-options';
import type { RedisError } from './errors';
import type { CommandChain } from './groups/command-chain';
import type { Library, LibraryFunctions, LibraryOptions } from './groups/library';
import type { Script, ScriptOptions } from './groups/script';
import type { ScriptReply } from './groups/script-replies';
import type { FailFast, GroupOptions, ValuesOf } from './groups/values';
import type {
  FieldBatch,
  HscanStreamOptions,
  MemberBatch,
  ScanStreamOptions,
  SscanStreamOptions,
  ZscanStreamOptions,
} from './scanning/scan-options';

/**
 * What has commands: a client, its views and the connections of `dedicated`. Functions that only send commands take this.
 *
 * `S` is what texts come as: `string`, or `Buffer` on `redis.bytes`. `N` is null where `multi` may find that a watched key has changed,
 * as on a connection of `dedicated`.
 *
 * @example
 * const visit = (redis: RedisCommands) => redis.incr('visits');
 * await visit(redis);
 * await redis.dedicated((connection) => visit(connection));
 */
// `Pick` leaves protected members out, so that an object of the user's own can stand in for a client.
export interface RedisCommands<S extends string | Buffer = string, N extends null = null> extends Pick<
  CommandSurface<S>,
  keyof CommandSurface<S>
> {
  /**
   * Sends a command by its name, for what has no method: new commands, modules.
   * @param name one or several words: `'JSON.SET'`, `'CLIENT LIST'`
   * @param args one by one, or as one array
   * @returns the reply as RESP has it: maps are `Map`, sets are arrays
   * @throws TypeError when the name or an argument cannot be sent, or the command is not for this connection
   * @example
   * await redis.call('JSON.SET', 'doc', '$', '{}');
   */
  call<T = unknown>(name: string, ...args: Optionals<Arg>): Reply<T>;

  /**
   * Sends commands as one: one behind the other, with nothing between them, in one write where that is possible. It is no
   * transaction: commands of other clients may run in between. It begins a chain, `pipeline().set(…).get(…).exec()`, or takes commands of
   * `rxjs-redis/commands`.
   * @returns the values, in the order of the commands; an error stands in its place as a RedisError
   * @throws TypeError that names the command by its number, when it waits at the server or changes the connection
   * @example
   * const [name, visits] = await redis.pipeline(get('name'), incr('visits'));
   */
  pipeline(options: FailFast): CommandChain<[], S, never>;
  pipeline(options?: GroupOptions): CommandChain<[], S>;
  pipeline<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never>>;
  pipeline<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError>>;
  pipeline<C extends readonly [Command, ...Command[]]>(...commands: C): Reply<ValuesOf<C, S, RedisError>>;

  /**
   * Sends commands as a transaction, MULTI … EXEC: they run in a row, with no command of another client in between. It begins a chain,
   * `multi().set(…).get(…).exec()`, or takes commands of `rxjs-redis/commands`.
   * @returns the values, in the order of the commands. The error of a command that failed when it ran stands in its place as a
   * RedisError, and all others have run: a server undoes nothing. It errors with a ReplyError of the kind `EXECABORT` where the server
   * refused a command beforehand, so that none has run: its `causes` say which
   * @throws TypeError that names the command by its number, when no transaction can hold it
   * @example
   * await redis.multi(decrby('account:1', 5), incrby('account:2', 5));
   */
  multi(options: FailFast): CommandChain<[], S, never, N>;
  multi(options?: GroupOptions): CommandChain<[], S, RedisError, N>;
  multi<const C extends readonly Command[]>(commands: C, options: FailFast): Reply<ValuesOf<C, S, never> | N>;
  multi<const C extends readonly Command[]>(commands: C, options?: GroupOptions): Reply<ValuesOf<C, S, RedisError> | N>;
  multi<C extends readonly [Command, ...Command[]]>(...commands: C): Reply<ValuesOf<C, S, RedisError> | N>;

  /**
   * A Lua script as a function of keys and other arguments. It is sent by its SHA-1 (EVALSHA), and whole (EVAL) where the server does not
   * have it, as part of the same call. `script(…).command(keys, args)` is the call as a command, for pipelines and transactions: there the
   * script is loaded ahead where the connection has not given it to the server before. An error `NOSCRIPT` stands in a group for a script
   * that the server has forgotten since, as after SCRIPT FLUSH by another client; the next call or group brings it along again. By itself
   * a call errors with NOSCRIPT only when a later command to the same keys has run meanwhile, so that the order of the calls would be
   * broken.
   * @param lua its source; the SHA-1 is worked out once
   * @param options how many keys it takes, whether it only reads, how its reply is read
   * @throws TypeError when an option is wrong
   * @example
   * const take = redis.script("return redis.call('decrby', KEYS[1], ARGV[1])", { keys: 1, reply: 'integer' });
   * const left = await take(['stock:7'], [2]);
   */
  script<K extends number, R extends ScriptReply | undefined>(
    lua: string,
    options?: ScriptOptions<K, R>,
  ): Script<K, R, S>;

  /**
   * Runs a Lua script by its SHA-1, and sends the whole of it where the server does not have it, as part of the same call. For a script
   * that is called more than once `script` is better, which works the SHA-1 out once.
   * @throws TypeError when an argument cannot be sent
   * @example
   * await redis.evalshaOrEval("return redis.call('incr', KEYS[1])", ['n']);
   */
  evalshaOrEval<T = unknown>(script: string, keys?: Many<Key>, args?: Many<Arg>): Reply<T>;

  /**
   * A library of functions (Redis 7.0 and later, Valkey): its functions as functions of keys and other arguments, FCALL. Where the server
   * does not know a function, the call gives it the library first, in place of another of that name.
   * @param code its source; the first line names it
   * @param options the functions that are called, each as a script
   * @throws TypeError when the code has no name, or an option is wrong
   * @example
   * const shop = redis.library(code, { functions: { take: { keys: 1, reply: 'integer' } } });
   * await shop.load(); // replaces another version
   * const left = await shop.functions.take(['stock:7'], [2]);
   */
  library<const F extends LibraryFunctions>(code: string, options: LibraryOptions<F>): Library<F, S>;

  /**
   * Walks over the keys of the database by SCAN, page by page: a cold Observable of batches of keys, and what `for await` takes.
   *
   * Every key that is there all the time comes at least once, however many are written meanwhile. A key may come twice unless `unique` says
   * otherwise, and one that comes or goes meanwhile may be among them or not. Pages without a key are passed over. MATCH and TYPE choose among the
   * keys that the server looks at: `COUNT` of them a page, or else 10, then 20, and so on up to 1 000.
   *
   * The next page is asked for when the Observers have taken the last. Work that takes longer goes into `project`, which holds it up until there is
   * room, `concurrency` pages at the same time, or into a loop by `for await`, which is at most one page ahead of its reader.
   *
   * A scan outlives its connection: it goes on at its place on the next one, as a command that is repeated. Cursors of a server are
   * worthless to the next process, after a restart or a failover. It is asked for its INFO to find out, and the scan begins anew where it is
   * another. A page may take as long as any command.
   * @param options those of SCAN; `unique`, `signal`, and `project` with `concurrency`
   * @returns batches of keys, or what `project` makes of them. It completes when all have come, and when the client is closed; it errors when
   * that is destroyed, and with the `reason` of an aborted `signal`
   * @throws TypeError that names the option, when one is wrong. It errors with a ReplyError when the server refuses SCAN; with a
   * ConnectionError when the connection was made anew and INFO is refused, which a pool needs for every scan of more than a page
   * @example
   * for await (const keys of redis.scanStream({ MATCH: 'user:*' })) await handle(keys);
   * redis.scanStream({ TYPE: 'hash', project: (keys) => redis.unlink(keys), concurrency: 4 }).subscribe();
   */
  scanStream(options?: ScanStreamOptions & NoWork): PullStream<S[]>;
  scanStream<R>(options: ScanStreamOptions & WorkOptions<S[], R>): PullStream<R>;

  /**
   * Walks over the fields of a hash by HSCAN, page by page, as {@link RedisCommands.scanStream} over keys. A small hash comes as one page.
   * @returns batches of fields with their values, of fields alone with NOVALUES (Redis 7.4 and later, Valkey 8.0), or what `project` makes of
   * them; none where there is no such key
   * @throws TypeError that names the argument or option, when one is wrong. It errors with a ReplyError when the key holds another kind of value
   * @example
   * for await (const fields of redis.hscanStream('big', { COUNT: 1000 })) for (const [field, value] of fields) use(field, value);
   */
  hscanStream<V extends boolean | undefined = undefined>(
    key: Key,
    options?: HscanStreamOptions & { readonly NOVALUES?: V } & NoWork,
  ): PullStream<FieldBatch<S, V>>;
  hscanStream<R, V extends boolean | undefined = undefined>(
    key: Key,
    options: HscanStreamOptions & { readonly NOVALUES?: V } & WorkOptions<FieldBatch<S, V>, R>,
  ): PullStream<R>;

  /**
   * Walks over the members of a set by SSCAN, page by page, as {@link RedisCommands.scanStream} over keys. A small set comes as one page.
   * @returns batches of members, or what `project` makes of them; none where there is no such key
   * @throws TypeError that names the argument or option, when one is wrong. It errors with a ReplyError when the key holds another kind of value
   * @example
   * redis.sscanStream('tags', { MATCH: 'a*' }).subscribe((tags) => console.log(tags));
   */
  sscanStream(key: Key, options?: SscanStreamOptions & NoWork): PullStream<S[]>;
  sscanStream<R>(key: Key, options: SscanStreamOptions & WorkOptions<S[], R>): PullStream<R>;

  /**
   * Walks over the members of a sorted set by ZSCAN, page by page, in no order, as {@link RedisCommands.scanStream} over keys. A small one comes as
   * one page.
   * @returns batches of members with their scores, of members alone with NOSCORES (Valkey 8.1 and later), or what `project` makes of them; none
   * where there is no such key
   * @throws TypeError that names the argument or option, when one is wrong. It errors with a ReplyError when the key holds another kind of value
   * @example
   * redis.zscanStream('board').subscribe((members) => members.forEach(({ member, score }) => console.log(member, score)));
   */
  zscanStream<V extends boolean | undefined = undefined>(
    key: Key,
    options?: ZscanStreamOptions & { readonly NOSCORES?: V } & NoWork,
  ): PullStream<MemberBatch<S, V>>;
  zscanStream<R, V extends boolean | undefined = undefined>(
    key: Key,
    options: ZscanStreamOptions & { readonly NOSCORES?: V } & WorkOptions<MemberBatch<S, V>, R>,
  ): PullStream<R>;
}

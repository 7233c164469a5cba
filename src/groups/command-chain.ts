import type { Key, Many, Optionals } from '../commands/arguments';
import type { Arg, Command } from '../commands/command';
import { evalshaOrEval } from '../commands/evalsha-or-eval';
import { CommandSurface } from '../commands/generated/surface';
import { knownCall } from '../commands/known-commands';
import type { Reply } from '../commands/reply';
import type { ResultKind } from '../commands/result-kind';
import type { RedisError } from '../errors';
import { memberOf, type GroupMethod } from './group-members';
import type { OrErrors, ValueOf } from './values';

/** What the methods of a chain give: the chain, which has one value more. */
export interface ChainKind<T extends readonly unknown[], S extends string | Buffer, E, N> extends ResultKind {
  readonly result: CommandChain<[...T, this['value']], S, E, N>;
}

/**
 * Commands that are gathered one by one and sent as one: `redis.pipeline()`, `redis.multi()`. Every command is a method; `exec()` gives
 * the reply to all of them. A chain is used once.
 *
 * @typeParam T the values of the commands so far
 * @typeParam S what texts come as: `string`, or `Buffer` on `redis.bytes`
 * @typeParam E errors that stand among the values
 * @typeParam N null where a transaction may find that a watched key has changed
 * @example
 * const [set, visits] = await redis.pipeline().set('name', 'Ann').incr('visits').exec();
 */
export class CommandChain<
  T extends readonly unknown[] = [],
  S extends string | Buffer = string,
  E = RedisError,
  N = never,
> extends CommandSurface<S, ChainKind<T, S, E, N>> {
  #commands: Command[] | undefined = [];
  readonly #method: GroupMethod;
  readonly #prefix: string;
  readonly #reply: (commands: readonly Command[]) => Reply<unknown>;

  /** @internal */
  constructor(method: GroupMethod, prefix: string, reply: (commands: readonly Command[]) => Reply<unknown>) {
    super();
    this.#method = method;
    this.#prefix = prefix;
    this.#reply = reply;
  }

  /**
   * Adds any command by its name, as {@link RedisCommands.call}.
   * @throws TypeError also when the command is not for several that are sent as one
   * @example
   * await redis.pipeline().call<string>('JSON.GET', 'doc').exec();
   */
  call<V = unknown>(name: string, ...args: Optionals<Arg>): CommandChain<[...T, V], S, E, N> {
    return this.#add(knownCall<V>(name, args));
  }

  /**
   * Adds a Lua script, which is loaded ahead where the connection has not given it to the server before.
   * @throws TypeError when an argument cannot be sent
   * @example
   * await redis.multi().evalshaOrEval("return redis.call('incr', KEYS[1])", ['n']).exec();
   */
  evalshaOrEval<V = unknown>(script: string, keys?: Many<Key>, args?: Many<Arg>): CommandChain<[...T, V], S, E, N> {
    return this.#add(evalshaOrEval<V>(script, keys, args));
  }

  /**
   * Adds a command that is there already: one of `rxjs-redis/commands`, or the call of a script.
   * @throws TypeError when it is no command, or not for several that are sent as one
   * @example
   * const visit = redis.script("return redis.call('incr', KEYS[1])", { keys: 1, reply: 'integer' });
   * await redis.multi().set('seen', 1).add(visit.command(['visits'])).exec();
   */
  add<C extends Command>(command: C): CommandChain<[...T, ValueOf<C, S>], S, E, N> {
    return this.#add(command as unknown as Command<ValueOf<C, S>>);
  }

  /**
   * The reply to all commands, in their order: cold, so nothing is sent before it is subscribed to or awaited.
   * @throws TypeError when the chain was used before, or options are given: they belong to what began the chain
   */
  exec(): Reply<OrErrors<T, E> | N>;
  exec(...given: readonly unknown[]): unknown {
    if (given.length > 0) {
      throw new TypeError(`${this.#method}: exec() takes nothing; options belong to ${this.#method}({ … })`);
    }
    const commands = this.#taken();
    this.#commands = undefined;
    return this.#reply(commands);
  }

  protected send<V>(command: Command<V>): CommandChain<[...T, V], S, E, N> {
    return this.#add(command);
  }

  protected sendAnswered<V>(command: Command<V>): CommandChain<[...T, V], S, E, N> {
    return this.#add(command);
  }

  #add<V>(command: Command<V>): CommandChain<[...T, V], S, E, N> {
    const commands = this.#taken();
    commands.push(memberOf(command, commands.length, this.#method, this.#prefix));
    return this as unknown as CommandChain<[...T, V], S, E, N>;
  }

  #taken(): Command[] {
    if (this.#commands !== undefined) return this.#commands;
    throw new TypeError(`${this.#method}: exec() was called on this chain before, and a chain is used once`);
  }

  /** What a log shows: no argument, because some are secrets. */
  toJSON(): { method: string; commands: string[] } {
    return { method: this.#method, commands: (this.#commands ?? []).map(({ spec }) => spec.name) };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `CommandChain <${this.#method}>`;
  }
}

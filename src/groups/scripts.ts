import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import { LuaScript } from '../commands/lua-script';
import type { Reply, ReplySource } from '../commands/reply';
import { kindOf } from '../resp/kind-of';
import { groupReply } from './group-reply';
import { scriptOf, type Script, type ScriptOptions } from './script';
import type { ScriptReply } from './script-replies';

/** So many scripts of a client are remembered. A program that puts the text together anew for each call would fill the memory otherwise. */
const MOST = 1_000;

/** The scripts that were made on a client, each text once. Of more than 1 000 it keeps those that were made last. */
export class ScriptRegistry {
  /** the one that was made longest ago first */
  private readonly scripts = new Map<string, LuaScript>();

  /** @throws TypeError when it is no text */
  scriptOf(lua: unknown): LuaScript {
    if (typeof lua !== 'string') throw new TypeError(`script: the script is a string, got ${kindOf(lua)}`);
    const { scripts } = this;
    const script = scripts.get(lua) ?? new LuaScript(lua);
    scripts.delete(lua);
    scripts.set(lua, script);
    if (scripts.size > MOST) scripts.delete(scripts.keys().next().value!);
    return script;
  }

  get all(): readonly LuaScript[] {
    return [...this.scripts.values()];
  }
}

/** The scripts of a client: `redis.scripts`. */
export class Scripts {
  readonly #source: ReplySource;
  readonly #registry: ScriptRegistry;

  /** @internal */
  constructor(source: ReplySource, registry: ScriptRegistry) {
    this.#source = source;
    this.#registry = registry;
  }

  /**
   * Gives the server all scripts that were made by `redis.script` so far, so that no call has to bring its script along: SCRIPT LOAD. Of more
   * than 1 000 these are the last ones: make a script once, and give it arguments.
   * @returns their SHA-1, in the order in which they were made
   * @throws ReplyError when the server refuses one of them, as it does where it does not compile
   * @example
   * await redis.scripts.load();
   */
  load(): Reply<readonly string[]> {
    const commands: readonly Command[] = this.#registry.all.map((script) => script.load);
    const { executor } = this.#source;
    const source = { ...this.#source, bytes: false };
    return groupReply(source, executor, commands, true, (sent) => new Group(sent, 'SCRIPT LOAD')) as Reply<
      readonly string[]
    >;
  }
}

/**
 * What `script` does.
 * @throws TypeError when the script is no text, or an option is wrong
 */
export function defineScript<N extends number, R extends ScriptReply | undefined, S extends string | Buffer>(
  send: <T>(command: Command<T>) => Reply<T>,
  registry: ScriptRegistry,
  lua: string,
  options: ScriptOptions<N, R> | undefined,
): Script<N, R, S> {
  return scriptOf(send, registry.scriptOf(lua), options) as unknown as Script<N, R, S>;
}

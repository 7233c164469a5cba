import type { ReplyError } from '../index';
import { type Arg, type Redis } from '../index';
import { readArguments, type Argument, type Callback } from './arguments';
import { commandNames, type CommandName } from './command-names';
import { unprefixedCommand } from './names';
import { asKnown, inBuffers, inText, shaped, told } from './replies';
import { scriptArguments, type ScriptDefinition } from './scripts';

/** `[null, reply]`, or `[error, undefined]`. */
export type Outcome = readonly [Error | null, unknown];

/** What a pipeline needs of its client. */
export interface PipelineHost {
  readonly scripts: ReadonlyMap<string, ScriptDefinition>;
  /** the client, connected or about to be; throws where there is none any more */
  live(): Redis;
}

/** One command of a pipeline. */
interface Queued {
  readonly name: string;
  readonly args: Arg[];
  readonly script: ScriptDefinition | undefined;
  readonly asBytes: boolean;
  readonly callback: Callback | undefined;
}

type ChainMethod = (...given: readonly Argument[]) => IORedisPipeline;
type PipelineMethods = {
  readonly [N in CommandName | `${CommandName}Buffer`]: (...given: readonly Argument[]) => IORedisPipeline;
};

/** Its methods for commands are put there below. */
const WithPipelineCommands = class {} as new () => PipelineMethods;

/** Commands that are gathered and sent as one: `redis.pipeline()`, `redis.multi()`. `exec()` gives an outcome for each. */
export class IORedisPipeline extends WithPipelineCommands {
  readonly #host: PipelineHost;
  readonly #kind: 'pipeline' | 'multi';
  readonly #queue: Queued[] = [];
  #ended: Promise<readonly Outcome[] | null> | undefined;

  /** @internal */
  constructor(host: PipelineHost, kind: 'pipeline' | 'multi', commands: readonly (readonly Argument[])[] = []) {
    super();
    this.#host = host;
    this.#kind = kind;
    for (const [name, script] of host.scripts) {
      const add =
        (asBytes: boolean): ChainMethod =>
        (...given) =>
          this.#add(name, given, asBytes, script);
      Object.assign(this, { [name]: add(false), [`${name}Buffer`]: add(true) });
    }
    for (const [name, ...args] of commands) (this as unknown as Record<string, ChainMethod>)[String(name)]!(...args);
  }

  /** How many commands there are. */
  get length(): number {
    return this.#queue.length;
  }

  /** Adds any command by its name. */
  call(name: string, ...given: readonly Argument[]): this {
    return this.#add(name.toLowerCase(), given, false);
  }

  /** The same, with bytes in its reply. */
  callBuffer(name: string, ...given: readonly Argument[]): this {
    return this.#add(name.toLowerCase(), given, true);
  }

  /** @internal A command that has a method. */
  static add(pipeline: IORedisPipeline, name: string, given: readonly Argument[], asBytes: boolean): IORedisPipeline {
    return pipeline.#add(name, given, asBytes);
  }

  /** Inside a transaction it is one already. */
  multi(): this {
    if (this.#kind === 'multi') return this;
    throw new TypeError('IORedis: a transaction inside a pipeline is not sent; use multi() in place of pipeline()');
  }

  /**
   * Sends the commands. Called again it sends what was added since, and where that is nothing, it tells the same outcome once more.
   * @returns an outcome for each; null for a transaction whose watched keys have changed
   */
  exec(callback?: Callback<readonly Outcome[] | null>): Promise<readonly Outcome[] | null> {
    if (this.#ended === undefined || this.#queue.length > 0) this.#ended = this.#outcomes();
    return told(this.#ended, callback);
  }

  /** The same as `exec`, as it is with ioredis: a reply is bytes where its command was called so. */
  execBuffer(callback?: Callback<readonly Outcome[] | null>): Promise<readonly Outcome[] | null> {
    return this.exec(callback);
  }

  async #outcomes(): Promise<readonly Outcome[] | null> {
    const queue = this.#queue.splice(0);
    if (queue.length === 0) return [];
    const inBytes = queue.some(({ asBytes }) => asBytes);
    let replies: readonly unknown[] | null;
    try {
      const client = this.#host.live();
      const surface = inBytes ? client.bytes : client;
      const chain = surface[this.#kind]();
      for (const { name, args, script } of queue) {
        const plain = script === undefined ? unprefixedCommand(client, name, args) : undefined;
        if (plain !== undefined) chain.add(plain);
        else if (script === undefined) chain.call(name, args);
        else
          chain.add(
            surface.script(script.lua, { readOnly: script.readOnly }).command(...scriptArguments(script, args)),
          );
      }
      replies = await chain.exec();
    } catch (error) {
      for (const { callback } of queue) callback?.(asKnown(error));
      throw asKnown(error);
    }
    if (replies === null) return null;
    return queue.map(({ name, asBytes, callback }, index) => {
      const reply = replies[index];
      const isError = reply instanceof Error;
      const value = isError ? undefined : shaped(name, asBytes ? inBuffers(reply) : inBytes ? inText(reply) : reply);
      if (isError) callback?.(asKnown(reply));
      else callback?.(null, value);
      return isError ? [reply as ReplyError, undefined] : [null, value];
    });
  }

  #add(name: string, given: readonly Argument[], asBytes: boolean, script?: ScriptDefinition): this {
    const { args, callback } = readArguments(name, given);
    this.#queue.push({ name, args, script, asBytes, callback });
    return this;
  }
}

for (const name of commandNames) {
  const method = (asBytes: boolean) =>
    function (this: IORedisPipeline, ...given: readonly Argument[]): IORedisPipeline {
      return IORedisPipeline.add(this, name, given, asBytes);
    };
  Object.defineProperty(IORedisPipeline.prototype, name, { value: method(false), configurable: true, writable: true });
  Object.defineProperty(IORedisPipeline.prototype, `${name}Buffer`, {
    value: method(true),
    configurable: true,
    writable: true,
  });
}

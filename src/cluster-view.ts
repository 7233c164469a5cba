import type { Command } from './commands/command';
import type { Reply } from './commands/reply';
import type { ReadsFrom } from './commands/request-context';
import { refuseOnCluster, refuseSeveralSlots } from './topology/refused';
import { CommandView, inBytes, withContext, type ViewParts } from './command-view';
import type { CommandOptions } from './command-options';
import { readsOf } from './options';
import { RedisView, type RedisViewParts } from './redis-view';

/** What may be said otherwise for some commands than for the whole client of a cluster. */
export interface ClusterCommandOptions extends CommandOptions {
  /** which nodes read: see `RedisClusterOptions` */
  readonly reads?: ReadsFrom | undefined;
}

/** The commands and subscriptions of a cluster, and its views with other options or with bytes. */
export class ClusterView<S extends string | Buffer = string> extends RedisView<S> {
  readonly #parts: RedisViewParts;
  #bytes: ClusterView<Buffer> | undefined;

  /** @internal */
  protected constructor(parts: RedisViewParts) {
    super(parts);
    this.#parts = parts;
  }

  override get bytes(): ClusterView<Buffer> {
    return (this.#bytes ??= new ClusterView<Buffer>(inBytes(this.#parts)));
  }

  /**
   * The same client with other options for the commands that are called on it.
   * @throws TypeError that names the option and what was expected
   * @example
   * await cluster.withOptions({ reads: 'replica' }).get('k');
   */
  override withOptions({ reads, ...options }: ClusterCommandOptions): ClusterView<S> {
    const parts = withContext(this.#parts, options);
    if (reads === undefined) return new ClusterView<S>(parts);
    return new ClusterView<S>({ ...parts, source: { ...parts.source, reads: readsOf(reads) } });
  }

  /** @throws TypeError when the command is about one server, or has keys in several slots and may not be split */
  protected override send<T>(command: Command<T>): Reply<T> {
    refuseOnCluster(command);
    const reply = super.send(command);
    // The prefix may have a hash tag.
    refuseSeveralSlots(reply.command);
    return reply;
  }
}

/** The commands of one node of a cluster, which are sent to that and to no other. */
export class NodeView<S extends string | Buffer = string> extends CommandView<S> {
  /** `host:port` */
  readonly address: string;

  /** @internal */
  constructor(parts: ViewParts, address: string) {
    super(parts);
    this.address = address;
  }

  override toJSON(): unknown {
    return { address: this.address };
  }
}

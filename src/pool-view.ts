import type { Command } from './commands/command';
import { refuseOnPool } from './commands/shared-connection';
import type { Reply } from './commands/reply';
import type { CommandOptions } from './command-options';
import { CommandView, inBytes, withContext, type ViewParts } from './command-view';

/** The commands of a pool, and its views with other options or with bytes. */
export class PoolView<S extends string | Buffer = string> extends CommandView<S> {
  readonly #parts: ViewParts;
  #bytes: PoolView<Buffer> | undefined;

  /** @internal */
  protected constructor(parts: ViewParts) {
    super(parts);
    this.#parts = parts;
  }

  override get bytes(): PoolView<Buffer> {
    return (this.#bytes ??= new PoolView<Buffer>(inBytes(this.#parts)));
  }

  override withOptions(options: CommandOptions): PoolView<S> {
    return new PoolView<S>(withContext(this.#parts, options));
  }

  /** @throws TypeError when the command would change one of the pool's connections */
  protected override send<T>(command: Command<T>): Reply<T> {
    refuseOnPool(command);
    return super.send(command);
  }
}

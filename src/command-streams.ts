import { atOneCall } from './commands/call-sites';
import type { Command } from './commands/command';
import { CommandSurface } from './commands/generated/surface';
import { Reply, type ReplySource } from './commands/reply';
import type { Executor } from './commands/request-context';
import type { Observable } from 'rxjs';
import type { Clock } from './connection/clock';
import type { Ending } from './demand/ending';
import type { PullStream } from './demand/pull-stream';
import type { NoWork, WorkOptions } from './demand/stream-options';
import { sendGroup } from './groups/send-group';
import { tail } from './streams/tail';
import type { TailedStreams, TailItem, TailOptions } from './streams/tail-options';

/** Carries commands that wait at the server, each on a connection of its own. */
interface Blocking {
  /** @param command the command as its caller gave it, without the prefix */
  carrying(command: Command): Executor;
}

/** What streams of entries are read with. */
export interface StreamSurfaceParts {
  readonly source: ReplySource;
  /** carries what publishes */
  readonly publisher: Executor;
  /** carries what waits at the server */
  readonly blocking: Blocking;
  /** how streams end with the client */
  readonly ending: Ending;
  readonly lender: { readonly clock: Clock };
}

/** The commands, and what reads the entries of streams without end. */
export abstract class StreamSurface<S extends string | Buffer = string> extends CommandSurface<S> {
  readonly #parts: StreamSurfaceParts;

  /** @internal */
  protected constructor(parts: StreamSurfaceParts) {
    super();
    this.#parts = parts;
  }

  /**
   * The entries of streams as they are added: a cold Observable, and what `for await` takes. It reads from where it has come on, over lost
   * connections, restarts and outages of any length: each entry comes once, in order. `'$'` is made an id first, so that it means the moment of the
   * subscription also after a lost connection. Where entries may be gone that have not come, there is a `gap` in their place.
   *
   * The next batch is read when the Observers have taken the last. Work that takes longer goes into `project`, which holds it up until there
   * is room for `concurrency` entries at the same time, or into a loop by `for await`. While there is none, the server is waited at, on a connection
   * of its own.
   * @param streams the name of a stream; several; or names with the id behind which each begins, as for XREAD
   * @param options where it begins and ends, how much is read at once; `signal`, and `project` with `concurrency`
   * @returns entries `{ type: 'entry', stream, id, fields }` and gaps `{ type: 'gap', stream, from, to, reason }`, or what `project` makes of them.
   * It completes when all up to `until` has come, and when the client is closed; it errors when that is destroyed, and with the `reason` of an
   * aborted `signal`
   * @throws TypeError that names the argument or option, when one is wrong. It errors with a ReplyError when the server refuses to read: a key
   * that holds another kind of value, missing rights for XREAD, XINFO STREAM or MULTI
   * @example
   * for await (const item of redis.tail('log', { from: '0' })) {
   *   if (item.type === 'entry') console.log(item.id, item.fields);
   *   else console.log(`what came between ${item.from} and ${item.to} is gone`);
   * }
   */
  tail(streams: TailedStreams, options?: TailOptions & NoWork): PullStream<TailItem<S>>;
  tail<R>(streams: TailedStreams, options: TailOptions & WorkOptions<TailItem<S>, R>): PullStream<R>;
  tail(streams: TailedStreams, options?: unknown): PullStream<never> {
    const { ending, lender, publisher } = this.#parts;
    // Its waits are short, and as long as it is itself is for its user to say.
    const source = { ...atOneCall(this.#parts.source, this.tail), limitsBlocking: false };
    const parts = {
      ask: <T>(command: Command<T>) => this.#waiting(source, command),
      multi: (commands: readonly Command[]) =>
        sendGroup(source, 'multi', [commands], publisher) as Observable<readonly unknown[]>,
      bytes: source.bytes,
      ending,
      clock: lender.clock,
    };
    return tail(parts, streams, options) as PullStream<never>;
  }

  #waiting<T>(source: ReplySource, command: Command<T>): Reply<T> {
    return Reply.from({ ...source, executor: this.#parts.blocking.carrying(command) }, command);
  }
}

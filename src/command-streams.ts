import type { Key } from './commands/arguments';
import { atOneCall } from './commands/call-sites';
import type { Command } from './commands/command';
import { CommandSurface } from './commands/generated/surface';
import { applyPrefix } from './commands/prefix';
import { Reply, type ReplySource } from './commands/reply';
import type { Executor } from './commands/request-context';
import { defer, type Observable } from 'rxjs';
import type { Clock } from './connection/clock';
import type { Ending } from './demand/ending';
import type { ProgressStream } from './demand/progress-stream';
import type { PullStream } from './demand/pull-stream';
import type { NoWork, WorkOptions } from './demand/stream-options';
import { sendGroup } from './groups/send-group';
import type { AfterCall } from './leases/blocking-call';
import { consume } from './streams/consume';
import type { ConsumedEntry, ConsumeOptions, ConsumeProgress, Handling } from './streams/consume-options';
import { tail } from './streams/tail';
import type { TailedStreams, TailItem, TailOptions } from './streams/tail-options';

/** Carries commands that wait at the server, each on a connection of its own. */
interface Blocking {
  /**
   * @param command the command as its caller gave it, without the prefix
   * @param after what is to be done once it is over; see `AfterCall`
   */
  carrying(command: Command, after?: AfterCall): Executor;
}

/** Sends what has to be said at the end. */
interface Last {
  /** sends in its turn; also while the client is being closed */
  send<T>(command: Command<T>): Observable<T>;
}

/** What streams of entries are read with. */
export interface StreamSurfaceParts {
  readonly source: ReplySource;
  /** carries what publishes */
  readonly publisher: Executor;
  /** carries what waits at the server */
  readonly blocking: Blocking;
  readonly last: Last;
  /** how streams end with the client */
  readonly ending: Ending;
  readonly lender: { readonly clock: Clock };
  /** of the server, where it is known */
  readonly version?: (() => string | undefined) | undefined;
  /** what handlers of entries work in, for telemetry */
  readonly handling?: Handling | undefined;
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
    const source = this.#source();
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

  /**
   * Handles the entries of a stream as a consumer of a group, each at least once. It reads as many as there are free slots, its own pending
   * entries first; acknowledges in batches what was handled; takes over what was not acknowledged for `claimIdle` ms, that of consumers that
   * died as well as what has failed; and makes dead letters of what was delivered `maxDeliveries` times. It goes on over lost connections,
   * restarts and outages of any length, and creates its group once more when that is gone, as after FLUSHALL.
   *
   * When it is unsubscribed from, or `signal` is aborted, it takes nothing more, and what is being handled has `drainTimeout` ms to end and
   * be acknowledged. `close()` of the client waits for that, and completes it.
   *
   * Entries are handled in their order with a `concurrency` of 1, or those with the same key with `keyOf`. One that fails is handled again later.
   * @param stream its name
   * @param options the group, and how entries are handled; `group` has to be given
   * @param handler handles an entry: a Promise or an Observable that it gives is followed to its end, and an error is its failure
   * @returns how far it is, after each batch and each failure; awaiting gives the last, and a loop the newest, with the failures (up to 1 000) of
   * those that it was too slow for. It completes when the client is closed; it errors
   * when that is destroyed, and with the `reason` of an aborted `signal`
   * @throws TypeError that names the argument or option, when one is wrong. It errors with a ReplyError when the server refuses: NOGROUP where
   * there is no group and `from` does not say that one is to be created, a key that holds another kind of value, missing rights
   * @example
   * const consumer = redis
   *   .consume('orders', { group: 'billing', from: '0', concurrency: 16, deadLetter: 'orders:dead' }, (entry) => bill(entry.fields))
   *   .subscribe(({ failures }) => failures.forEach(({ id, error }) => console.error(id, error)));
   * process.once('SIGTERM', async () => {
   *   consumer.unsubscribe();
   *   await redis.close();
   * });
   */
  consume(
    stream: Key,
    options: ConsumeOptions<S>,
    handler: (entry: ConsumedEntry<S>) => unknown,
  ): ProgressStream<ConsumeProgress, ConsumeProgress | undefined> {
    const { ending, lender, publisher, last, handling, version } = this.#parts;
    const source = this.#source();
    const sent = (others: Partial<ReplySource>) => {
      const context = { ...source, ...others };
      return <T>(command: Command<T>): Observable<T> => Reply.from(context, command);
    };
    const settle = sent({ idempotent: true });
    const parts = {
      send: sent({}),
      inBytes: sent({ bytes: true }),
      multi: (commands: readonly Command[]) =>
        sendGroup(source, 'multi', [commands], publisher) as Observable<readonly unknown[]>,
      settle: <T>(command: Command<T>) =>
        defer(() => (ending.isClosing ? last.send(applyPrefix(command, source.prefix)) : settle(command))),
      wait: <T>(command: Command<T>, undelivered: (value: unknown) => void, over: () => void) =>
        this.#waiting({ ...source, onUndelivered: undelivered }, command, () => {
          over();
          return undefined;
        }),
      bytes: source.bytes,
      ending,
      clock: lender.clock,
      version,
      handling,
    };
    return consume(parts, stream, options, handler);
  }

  /** Waits are short; how long a stream lasts is for its user to say, and no limit of commands. */
  #source(): ReplySource {
    return { ...atOneCall(this.#parts.source, this.#source), limitsBlocking: false };
  }

  #waiting<T>(source: ReplySource, command: Command<T>, after?: AfterCall): Reply<T> {
    return Reply.from({ ...source, executor: this.#parts.blocking.carrying(command, after) }, command);
  }
}

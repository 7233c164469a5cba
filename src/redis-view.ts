import { defer, filter, map, merge, type Observable } from 'rxjs';
import { inText } from './commands/in-text';
import { ownMessage, prefixChannel } from './commands/prefix';
import type { Key } from './commands/arguments';
import type { Awaitable } from './commands/awaitable';
import type { Command } from './commands/command';
import type { CommandOptions } from './command-options';
import { CommandView, inBytes, withContext, type ViewParts } from './command-view';
import type { WorkOptions } from './demand/stream-options';
import type { Overflow } from './demand/waiting';
import type { Freshness } from './freshness/freshness';
import type { LiveOptions } from './freshness/live-options';
import type { Loader } from './freshness/read-through';
import type { CachedOptions } from './freshness/read-through-options';
import type { ValueOf, ValuesOf } from './groups/values';
import { is } from './option-checks';
import type { ChannelName } from './pubsub/channel-name';
import { isBinary } from './resp/binary-names';
import {
  confirmedBy,
  eventsOf,
  keyspaceChannel,
  keyspaceEvents,
  type KeyspaceEvent,
  type KeyspaceOptions,
} from './pubsub/keyspace';
import { MessageStream, type StreamOptions } from './pubsub/message-stream';
import { isNotice, ownNotice, type Notice } from './pubsub/notices';
import type { Notifications } from './pubsub/notifications';
import type { PubSub } from './pubsub/pubsub';
import {
  MESSAGE_OPTIONS,
  isGlob,
  namesOf,
  optionsFor,
  type AnyOptions,
  type ChannelNames,
  type DroppedWith,
  type MessageOptions,
  type NoticeWith,
  type SubscribeOptions,
} from './pubsub/subscribe-options';
import type { SubscriptionKind } from './pubsub/subscriptions';
import type { Message } from './pubsub/topic';

/** What a view of a client is made with. */
export interface RedisViewParts extends ViewParts {
  readonly pubsub: Pick<PubSub, 'clock' | 'database' | 'messages' | 'messagesAsBytes'>;
  readonly notifications: Pick<Notifications, 'ensure'>;
  readonly freshness: Pick<Freshness, 'live' | 'cached'>;
  /** told of each message that is dropped, for telemetry */
  readonly onDrop?: (() => void) | undefined;
}

/** What can be done on the shared connection: the client's own surface, and its views with other options or with bytes. */
export class RedisView<S extends string | Buffer = string> extends CommandView<S> {
  readonly #parts: RedisViewParts;
  #bytes: RedisView<Buffer> | undefined;

  /** @internal */
  protected constructor(parts: RedisViewParts) {
    super(parts);
    this.#parts = parts;
  }

  /** The same commands and subscriptions with Buffers where strings were. */
  override get bytes(): RedisView<Buffer> {
    return (this.#bytes ??= new RedisView<Buffer>(inBytes(this.#parts)));
  }

  /**
   * The same client with other options for the commands that are called on it.
   * @throws TypeError that names the option and what was expected
   * @example
   * await redis.withOptions({ commandTimeout: 500 }).get('k');
   */
  override withOptions(options: CommandOptions): RedisView<S> {
    return new RedisView<S>(withContext(this.#parts, options));
  }

  /**
   * The messages of channels. A name with `*`, `?` or `[` is a pattern unless `literal` says otherwise. However many Observers
   * there are, the server sees one subscription, made with the first of them, ended 100 ms after the last, restored after a reconnect.
   * @param names text or bytes; on `redis.bytes` the names in messages are bytes
   * @param options `gaps`: whether the stream tells what may have been missed; `buffer` and `overflow`: how many messages wait for a loop;
   * `project`: work that is done with each message, at most `concurrency` at once, while others wait; `signal` ends the stream
   * @returns messages until the client is closed, for Observers and for `for await`; errors with a ReplyError when the server refuses
   * the channel, and as commands do where every attempt at a connection would fail in the same way; with an OverflowError, behind what waits,
   * when a loop or `project` is too slow, and with the reason of the signal
   * @throws TypeError when a name is neither text nor bytes, or an option is wrong
   * @example
   * redis.subscribe('news:*').pipe(filter(({ data }) => data !== '')).subscribe(render);
   * for await (const { channel, data } of redis.subscribe('news:*')) await handle(channel, data);
   * redis.subscribe('jobs', { project: ({ data }) => run(data), concurrency: 8, buffer: 100 }).subscribe(console.log);
   */
  subscribe<R, G extends boolean = false, V extends Overflow = 'error'>(
    names: ChannelNames,
    options: SubscribeOptions<G, V> & WorkOptions<Message<S>, R>,
  ): MessageStream<R | NoticeWith<G, S> | DroppedWith<V>>;
  subscribe<G extends boolean = false, V extends Overflow = 'error'>(
    names: ChannelNames,
    options?: SubscribeOptions<G, V>,
  ): MessageStream<Message<S> | NoticeWith<G, S>, DroppedWith<V>>;
  subscribe(names: ChannelNames, options: AnyOptions = {}): MessageStream<never, never> {
    const all = namesOf('subscribe', names);
    const { literal, gaps, stream } = optionsFor('subscribe', options, ['literal', ...MESSAGE_OPTIONS]);
    return this.#stream(
      this.#ofEither(all, (name) => !literal && isGlob(name), gaps),
      stream,
    );
  }

  /**
   * The messages of all channels whose names match a pattern. Options and errors are those of `subscribe`.
   * @example
   * redis.psubscribe('news.[a-m]*').subscribe(({ channel, data }) => console.log(channel, data));
   */
  psubscribe<R, G extends boolean = false, V extends Overflow = 'error'>(
    patterns: ChannelNames,
    options: MessageOptions<G, V> & WorkOptions<Message<S>, R>,
  ): MessageStream<R | NoticeWith<G, S> | DroppedWith<V>>;
  psubscribe<G extends boolean = false, V extends Overflow = 'error'>(
    patterns: ChannelNames,
    options?: MessageOptions<G, V>,
  ): MessageStream<Message<S> | NoticeWith<G, S>, DroppedWith<V>>;
  psubscribe(patterns: ChannelNames, options: AnyOptions = {}): MessageStream<never, never> {
    return this.#streamOf('psubscribe', 'pattern', patterns, options);
  }

  /**
   * The messages of shard channels (Redis 7 and later). A subscription that the server takes away, because its slot moves, is asked for
   * again. Errors with a ReplyError when the server has refused it for `commandTimeout` ms. Options are those of `subscribe`.
   * @example
   * redis.ssubscribe('orders:{42}').subscribe(({ data }) => console.log(data));
   */
  ssubscribe<R, G extends boolean = false, V extends Overflow = 'error'>(
    channels: ChannelNames,
    options: MessageOptions<G, V> & WorkOptions<Message<S>, R>,
  ): MessageStream<R | NoticeWith<G, S> | DroppedWith<V>>;
  ssubscribe<G extends boolean = false, V extends Overflow = 'error'>(
    channels: ChannelNames,
    options?: MessageOptions<G, V>,
  ): MessageStream<Message<S> | NoticeWith<G, S>, DroppedWith<V>>;
  ssubscribe(channels: ChannelNames, options: AnyOptions = {}): MessageStream<never, never> {
    return this.#streamOf('ssubscribe', 'shard', channels, options);
  }

  /**
   * What happens to keys of the client's database: keyspace notifications as events. A name with `*`, `?` or `[` is a pattern. With the
   * option `prefix` it is the client's own keys alone, without the prefix.
   *
   * A server tells of events only if its setting `notify-keyspace-events` says so. It is asked by CONFIG GET; where the user may not, that
   * comes on `events$`, and the stream goes on without knowing.
   * @param pattern a key or pattern, as text or as bytes, or several
   * @param options `events`: the names of those that are wanted; `configure`: the server is told to tell of them, by CONFIG SET, also after it
   * was restarted; and those of `subscribe`
   * @returns events until the client is closed; errors with a ConfigurationError when the server does not tell of them, otherwise as
   * `subscribe` does. Keys are bytes on `redis.bytes`
   * @throws TypeError when a pattern or an option is wrong
   * @example
   * redis.keyspace('session:*', { events: 'expired', configure: true }).subscribe(({ key }) => signOut(key));
   */
  keyspace<R, G extends boolean = false, V extends Overflow = 'error'>(
    pattern: ChannelNames,
    options: KeyspaceOptions<G, V> & WorkOptions<KeyspaceEvent<S>, R>,
  ): MessageStream<R | NoticeWith<G, S> | DroppedWith<V>>;
  keyspace<G extends boolean = false, V extends Overflow = 'error'>(
    pattern: ChannelNames,
    options?: KeyspaceOptions<G, V>,
  ): MessageStream<KeyspaceEvent<S> | NoticeWith<G, S>, DroppedWith<V>>;
  keyspace(pattern: ChannelNames, options: KeyspaceOptions & AnyOptions = {}): MessageStream<never, never> {
    const all = namesOf('keyspace', pattern);
    const { gaps, stream } = optionsFor('keyspace', options, ['events', 'configure', ...MESSAGE_OPTIONS]);
    const { configure = false } = options;
    is('boolean', 'configure', configure);
    const events = eventsOf(options.events);
    const { pubsub, notifications } = this.#parts;
    const events$ = defer(() => {
      const { database, clock } = pubsub;
      const names = all.map((name) => keyspaceChannel(database, name));
      return (this.#ofEither(names, isGlob, true) as Observable<Message<S> | Notice<S>>).pipe(
        confirmedBy((anew) => notifications.ensure({ events, configure }, anew), clock),
        keyspaceEvents(database, events),
        filter((item) => gaps || !isNotice(item)),
      );
    });
    return this.#stream(events$, stream);
  }

  /**
   * The value of a query, now and again whenever it has changed: the server tells of that by client tracking, which needs RESP3. What changes
   * in quick succession is read once more, so the latest value comes and not every change. However many Observers there are, the same
   * query is read once. Expired and evicted keys count, and writes of this client as well. After a lost connection it is read anew.
   * @param command of `rxjs-redis/commands`, which only reads, and names its keys; or several in an array, which are read at one moment
   * @param options `sample`: the shortest time between two reads, ms; `distinct`: whether a reply that equals the last one is left out
   * @returns values until the client is closed; errors with a ReplyError when the server refuses to read, with a ConfigurationError when it
   * does not track, and as commands do where every attempt at a connection would fail in the same way
   * @throws TypeError when a command cannot be followed, or an option is wrong
   * @example
   * redis.live(get('config')).subscribe(apply);
   * redis.live([get('visits'), hgetall('user:1')], { sample: 100 }).subscribe(([visits, user]) => show(visits, user));
   */
  live<C extends Command>(command: C, options?: LiveOptions): Observable<ValueOf<C, S>>;
  live<const C extends readonly Command[]>(commands: C, options?: LiveOptions): Observable<ValuesOf<C, S, never>>;
  live(commands: unknown, options?: LiveOptions): Observable<unknown> {
    const { source, freshness } = this.#parts;
    return freshness.live(source, commands, options);
  }

  /**
   * A value that is read through the server: what is stored under the key, or what the loader gives, which is stored for `ttl` ms. Of callers
   * that come while it is loaded none loads it again: in this process, and with `lock` in all. Each gets one of its own, as it is stored: JSON has
   * no Date. It is cold, and can be awaited.
   * @param loader gives the value, an Observable, whose last value counts, or a Promise of it; its errors are the caller's, and nothing is stored then
   * @param options `ttl` ms; `jitter`, `beta`, `lock`, `nulls`, `serializer`
   * @throws TypeError when an argument is wrong; it errors with a SerializationError when the value cannot be written, otherwise as GET does. What
   * the server does not store is told on `events$`; so is a stored value that cannot be read, which is loaded anew
   * @example
   * const user = await redis.cached('user:1', () => database.user(1), { ttl: 60_000, lock: true });
   */
  cached<T>(key: Key, loader: Loader<T>, options: CachedOptions<T>): Awaitable<T> {
    const { source, freshness } = this.#parts;
    return freshness.cached(source, key, loader, options);
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'RedisView';
  }

  #stream(source: Observable<unknown>, options: StreamOptions): MessageStream<never, never> {
    const { ending, onDrop } = this.#parts;
    return new MessageStream(source, { ...options, ending, onDrop });
  }

  #streamOf(
    method: string,
    kind: SubscriptionKind,
    names: ChannelNames,
    options: AnyOptions,
  ): MessageStream<never, never> {
    const all = namesOf(method, names);
    const { gaps, stream } = optionsFor(method, options, MESSAGE_OPTIONS);
    return this.#stream(this.#messages(kind, all, gaps), stream);
  }

  /** Messages of names of which some are patterns and the others channels. */
  #ofEither(
    names: readonly ChannelName[],
    isPattern: (name: ChannelName) => boolean,
    gaps: boolean,
  ): Observable<unknown> {
    const patterns = names.filter(isPattern);
    const channels = names.filter((name) => !isPattern(name));
    const messages: Observable<unknown>[] = [];
    if (channels.length > 0) messages.push(this.#messages('channel', channels, gaps));
    if (patterns.length > 0) messages.push(this.#messages('pattern', patterns, gaps));
    // Where there is one it is that, with nothing in between.
    return merge(...messages);
  }

  #messages(kind: SubscriptionKind, names: readonly ChannelName[], gaps: boolean): Observable<unknown> {
    const { source, pubsub } = this.#parts;
    const { bytes, prefix } = source;
    const wanted = prefix === '' ? names : names.map((name) => prefixChannel(kind, name, prefix));
    // As text a prefix of bytes could not be told from others.
    const asBytes = bytes || isBinary(prefix);
    const messages = asBytes ? pubsub.messagesAsBytes(kind, wanted, gaps) : pubsub.messages(kind, wanted, gaps);
    if (prefix === '') return messages;
    return (messages as Observable<Message | Notice>).pipe(
      map((item) => (isNotice(item) ? ownNotice(item, prefix) : ownMessage(item, prefix))),
      filter((item) => item !== undefined),
      map((item) => (asBytes && !bytes ? inText({ ...item }) : item)),
    );
  }
}

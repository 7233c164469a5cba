import { filter, map, merge, type Observable } from 'rxjs';
import { inText } from './commands/in-text';
import { ownMessage, prefixChannel } from './commands/prefix';
import { isBinary } from './commands/prefix-bytes';
import type { CommandOptions } from './command-options';
import { CommandView, inBytes, withContext, type ViewParts } from './command-view';
import type { ChannelName } from './pubsub/channel-name';
import { MessageStream } from './pubsub/message-stream';
import type { PubSub } from './pubsub/pubsub';
import {
  isGlob,
  namesOf,
  optionsFor,
  type ChannelNames,
  type MessageOptions,
  type SubscribeOptions,
} from './pubsub/subscribe-options';
import type { SubscriptionKind } from './pubsub/subscriptions';
import type { Message } from './pubsub/topic';

/** What a view of a client is made with. */
export interface RedisViewParts extends ViewParts {
  readonly pubsub: PubSub;
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
   * there are, the server sees one subscription, made with the first of them, ended with the last, restored after a reconnect.
   * @param names text or bytes; on `redis.bytes` the names in messages are bytes
   * @returns messages until the client is closed, for Observers and for `for await`; errors with a ReplyError when the server refuses
   * the channel, and as commands do where every attempt at a connection would fail in the same way
   * @throws TypeError when a name is neither text nor bytes, or an option is wrong
   * @example
   * redis.subscribe('news:*').pipe(filter(({ data }) => data !== '')).subscribe(render);
   * for await (const { channel, data } of redis.subscribe('news:*')) await handle(channel, data);
   */
  subscribe(names: ChannelNames, options: SubscribeOptions = {}): MessageStream<Message<S>> {
    const all = namesOf('subscribe', names);
    const { literal, buffer } = optionsFor('subscribe', options, ['literal', 'buffer']);
    const isPattern = (name: ChannelName) => !literal && isGlob(name);
    const patterns = all.filter(isPattern);
    const channels = all.filter((name) => !isPattern(name));
    if (patterns.length === 0) return new MessageStream(this.#messages('channel', channels), buffer);
    if (channels.length === 0) return new MessageStream(this.#messages('pattern', patterns), buffer);
    return new MessageStream(merge(this.#messages('channel', channels), this.#messages('pattern', patterns)), buffer);
  }

  /**
   * The messages of all channels whose names match a pattern.
   * @example
   * redis.psubscribe('news.[a-m]*').subscribe(({ channel, data }) => console.log(channel, data));
   */
  psubscribe(patterns: ChannelNames, options: MessageOptions = {}): MessageStream<Message<S>> {
    return this.#streamOf('psubscribe', 'pattern', patterns, options);
  }

  /**
   * The messages of shard channels (Redis 7 and later). A subscription that the server takes away, because its slot moves, is asked for
   * again. Errors with a ReplyError when the server has refused it for `commandTimeout` ms.
   * @example
   * redis.ssubscribe('orders:{42}').subscribe(({ data }) => console.log(data));
   */
  ssubscribe(channels: ChannelNames, options: MessageOptions = {}): MessageStream<Message<S>> {
    return this.#streamOf('ssubscribe', 'shard', channels, options);
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'RedisView';
  }

  #streamOf(
    method: string,
    kind: SubscriptionKind,
    names: ChannelNames,
    options: MessageOptions,
  ): MessageStream<Message<S>> {
    const all = namesOf(method, names);
    const { buffer } = optionsFor(method, options, ['buffer']);
    return new MessageStream(this.#messages(kind, all), buffer);
  }

  #messages(kind: SubscriptionKind, names: readonly ChannelName[]): Observable<Message<S>> {
    const { source, pubsub } = this.#parts;
    const { bytes, prefix } = source;
    const wanted = prefix === '' ? names : names.map((name) => prefixChannel(kind, name, prefix));
    // As text a prefix of bytes could not be told from others.
    const asBytes = bytes || isBinary(prefix);
    const messages = asBytes ? pubsub.messagesAsBytes(kind, wanted) : pubsub.messages(kind, wanted);
    const all = messages as Observable<unknown> as Observable<Message<S>>;
    if (prefix === '') return all;
    return all.pipe(
      map((message) => ownMessage(message, prefix)),
      filter((message) => message !== undefined),
      map((message) => (asBytes && !bytes ? (inText({ ...message }) as Message<S>) : message)),
    );
  }
}

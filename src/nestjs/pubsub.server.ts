import { Subscription, filter, merge } from 'rxjs';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { Gap, Message, Subscribed } from '../index';
import { PubSubGroup, type GroupMessage } from './pubsub.group';
import { AnsweringServer } from './answering.server';
import { Context, lentClient, messageOf, parsed, type RedisTransportOptions, type Sent } from './transport';

/** How a server of the transport over channels takes messages, beside the options of its Redis client. */
export interface RedisPubSubServerOptions extends RedisTransportOptions {
  /**
   * instances with the same group share what comes: each message is handled by one of them that is free. Without a group every instance
   * handles every message, and a request is answered by each
   */
  readonly group?: string | undefined;
  /** how many messages an instance of a group handles at the same time; default 16 */
  readonly concurrency?: number | undefined;
  /** patterns that have `*`, `?` or `[` in them are those of PSUBSCRIBE; default false. Others are channels, as ever */
  readonly wildcards?: boolean | undefined;
}

/** What a server tells of. */
export interface RedisPubSubServerEvents {
  /** messages may have been missed while the connection was lost */
  gap: (gap: Gap) => void;
  [event: string]: (gap: Gap) => void;
}

const OWN = ['group', 'concurrency', 'wildcards'];
const WHERE = 'RedisPubSubServer';
const CONCURRENCY = 16;
const GLOB = /[*?[]/;
/** The object that a text has in JSON. */
function objectIn(text: string): object | undefined {
  const value = parsed(text);
  return typeof value === 'object' && value !== null ? value : undefined;
}

/** Of so many messages that match several patterns it is known that they were handled. */
const REMEMBERED = 1_000;

/**
 * A transport of NestJS over channels. `listen` calls back once the server has confirmed every subscription, so no message is missed from then
 * on; handlers are drained when it is closed. The messages of a lost connection are gone, as those of channels are: `on('gap', …)` tells.
 *
 * @example
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new RedisPubSubServer({ url: 'redis://localhost:6379', group: 'billing' }),
 * });
 * await app.listen();
 */
export class RedisPubSubServer extends AnsweringServer<RedisPubSubServerEvents> implements CustomTransportStrategy {
  override readonly transportId: symbol = Symbol.for('rxjs-redis:pubsub');
  private readonly settings: RedisPubSubServerOptions;
  private readonly gapListeners: ((gap: Gap) => void)[] = [];
  private readonly handled = new Set<string>();
  private group: PubSubGroup | undefined;
  private readonly listening = new Subscription();
  private isWarned = false;

  /** @throws TypeError when an option is wrong, or `@nestjs/microservices` is not installed */
  constructor(options: RedisPubSubServerOptions = {}) {
    super(WHERE, lentClient(WHERE, options, [...OWN, 'serializer', 'deserializer']), options);
    const { group, concurrency = CONCURRENCY, wildcards = false } = options;
    if (group !== undefined && (typeof group !== 'string' || group === ''))
      throw new TypeError(`${WHERE}: the option 'group' is a string that is not empty`);
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new TypeError(`${WHERE}: the option 'concurrency' is a whole number from 1 on`);
    if (typeof wildcards !== 'boolean') throw new TypeError(`${WHERE}: the option 'wildcards' is a boolean`);
    this.settings = { ...options, concurrency, wildcards };
  }

  /** Calls back when every subscription is confirmed, or with the error that keeps one from that. */
  listen(callback: (error?: unknown) => void): void {
    const redis = this.unwrap();
    const { group, concurrency = CONCURRENCY, wildcards } = this.settings;
    const routes: string[] = [...this.messageHandlers.keys()];
    const isGlob = (route: string): boolean => wildcards === true && !route.startsWith('{') && GLOB.test(route);
    const channels = routes.filter((route) => !isGlob(route));
    const patterns = routes.filter(isGlob);
    this._status$.next('connecting');
    if (group !== undefined) {
      const work = (message: GroupMessage): Promise<unknown> => this.handle(message);
      const failed = (error: unknown): void => void this.logger.error(messageOf(error));
      this.group = new PubSubGroup(redis, group, concurrency, work, failed);
      this.group.take();
    }
    const sources = [
      ...(channels.length > 0 ? [redis.subscribe(channels, { literal: true, gaps: true })] : []),
      ...(patterns.length > 0 ? [redis.psubscribe(patterns, { gaps: true })] : []),
    ];
    const waiting = new Set(routes);
    let isListening = false;
    const confirmed = (route: string | undefined): void => {
      if (route !== undefined) waiting.delete(route);
      if (waiting.size > 0) return;
      this._status$.next('connected');
      if (!isListening) callback();
      isListening = true;
    };
    if (sources.length === 0) confirmed(undefined);
    const lost$ = redis.events$.pipe(
      filter(({ connection, type }) => connection === 'messages' && type === 'disconnect'),
    );
    this.listening.add(
      lost$.subscribe(() => {
        for (const route of routes) waiting.add(route);
        this._status$.next('reconnecting');
      }),
    );
    this.listening.add(
      merge(...sources).subscribe({
        next: (item) => {
          if ('data' in item) this.take(item);
          else if (item.type === 'subscribed') confirmed(item.channel ?? item.pattern);
          else this.missed(item);
        },
        error: (error: unknown) => {
          this._status$.next('disconnected');
          if (isListening) this.logger.error(`No message comes any more: ${messageOf(error)}`);
          else callback(error);
        },
      }),
    );
  }

  /** Takes no message more, lets handlers finish within `drainTimeout` ms, and closes the client that it has made. */
  close(): Promise<void> {
    return this.drain(() => {
      this.listening.unsubscribe();
      this.group?.stop();
    });
  }

  /** Tells of gaps. */
  on<E extends keyof RedisPubSubServerEvents>(event: E, listener: RedisPubSubServerEvents[E]): void {
    if (event !== 'gap') throw new TypeError(`${WHERE}: there is no event '${String(event)}'; known is gap`);
    this.gapListeners.push(listener);
  }

  private missed(gap: Gap): void {
    const name = gap.channel ?? gap.pattern;
    this.logger.warn(`Messages of ${name} may be missed since ${gap.from.toISOString()}: ${gap.reason.message}`);
    for (const listener of this.gapListeners) listener(gap);
  }

  private take({ channel, pattern, data }: Exclude<Message, Gap | Subscribed>): void {
    const message = { route: pattern ?? channel, channel, text: data };
    const { group } = this;
    const { id, key } = (objectIn(data) ?? {}) as Partial<Sent>;
    // What matches several patterns is one request: the handler of the very channel answers it, or of the pattern that came first.
    if (id !== undefined && pattern !== undefined) {
      if (this.messageHandlers.has(channel)) return;
      if (group === undefined && this.wasHandled(id)) return;
    }
    if (group === undefined) return void this.handle(message);
    if (key !== undefined)
      return this.running.add(this.given(group, id === undefined ? `${key}:${message.route}` : key, message));
    if (!this.isWarned)
      this.logger.warn(`A message on ${channel} was not sent by RedisPubSubClient: each instance handles it`);
    this.isWarned = true;
    void this.handle(message);
  }

  private async given(group: PubSubGroup, key: string, message: GroupMessage): Promise<void> {
    try {
      await group.give(key, message);
    } catch (error) {
      this.logger.error(`A message on ${message.channel} was not shared: ${messageOf(error)}`);
    }
  }

  private handle(message: GroupMessage): Promise<void> {
    const handled = this.run(message).catch((error: unknown) => {
      this.logger.error(`A message on ${message.channel} failed: ${messageOf(error)}`);
    });
    this.running.add(handled);
    return handled;
  }

  private async run({ route, channel, text }: GroupMessage): Promise<void> {
    const sent = (await this.deserializer.deserialize(parsed(text), { channel })) as Sent;
    const context = new Context([channel]);
    const handler = this.messageHandlers.get(route);
    if (handler === undefined) return;
    if (sent.id !== undefined) return this.answer(handler, sent, context);
    await this.event(handler, sent, context);
  }

  private wasHandled(id: string): boolean {
    if (this.handled.has(id)) return true;
    this.handled.add(id);
    const [oldest] = this.handled;
    if (this.handled.size > REMEMBERED && oldest !== undefined) this.handled.delete(oldest);
    return false;
  }
}

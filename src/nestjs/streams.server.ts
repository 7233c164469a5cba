import type { CustomTransportStrategy } from '@nestjs/microservices';
import { Subscription, type Observable } from 'rxjs';
import { ReplyError, type ConsumedEntry, type ConsumeOptions, type ConsumeProgress } from '../index';
import { AnsweringServer } from './answering.server';
import { text } from './checks';
import {
  Context,
  DRAIN_TIMEOUT,
  lentClient,
  messageOf,
  parsed,
  type RedisTransportOptions,
  type Sent,
} from './transport';

type OfConsume = Pick<
  ConsumeOptions,
  'consumer' | 'concurrency' | 'keyOf' | 'from' | 'claimIdle' | 'maxDeliveries' | 'deadLetter' | 'delete' | 'block'
>;

/** How a server of the transport over streams takes messages: the options of `redis.consume`, and those of its Redis client. */
export interface RedisStreamsServerOptions extends RedisTransportOptions, OfConsume {
  /** the consumer group: each message is handled by one instance of it. Other groups get it as well */
  readonly group: string;
  /** stands before the patterns in the names of the streams, as for the client; default `nest:` */
  readonly streamPrefix?: string | undefined;
}

/** What a server tells of: how far the consumer of a stream is. */
export interface RedisStreamsServerEvents {
  progress: (progress: ConsumeProgress) => void;
  [event: string]: (progress: ConsumeProgress) => void;
}

const WHERE = 'RedisStreamsServer';
export const PREFIX = 'nest:';
const OF_CONSUME = [
  'consumer',
  'concurrency',
  'keyOf',
  'from',
  'claimIdle',
  'maxDeliveries',
  'deadLetter',
  'delete',
  'block',
] as const;
/** Each pattern has a connection that waits. */
const LEASES = 1_000;

/** The stream of a pattern. */
export function streamOf(prefix: string, route: string): string {
  return `${prefix}${route}`;
}

/**
 * A transport of NestJS over streams: each pattern has one, which a consumer group handles. Messages are handled at least once: one is acknowledged
 * when its handler's Observable has completed, and comes again, to any instance, when that fails or the instance dies. A request is answered with the
 * error of its handler, and is handled then. `redis.consume` does the work, and its options are those of the server.
 *
 * @example
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new RedisStreamsServer({ url: 'redis://localhost:6379', group: 'billing', concurrency: 16, deadLetter: 'nest:dead' }),
 * });
 * await app.listen();
 */
export class RedisStreamsServer extends AnsweringServer<RedisStreamsServerEvents> implements CustomTransportStrategy {
  override readonly transportId: symbol = Symbol.for('rxjs-redis:streams');
  private readonly options: RedisStreamsServerOptions;
  private readonly prefix: string;
  private readonly consuming = new Subscription();
  private readonly progressListeners: ((progress: ConsumeProgress) => void)[] = [];

  /** @throws TypeError when an option is wrong, or `@nestjs/microservices` is not installed */
  constructor(options: RedisStreamsServerOptions) {
    text(WHERE, 'group', (options as Partial<RedisStreamsServerOptions> | undefined)?.group);
    const own = [...OF_CONSUME, 'group', 'streamPrefix', 'serializer', 'deserializer'];
    const leases = options.redis === undefined ? { leases: { max: LEASES, ...options.leases } } : {};
    super(WHERE, lentClient(WHERE, { ...options, ...leases }, own), options);
    const { streamPrefix = PREFIX } = options;
    text(WHERE, 'streamPrefix', streamPrefix);
    this.options = options;
    this.prefix = streamPrefix;
    // It is checked now, so that a wrong option does not wait for `listen`.
    this.consume(streamOf(streamPrefix, ''), () => undefined);
  }

  /** Calls back when the groups of all streams are there, or with the error that keeps one from that. */
  listen(callback: (error?: unknown) => void): void {
    this.unwrap();
    this._status$.next('connecting');
    const routes: string[] = [...this.messageHandlers.keys()];
    this.ensureGroups(routes).then(
      () => {
        for (const route of routes) this.consuming.add(this.begin(route));
        this.followState();
        callback();
      },
      (error: unknown) => {
        this._status$.next('disconnected');
        callback(error);
      },
    );
  }

  /** Takes nothing more, lets handlers finish within `drainTimeout` ms, and closes the client that it has made. What is not acknowledged comes again. */
  close(): Promise<void> {
    return this.drain(() => this.consuming.unsubscribe());
  }

  /** Tells how far the consumers are. */
  on<E extends keyof RedisStreamsServerEvents>(event: E, listener: RedisStreamsServerEvents[E]): void {
    if (event !== 'progress') throw new TypeError(`${WHERE}: there is no event '${String(event)}'; known is progress`);
    this.progressListeners.push(listener);
  }

  private async ensureGroups(routes: readonly string[]): Promise<void> {
    const { group, from = '0' } = this.options;
    const created = routes.map(async (route) => {
      try {
        await this.redis.xgroupCreate(streamOf(this.prefix, route), group, from, { MKSTREAM: true });
      } catch (error) {
        if (!(error instanceof ReplyError) || error.kind !== 'BUSYGROUP') throw error;
      }
    });
    await Promise.all(created);
  }

  private begin(route: string): Subscription {
    const stream = streamOf(this.prefix, route);
    return this.consume(stream, (entry) => this.handle(route, entry)).subscribe({
      next: (progress) => {
        for (const { id, deliveries, error } of progress.failures)
          this.logger.warn(`Entry ${id} of ${stream} failed, delivered ${deliveries} times: ${messageOf(error)}`);
        for (const listener of this.progressListeners) listener(progress);
      },
      error: (error: unknown) => {
        this._status$.next('disconnected');
        this.logger.error(`No entry of ${stream} comes any more: ${messageOf(error)}`);
      },
    });
  }

  private consume(stream: string, handler: (entry: ConsumedEntry) => unknown): Observable<ConsumeProgress> {
    const { group, drainTimeout = DRAIN_TIMEOUT } = this.options;
    const given = OF_CONSUME.filter((name) => this.options[name] !== undefined).map((name) => [
      name,
      this.options[name],
    ]);
    const options = Object.fromEntries(given) as OfConsume;
    return this.redis.consume(stream, { from: '0', ...options, drainTimeout, group }, handler);
  }

  private followState(): void {
    this.consuming.add(
      this.redis.state$.subscribe(({ kind }) => {
        if (kind === 'ready') this._status$.next('connected');
        else if (kind === 'reconnecting') this._status$.next(kind);
      }),
    );
  }

  private handle(route: string, entry: ConsumedEntry): Promise<void> {
    const handled = this.run(route, entry);
    this.running.add(handled);
    return handled;
  }

  private async run(route: string, entry: ConsumedEntry): Promise<void> {
    const { packet } = entry.fields;
    if (packet === undefined) throw new Error("it has no field 'packet': RedisStreamsClient has not sent it");
    const sent = (await this.deserializer.deserialize(parsed(packet), { channel: route })) as Sent;
    const handler = this.messageHandlers.get(route);
    if (handler === undefined) return;
    const context = new Context([route]);
    await (sent.id === undefined ? this.event(handler, sent, context) : this.answer(handler, sent, context));
  }
}

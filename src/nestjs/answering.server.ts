import type { MessageHandler } from '@nestjs/microservices';
import { lastValueFrom, type Observable } from 'rxjs';
import type { Redis } from '../index';
import {
  BaseServer,
  Running,
  messageOf,
  travelling,
  valuesOf,
  type Context,
  type Lent,
  type RedisTransportStatus,
  type Sent,
} from './transport';

type Events = Record<string, (...told: never[]) => void>;

/** What servers of all transports have in common: a Redis client, and how handlers are called and answer. */
export abstract class AnsweringServer<E extends Events> extends BaseServer<E, RedisTransportStatus> {
  abstract override readonly transportId: symbol;
  /** @internal */
  protected readonly running = new Running();
  /** @internal */
  protected readonly redis: Redis;

  /** @internal */
  protected constructor(
    private readonly where: string,
    protected lent: Lent | undefined,
    options: object,
  ) {
    super();
    this.redis = lent!.redis;
    this.initializeSerializer(options);
    this.initializeDeserializer(options);
  }

  /** What the transport is doing: the present first. */
  get status$(): Observable<RedisTransportStatus> {
    return this.status;
  }

  /** The Redis client. */
  unwrap<T = Redis>(): T {
    if (this.lent === undefined) throw new Error(`${this.where} is closed`);
    return this.redis as T;
  }

  /** @internal Lets handlers finish within `drainTimeout` ms, and closes the client that the transport has made. */
  protected async drain(stop: () => void): Promise<void> {
    const { lent } = this;
    if (lent === undefined) return;
    this.lent = undefined;
    stop();
    if (!(await this.running.settled(lent.drainTimeout)))
      this.logger.warn(`${this.running.count} messages are still handled after ${lent.drainTimeout} ms`);
    await lent.close();
    this._status$.next('disconnected');
  }

  /** @internal */
  protected async event(handler: MessageHandler, sent: Sent, context: InstanceType<typeof Context>): Promise<void> {
    if (handler.isEventHandler !== true) throw new Error('it is an event, and the handler is one of requests');
    // Those that are chained behind the first are called by Nest's own wrapper.
    const handled = (): Observable<unknown> => valuesOf(handler(sent.data, context));
    await this.processed(context, () => lastValueFrom(handled(), { defaultValue: undefined }));
  }

  /** @internal */
  protected async answer(handler: MessageHandler, sent: Sent, context: InstanceType<typeof Context>): Promise<void> {
    const { id, replyTo } = sent;
    if (typeof replyTo !== 'string') throw new Error('it is a request, and says no channel for its answer');
    const { redis } = this;
    let last: PromiseLike<unknown> = Promise.resolve();
    const respond = (packet: object): void => {
      last = redis.publish(replyTo, JSON.stringify(this.serializer.serialize({ ...packet, id } as never)));
      // Sent now, in order; a later one fails as well where this does.
      void last.then(undefined, () => undefined);
    };
    await this.processed(
      context,
      () =>
        new Promise<void>((resolve) => {
          valuesOf(handler(sent.data, context)).subscribe({
            next: (response) => respond({ response }),
            error: (error: unknown) => resolve(respond({ err: travelling(error), isDisposed: true })),
            complete: () => resolve(respond({ isDisposed: true })),
          });
        }),
    );
    await last;
  }

  /** With the hooks that Nest's instrumentation has set. */
  private async processed(context: InstanceType<typeof Context>, work: () => Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        try {
          await work();
          resolve();
        } catch (error) {
          reject(
            error instanceof Error ? error : new Error(messageOf((error as { message?: unknown })?.message ?? error)),
          );
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      });
    });
  }
}

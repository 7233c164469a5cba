import type { Redis } from '../index';
import { RequestingClient, type RequestingOptions } from './requesting.client';

/** How a client of the transport over channels sends, beside the options of its Redis client. */
export type RedisPubSubClientOptions = RequestingOptions;

/**
 * The client of {@link RedisPubSubServer}. It listens to a channel of its own for what it is answered. Every request ends: it errors when
 * no server listens, when no answer comes within `timeout` ms, and when the connection was lost meanwhile, because the answer may have been missed.
 *
 * @example
 * ClientsModule.register([
 *   { name: 'BILLING', customClass: RedisPubSubClient, options: { url: 'redis://localhost:6379' } },
 * ]);
 */
export class RedisPubSubClient extends RequestingClient {
  /** @throws TypeError when an option is wrong, or `@nestjs/microservices` is not installed */
  constructor(options: RedisPubSubClientOptions = {}) {
    super('RedisPubSubClient', options);
  }

  /** @internal */
  protected async deliver(redis: Redis, route: string, text: string, isRequest: boolean): Promise<void> {
    const heard = await redis.publish(route, text);
    if (isRequest && heard === 0) throw new Error(`No server listens to ${route}`);
  }
}

import type { Redis } from '../index';
import { text } from './checks';
import { RequestingClient, type RequestingOptions } from './requesting.client';
import { PREFIX, streamOf } from './streams.server';

/** How a client of the transport over streams sends, beside the options of its Redis client. */
export interface RedisStreamsClientOptions extends RequestingOptions {
  /** stands before the patterns in the names of the streams, as for the server; default `nest:` */
  readonly streamPrefix?: string | undefined;
  /** about how many entries a stream keeps: older ones are dropped when there are more, handled or not. Without it all are kept */
  readonly maxLength?: number | undefined;
}

const WHERE = 'RedisStreamsClient';

/**
 * The client of {@link RedisStreamsServer}: a message is an entry of the stream of its pattern, and stays there until a group has handled it. Answers
 * come on a channel of its own. A request errors when no answer comes within `timeout` ms, and when the connection was lost meanwhile; it may be
 * handled all the same.
 *
 * @example
 * ClientsModule.register([
 *   { name: 'BILLING', customClass: RedisStreamsClient, options: { url: 'redis://localhost:6379', maxLength: 100_000 } },
 * ]);
 */
export class RedisStreamsClient extends RequestingClient {
  private readonly prefix: string;
  private readonly maxLength: number | undefined;

  /** @throws TypeError when an option is wrong, or `@nestjs/microservices` is not installed */
  constructor(options: RedisStreamsClientOptions = {}) {
    super(WHERE, options, ['streamPrefix', 'maxLength']);
    const { streamPrefix = PREFIX, maxLength } = options;
    text(WHERE, 'streamPrefix', streamPrefix);
    if (maxLength !== undefined && (!Number.isSafeInteger(maxLength) || maxLength < 1))
      throw new TypeError(`${WHERE}: the option 'maxLength' is a whole number from 1 on`);
    this.prefix = streamPrefix;
    this.maxLength = maxLength;
  }

  /** @internal */
  protected async deliver(redis: Redis, route: string, packet: string): Promise<void> {
    const options = this.maxLength === undefined ? {} : { TRIM: { MAXLEN: this.maxLength } };
    await redis.xadd(streamOf(this.prefix, route), '*', { packet }, options);
  }
}

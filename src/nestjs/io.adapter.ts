import type { IncomingMessage } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import type { IoAdapter } from '@nestjs/platform-socket.io';
import { Redis } from '../index';
import { duration, onlyKnown, text } from './checks';
import { ioClusterMaker } from './io-cluster';
import { classOf } from './optional-peer';
import { getRedisToken } from './tokens';

/** How the gateways of several processes reach each other. Durations are milliseconds. */
export interface RedisIoAdapterOptions {
  /** of the client, as `RedisModule.forRoot` was given it; the one without a name unless told otherwise */
  readonly name?: string | undefined;
  /** a client that `RedisModule` has not made, in place of a name */
  readonly redis?: Redis | undefined;
  /** stands before the channels; default `socket.io`. Applications that share a server need different ones */
  readonly prefix?: string | undefined;
  /** how often a process makes itself known to the others; default 5 000 */
  readonly heartbeatInterval?: number | undefined;
  /** after so long without a word a process is not waited for any more; default 10 000 */
  readonly heartbeatTimeout?: number | undefined;
}

type Answer = (error: string | null | undefined, isAllowed: boolean) => void;
type AllowRequest = (request: IncomingMessage, answer: Answer) => void;

const BaseAdapter = classOf<typeof IoAdapter>('@nestjs/platform-socket.io', 'IoAdapter', 'RedisIoAdapter');

/**
 * The adapter of `@nestjs/platform-socket.io`, with which gateways of several processes reach each other: what one emits to a room arrives at
 * its sockets in all of them, and `fetchSockets`, `serverSideEmit`, `socketsJoin` and their like reach all.
 *
 * A socket is let in once the server has confirmed the process's subscriptions, so it misses nothing that is emitted afterwards. When the
 * connection is lost for a while, Nest's Logger is told since when messages of other processes may be missed.
 *
 * @example
 * const app = await NestFactory.create(AppModule); // imports RedisModule.forRoot({ url })
 * app.useWebSocketAdapter(new RedisIoAdapter(app));
 * await app.listen(3000);
 */
export class RedisIoAdapter extends BaseAdapter {
  private readonly context: INestApplicationContext;
  private readonly options: RedisIoAdapterOptions;
  /** Of each namespace, whether others can reach it. */
  private readonly joined = new Set<Promise<void>>();

  /**
   * @param app the application, whose client is used
   * @throws TypeError when an option is wrong, or `@nestjs/platform-socket.io` is not installed
   */
  constructor(app: INestApplicationContext, options: RedisIoAdapterOptions = {}) {
    super(app);
    onlyKnown('RedisIoAdapter', options, ['name', 'redis', 'prefix', 'heartbeatInterval', 'heartbeatTimeout']);
    if (options.prefix !== undefined) text('RedisIoAdapter', 'prefix', options.prefix);
    for (const option of ['heartbeatInterval', 'heartbeatTimeout'] as const) {
      if (options[option] !== undefined) duration('RedisIoAdapter', option, options[option]);
    }
    this.context = app;
    this.options = options;
  }

  // The types of socket.io are not ours to pass on.
  override createIOServer(
    port: number,
    options: Record<string, unknown> = {},
  ): ReturnType<IoAdapter['createIOServer']> {
    const { prefix = 'socket.io', heartbeatInterval, heartbeatTimeout } = this.options;
    const adapter = ioClusterMaker({
      redis: this.client(),
      prefix,
      heartbeats: {
        ...(heartbeatInterval === undefined ? {} : { heartbeatInterval }),
        ...(heartbeatTimeout === undefined ? {} : { heartbeatTimeout }),
      },
      joining: (joined) => this.follow(joined),
    });
    const allowRequest = this.afterJoining(options['allowRequest'] as AllowRequest | undefined);
    return super.createIOServer(port, { ...options, adapter, allowRequest });
  }

  private client(): Redis {
    const { name, redis } = this.options;
    const client: unknown = redis ?? this.context.get(getRedisToken(name), { strict: false });
    if (client instanceof Redis) return client;
    throw new TypeError(
      'RedisIoAdapter: a client of the class Redis was expected: a pool has no subscriptions; beside a cluster, give it one of a single server as the option redis',
    );
  }

  private follow(joined: Promise<void>): void {
    this.joined.add(joined);
    // What has failed is logged where it fails; sockets are told.
    joined.then(
      () => this.joined.delete(joined),
      () => undefined,
    );
  }

  private afterJoining(allow: AllowRequest | undefined): AllowRequest {
    return (request, answer) => {
      const decide = (): void => (allow === undefined ? answer(null, true) : allow(request, answer));
      if (this.joined.size === 0) decide();
      else Promise.all(this.joined).then(decide, () => answer('no other process can be reached', false));
    };
  }
}

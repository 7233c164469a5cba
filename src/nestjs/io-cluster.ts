import { Logger } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import type * as SocketIoAdapter from 'socket.io-adapter';
import type { ClusterAdapterWithHeartbeat, ClusterMessage, ClusterResponse } from 'socket.io-adapter';
import type { Redis } from '../index';
import { broughtBy } from './optional-peer';
import { fromWithBytes, withBytes } from './text-with-bytes';

/** What the adapters of a server have in common. */
export interface IoClusterParts {
  readonly redis: Redis;
  /** stands before the channels */
  readonly prefix: string;
  readonly heartbeats: { readonly heartbeatInterval?: number; readonly heartbeatTimeout?: number };
  /** told of each namespace when others can reach it */
  readonly joining: (joined: Promise<void>) => void;
}

/** What socket.io makes for each namespace. */
export type IoAdapterMaker = (namespace: never) => ClusterAdapterWithHeartbeat;

/**
 * Makes adapters of socket.io that reach each other by channels: one that all listen to, and one for each, for what it is answered. What is
 * to be said, and to which, is the business of socket.io-adapter.
 * @throws TypeError where socket.io cannot be loaded
 */
export function ioClusterMaker(parts: IoClusterParts): IoAdapterMaker {
  const path = ['@nestjs/platform-socket.io', 'socket.io', 'socket.io-adapter'];
  const { ClusterAdapterWithHeartbeat: Base } = broughtBy(path, 'RedisIoAdapter') as typeof SocketIoAdapter;
  const logger = new Logger('RedisIoAdapter');

  class RedisClusterAdapter extends Base {
    private readonly all: string;
    private readonly own: string;
    private listening: Subscription | undefined;
    /** Sockets that wait to be let in are turned away: an HTTP server does not end before their requests. */
    private leave = (): void => undefined;

    constructor(namespace: { readonly name: string }) {
      super(namespace, parts.heartbeats);
      this.all = `${parts.prefix}#${namespace.name}#`;
      this.own = this.answersOf(this.uid);
    }

    /** The others are asked to make themselves known once their answers can come. */
    override init(): void {
      parts.joining(
        new Promise((resolve, reject) => {
          const confirmed = new Set<string>();
          const channels = [this.all, this.own];
          this.leave = () => reject(new Error('The adapter is closed'));
          this.listening = parts.redis.subscribe(channels, { literal: true, gaps: true }).subscribe({
            next: (item) => {
              if ('data' in item) this.take(item.channel, item.data);
              else if (item.type === 'gap')
                logger.warn(
                  `What others have sent since ${item.from.toISOString()} may be missed: ${item.reason.message}`,
                );
              else if (confirmed.add(item.channel!).size === channels.length) {
                confirmed.clear();
                super.init();
                resolve();
              }
            },
            error: (error: Error) => {
              logger.error(`No other process can be reached any more: ${error.message}`);
              reject(error);
            },
            complete: () => reject(new Error('The client is closed')),
          });
        }),
      );
    }

    override close(): void {
      super.close();
      this.leave();
      this.listening?.unsubscribe();
    }

    override async doPublish(message: ClusterMessage): Promise<string> {
      await this.send(this.all, message);
      // Channels keep nothing, so there is no offset to begin at again.
      return '';
    }

    override async doPublishResponse(requester: string, response: ClusterResponse): Promise<void> {
      await this.send(this.answersOf(requester), response);
    }

    private answersOf(uid: string): string {
      return `${this.all}${uid}#`;
    }

    private async send(channel: string, message: ClusterMessage | ClusterResponse): Promise<void> {
      try {
        await parts.redis.publish(channel, withBytes(message));
      } catch (error) {
        // socket.io says nothing of it.
        logger.warn(`Other processes were not reached: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      }
    }

    private take(channel: string, data: string): void {
      try {
        const message = fromWithBytes(data);
        if (channel === this.all) this.onMessage(message as ClusterMessage);
        else this.onResponse(message as ClusterResponse);
      } catch (error) {
        logger.warn(
          `A message on ${channel} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }
  // socket.io calls it with `new`.
  return function (namespace: { readonly name: string }) {
    return new RedisClusterAdapter(namespace);
  };
}

import { randomUUID } from 'node:crypto';
import type { ClientProxy, RedisContext, Server } from '@nestjs/microservices';
import { NEVER, Observable, asyncScheduler, firstValueFrom, isObservable, map, merge, take, timer } from 'rxjs';
import { Redis, type RedisOptions } from '../index';
import { duration } from './checks';
import { classOf } from './optional-peer';

const PEER = '@nestjs/microservices';
export const BaseServer = classOf<typeof Server>(PEER, 'Server', 'The server of a transport');
export const BaseClient = classOf<typeof ClientProxy>(PEER, 'ClientProxy', 'The client of a transport');
export const Context = classOf<typeof RedisContext>(PEER, 'RedisContext', 'The server of a transport');

/** What a transport is doing; `connected` says that nothing is missed any more. */
export type RedisTransportStatus = 'connecting' | 'connected' | 'reconnecting' | 'disconnected';

/** What servers and clients of a transport can be told beside the options of their Redis client. Durations are milliseconds. */
export interface RedisTransportOptions extends RedisOptions {
  /** a client that is there already, in place of options for a new one; it is not closed with the transport */
  readonly redis?: Redis | undefined;
  /** how long what is running may take when the transport is closed; default 10 000 */
  readonly drainTimeout?: number | undefined;
}

/** What travels to a server. */
export interface Sent {
  readonly pattern: unknown;
  readonly data: unknown;
  /** of a request */
  readonly id?: string;
  /** the channel for what a request is answered */
  readonly replyTo?: string;
  /** the same however many instances get it */
  readonly key?: string;
}

/** ms */
export const DRAIN_TIMEOUT = 10_000;

/** A client, and how it ends. */
export interface Lent {
  readonly redis: Redis;
  readonly drainTimeout: number;
  /** closes it, where the transport has made it */
  readonly close: () => Promise<void>;
}

/**
 * @param own the options of the transport itself
 * @throws TypeError that names the transport and the option
 */
export function lentClient(where: string, options: RedisTransportOptions, own: readonly string[]): Lent {
  const others = Object.fromEntries(Object.entries(options).filter(([name]) => !own.includes(name)));
  const { redis, drainTimeout = DRAIN_TIMEOUT, ...ofClient } = others as RedisTransportOptions;
  duration(where, 'drainTimeout', drainTimeout);
  if (redis !== undefined) {
    const beside = Object.keys(ofClient)[0];
    if (beside !== undefined)
      throw new TypeError(`${where}: the option '${beside}' is not for a client that is there already`);
    if (!(redis instanceof Redis)) throw new TypeError(`${where}: the option 'redis' is a client of the class Redis`);
    return { redis, drainTimeout, close: () => Promise.resolve() };
  }
  const made = new Redis(ofClient);
  return { redis: made, drainTimeout, close: async () => void (await made.close()) };
}

/** What is running, so that an end can wait for it. */
export class Running {
  private readonly all = new Set<Promise<unknown>>();

  add(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.all.delete(settled));
    this.all.add(settled);
  }

  get count(): number {
    return this.all.size;
  }

  /** Resolves when nothing runs any more, or the time is over: then to false. */
  async settled(limit: number): Promise<boolean> {
    const done$ = new Observable<boolean>((subscriber) => {
      const look = async (): Promise<void> => {
        while (this.all.size > 0) await Promise.all(this.all);
        subscriber.next(true);
      };
      void look();
    });
    const late$ = limit === Infinity ? NEVER : timer(limit, asyncScheduler).pipe(map(() => false));
    return firstValueFrom(merge(done$, late$).pipe(take(1)));
  }
}

/** All that a handler gives: a value, a Promise or an Observable of several, or a Promise of that. */
export function valuesOf(handled: unknown): Observable<unknown> {
  return new Observable((subscriber) => {
    void Promise.resolve(handled).then(
      (value: unknown) => {
        if (isObservable(value)) subscriber.add(value.subscribe(subscriber));
        else {
          subscriber.next(value);
          subscriber.complete();
        }
      },
      (error: unknown) => subscriber.error(error),
    );
  });
}

/** An error as it travels: Nest's filters have made objects of most. */
export function travelling(error: unknown): unknown {
  return error instanceof Error
    ? { status: 'error', message: error.message }
    : (error ?? { status: 'error', message: 'Unknown error' });
}

/** A channel that one client alone listens to. */
export function replyChannel(): string {
  return `nest:reply:${randomUUID()}`;
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

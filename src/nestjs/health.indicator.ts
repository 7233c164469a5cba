import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  asyncScheduler,
  firstValueFrom,
  fromEvent,
  map,
  merge,
  mergeMap,
  take,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import { RedisPool } from '../index';
import { duration } from './checks';
import type { RedisClient } from './module-options';
import { DEFAULT_NAME, getRedisToken } from './tokens';
import { messageOf } from './transport';

/** How a client is asked whether its server answers. */
export interface RedisHealthOptions {
  /** of the client, as `forRoot` was given it; the one without a name unless told otherwise */
  readonly name?: string | undefined;
  /** a client that `RedisModule` has not made, in place of a name */
  readonly client?: RedisClient | undefined;
  /** how long the answer may take, ms; default 1 000 */
  readonly timeout?: number | undefined;
  /** ends the wait, as terminus 12 does by the one that `attempt` gives */
  readonly signal?: AbortSignal | undefined;
}

/** What terminus takes for the state of a dependency. */
export type RedisHealth<K extends string> = Record<K, { status: 'up' } | { status: 'down'; message: string }>;

const TIMEOUT = 1_000;

/**
 * Tells `@nestjs/terminus` whether a server answers. Modules that have `RedisModule.forRoot` can inject it.
 *
 * @example
 * class HealthController {
 *   constructor(private readonly health: HealthCheckService, private readonly indicator: RedisHealthIndicator) {}
 *
 *   check() {
 *     return this.health.check([() => this.indicator.pingCheck('redis', { timeout: 500 })]);
 *   }
 * }
 */
export class RedisHealthIndicator {
  constructor(private readonly modules: ModuleRef) {}

  /**
   * Sends PING. What is wrong is part of the result, and no error.
   * @param key the name of the dependency in the result
   * @throws TypeError when an option is wrong, or there is no client of that name
   */
  async pingCheck<const K extends string>(key: K, options: RedisHealthOptions = {}): Promise<RedisHealth<K>> {
    const ask = this.asking(options);
    const state = await ask().then(
      () => ({ status: 'up' as const }),
      (error: unknown) => ({ status: 'down' as const, message: messageOf(error) }),
    );
    return { [key]: state } as RedisHealth<K>;
  }

  /**
   * Sends PING, and rejects when there is no answer: for `attempt` of terminus 12.
   * @throws Error that says what is wrong; TypeError when an option is wrong, or there is no client of that name
   * @example
   * health.check('redis').attempt(({ signal }) => indicator.ping({ signal }));
   */
  async ping(options: RedisHealthOptions = {}): Promise<void> {
    await this.asking(options)();
  }

  private asking({ name = DEFAULT_NAME, client, timeout = TIMEOUT, signal }: RedisHealthOptions): () => Promise<void> {
    duration('RedisHealthIndicator', 'timeout', timeout);
    const asked = client ?? this.clientOf(name);
    return () => firstValueFrom(answered(asked, timeout, signal));
  }

  private clientOf(name: string): RedisClient {
    try {
      return this.modules.get<RedisClient>(getRedisToken(name), { strict: false });
    } catch (cause) {
      throw new TypeError(`RedisHealthIndicator: there is no client '${name}'; RedisModule.forRoot makes it`, {
        cause,
      });
    }
  }
}
Injectable()(RedisHealthIndicator);
Inject(ModuleRef)(RedisHealthIndicator, undefined, 0);

/** Emits when the client has answered; errors when it has not in time, or the signal is aborted. PING is given up then. */
function answered(client: RedisClient, timeout: number, signal: AbortSignal | undefined): Observable<void> {
  const tooLate$ = timer(timeout, asyncScheduler).pipe(
    mergeMap(() => throwError(() => new Error(`No answer within ${timeout} ms${wrongWith(client)}`))),
  );
  const answer$ = client.ping().pipe(map(() => undefined));
  if (signal === undefined) return merge(answer$, tooLate$).pipe(take(1));
  const abortion = (): Error =>
    new Error(`Aborted before there was an answer${wrongWith(client)}`, { cause: signal.reason });
  if (signal.aborted) return throwError(abortion);
  const aborted$ = fromEvent(signal, 'abort').pipe(mergeMap(() => throwError(abortion)));
  return merge(answer$, tooLate$, aborted$).pipe(take(1));
}

/** What the connection is about while there is no answer. While it is being made, the last failure says why that goes on. */
function wrongWith(client: RedisClient): string {
  if (client instanceof RedisPool) return '';
  const { state, lastError } = client.inspect();
  if (state === 'ready') return '';
  return `, the connection is ${state}${lastError === undefined ? '' : `: ${lastError.message}`}`;
}

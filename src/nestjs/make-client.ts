import { Redis, RedisPool, type RedisOptions } from '../index';
import { duration } from './checks';
import type { RedisClient, RedisFactoryOptions } from './module-options';

/** What is to become of a client. */
export interface ClientPlan {
  readonly client: RedisClient;
  readonly connect: boolean;
  /** ms */
  readonly closeTimeout: number;
}

const CLOSE_TIMEOUT = 5_000;
const ABSENT = { cluster: 'of a cluster' } as const;

/**
 * Makes a client; it opens nothing.
 * @param given what `forRoot` or a factory of `forRootAsync` gives
 * @throws TypeError that names the client and the option; the message holds no secret
 */
export function makeClient(name: string, given: unknown): ClientPlan {
  const where = `RedisModule, client '${name}'`;
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${where}: options were expected, got ${given === null ? 'null' : typeof given}`);
  }
  for (const [option, what] of Object.entries(ABSENT)) {
    if ((given as Record<string, unknown>)[option] !== undefined) {
      throw new TypeError(`${where}: there is no option '${option}' yet, because there are no clients ${what}`);
    }
  }
  const { connect = false, closeTimeout = CLOSE_TIMEOUT, pool, ...others } = given as RedisFactoryOptions;
  if (typeof connect !== 'boolean') throw new TypeError(`${where}: the option 'connect' is a boolean`);
  if (closeTimeout !== Infinity) duration(where, 'closeTimeout', closeTimeout);
  const beside = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (pool !== undefined && beside !== undefined) {
    throw new TypeError(`${where}: the option '${beside}' belongs into 'pool', whose connections are made with it`);
  }
  try {
    return {
      client: pool === undefined ? new Redis(others as RedisOptions) : new RedisPool(pool),
      connect,
      closeTimeout,
    };
  } catch (error) {
    // The message of the client names the option alone: an application may have several clients.
    throw new TypeError(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

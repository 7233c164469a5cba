import { Redis, RedisCluster, RedisPool } from '../index';
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
  const { connect = false, closeTimeout = CLOSE_TIMEOUT, pool, cluster, ...others } = given as RedisFactoryOptions;
  if (typeof connect !== 'boolean') throw new TypeError(`${where}: the option 'connect' is a boolean`);
  if (closeTimeout !== Infinity) duration(where, 'closeTimeout', closeTimeout);
  const kind = pool === undefined ? 'cluster' : 'pool';
  const within = pool ?? cluster;
  const beside = Object.entries(pool === undefined ? others : { ...others, cluster }).find(
    ([, value]) => value !== undefined,
  )?.[0];
  if (within !== undefined && beside !== undefined) {
    throw new TypeError(`${where}: the option '${beside}' belongs into '${kind}', whose connections are made with it`);
  }
  const made = (): RedisClient => {
    if (pool !== undefined) return new RedisPool(pool);
    return cluster === undefined ? new Redis(others) : new RedisCluster(cluster);
  };
  try {
    return { client: made(), connect, closeTimeout };
  } catch (error) {
    // The message of the client names the option alone: an application may have several clients.
    throw new TypeError(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

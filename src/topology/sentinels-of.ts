import type { Clock } from '../connection/clock';
import { Connection } from '../connection/connection';
import type { ConnectionParts } from '../connection/connection-parts';
import type { RedisError } from '../errors';
import type { ResolvedOptions } from '../options';
import { Sentinels } from './sentinels';

/** What the sentinels of a client are made with. */
export interface SentinelsOfClient {
  readonly clock: Clock;
  /** what a connection to a sentinel is made with */
  readonly parts: () => ConnectionParts;
  /** told what is wrong with sentinels while others answer */
  readonly tell: (error: RedisError) => void;
}

/** The sentinels that the options of a client name, if they do. Nothing is opened before a connection asks where it is to lead. */
export function sentinelsOf(
  options: ResolvedOptions,
  { clock, parts, tell }: SentinelsOfClient,
): Sentinels | undefined {
  const { sentinel } = options;
  if (sentinel === undefined) return undefined;
  // A sentinel knows no SELECT and no CLIENT SETINFO, and has a password of its own.
  const plain: ResolvedOptions = {
    ...options,
    sentinel: undefined,
    database: 0,
    clientName: undefined,
    libraryName: undefined,
    protocol: 'auto',
    onConnect: () => [],
    reconnect: false,
  };
  return new Sentinels({
    clock,
    options,
    sentinel,
    connect: (others) => new Connection({ ...plain, ...others }, parts()),
    tell,
  });
}

import type { Executor } from '../commands/request-context';
import { SystemClock, type Clock } from './clock';
import type { Connection } from './connection';
import type { ConnectionParts } from './connection-parts';

/** What a connection is for. */
export type Role = 'commands' | 'messages' | 'lease' | 'sentinel';

/** Replaces the clock and the sockets of a client in the simulation, and is told of its connections. */
export interface Stage {
  /** what a connection is made with */
  partsFor(role: Role): ConnectionParts;
  /** told of every connection once it is made */
  made(connection: Connection, role: Role): void;
  /** wraps what sends on the shared connection, closest to it */
  around?(executor: Executor): Executor;
  /** told of what keeps the client's subscriptions */
  subscribesBy(subscriptions: Holdings): void;
  /** told of what keeps values true on the shared connection */
  keepsBy?(freshness: Holdings): void;
  /** told of what lends connections, once one is wanted */
  lendsBy?(lending: Lending): void;
  /** told of what knows the nodes of a cluster */
  knowsBy?(nodes: Viewed): void;
}

/** What a part of a client keeps, by name. */
export interface Holdings {
  readonly holdings: ReadonlyMap<string, number>;
}

/** How many connections are lent, how many callers wait for one, and how many there are. */
export interface Lending {
  readonly stats: { readonly active: number; readonly waiting: number; readonly total: number };
}

/** The epoch of the view that a client of a cluster goes by; undefined before the first. */
export interface Viewed {
  readonly epoch: number | undefined;
}

/** The key of the options under which a client finds its stage; no option of users. */
export const stage: unique symbol = Symbol('rxjs-redis.stage');

const noStage: Stage = { partsFor: () => ({}), made: () => undefined, subscribesBy: () => undefined };

/** The stage that options name, or one that replaces nothing. */
export function stageOf(options: object): Stage {
  return (options as { readonly [stage]?: Stage })[stage] ?? noStage;
}

/** The clock of one client. */
export function clockOf(own: Stage): Clock {
  return own.partsFor('lease').clock ?? new SystemClock();
}

import type { Request } from '../commands/request';
import { deliveryOf, factsOf, failSafely, timedOut } from '../connection/failures';
import { Sweep } from '../connection/sweep';
import { timeFor } from '../connection/time-for';
import { DisconnectedError, TimeoutError, type RedisError } from '../errors';
import type { LeasePool } from './lease-pool';
import type { Mover } from './mover';
import type { SpreadParts } from './spread';

/** Deadlines closer together than this are dealt with at once, ms. */
const GRAIN = 5;
/** After looking at so many commands the next look is a millisecond later. */
const LOOKED_AT_PER_MS = 2_000;

/** What is told when commands wait no more. */
export interface WaitingObserver {
  /** some have left, and are told next */
  left(): void;
  /** they have been told */
  told(): void;
}

/**
 * The commands that wait for a connection of a pool. Each waits until one is lent, or its observer leaves, or its time is up.
 */
//  add ──▶ waits ──▶ forget: a connection is lent
//            └─────▶ its observer has left, its time is up
export class WaitingCommands {
  private readonly movers = new Set<Mover>();
  private readonly sweep: Sweep;

  constructor(
    private readonly parts: Pick<SpreadParts, 'clock' | 'pool' | 'blockingGrace'>,
    private readonly observer: WaitingObserver,
  ) {
    this.sweep = new Sweep(
      parts.clock,
      (now) => this.expire(now),
      () => 0,
    );
  }

  get size(): number {
    return this.movers.size;
  }

  has(mover: Mover): boolean {
    return this.movers.has(mover);
  }

  /** The commands in their order. */
  [Symbol.iterator](): Iterator<Mover> {
    return this.movers[Symbol.iterator]();
  }

  add(mover: Mover): void {
    this.movers.add(mover);
  }

  /** From now on it is noticed when the observer of a command leaves, or its time is up. */
  watch(mover: Mover): void {
    const { request } = mover;
    request.onLeave({ unsubscribe: () => this.leave(mover) });
    this.sweep.watch(mover.lateAt);
    if (request.deadline === 0) {
      const limit = timeFor(request, this.parts.blockingGrace);
      if (limit !== Infinity) request.deadline = Math.ceil(this.parts.clock.now() + limit);
    }
    if (request.deadline !== 0) this.sweep.watch(request.deadline);
  }

  private leave(mover: Mover): void {
    if (!this.forget(mover)) return;
    this.observer.left();
    this.stopIfEmpty();
    this.observer.told();
  }

  /** @returns whether it has waited */
  forget(mover: Mover): boolean {
    return this.movers.delete(mover);
  }

  /** Takes out those that wait no longer than until then for a connection, on the clock, ms. */
  takeLate(now: number): Mover[] {
    const late = [...this].filter(({ lateAt }) => lateAt <= now);
    for (const mover of late) this.forget(mover);
    return late;
  }

  /** A timer that is left behind would keep the process alive. */
  stopIfEmpty(): void {
    if (this.size === 0 && this.sweep.isWatching) this.sweep.stop();
  }

  /** Fails what has waited for its whole time, and returns when to look again. */
  private expire(now: number): number {
    let next = Infinity;
    const looked = this.movers.size;
    const due: Mover[] = [];
    for (const mover of this.movers) {
      const end = Math.min(deadlineOf(mover), mover.lateAt);
      if (end > now) next = Math.min(next, end);
      else {
        this.forget(mover);
        due.push(mover);
      }
    }
    this.observer.left();
    for (const mover of due) {
      const { request } = mover;
      const error =
        deadlineOf(mover) <= now
          ? noneFreeInTime(request, 'it waited for a connection of the pool', this.parts.pool())
          : withoutLease(request, this.parts.pool().late());
      failSafely(request, error);
    }
    this.observer.told();
    return Math.max(next, now + GRAIN + looked / LOOKED_AT_PER_MS);
  }
}

/** When the time of a command is up, on the clock, ms; Infinity where it has no limit. */
function deadlineOf({ request: { deadline } }: Mover): number {
  return deadline === 0 ? Infinity : deadline;
}

/**
 * The error of a command whose own time was up before a connection was lent.
 * @param waitedFor what it has waited for, for people
 */
export function noneFreeInTime(request: Request, waitedFor: string, pool: LeasePool): RedisError {
  const { why, cause } = pool.noneFree(request.context.commandTimeout);
  const error = timedOut(request, deliveryOf(request), { doing: `${waitedFor}, and ${why}` });
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** The error of a command for which no connection was lent. */
export function withoutLease(request: Request, error: RedisError): RedisError {
  const facts = factsOf(request, undefined, error);
  const message = `${facts.command} was not sent: ${error.message}`;
  return error instanceof DisconnectedError
    ? new DisconnectedError(message, { ...facts, repeatable: false })
    : new TimeoutError(message, facts);
}

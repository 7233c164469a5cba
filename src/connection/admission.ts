import type { Request } from '../commands/request';
import type { DisconnectedError, RedisError } from '../errors';
import type { Dialer } from './dialer';
import type { LastError } from './last-error';
import type { Line } from './line';
import { hopeless, noRoom } from './refusals';
import { Renewal } from './renewal';

/** Decides which requests may wait while there is no link. */
//  before the first attempt: all ──it fails──▶ as many as `offlineQueue`, or none where another attempt would fail as well
//                             ▲                        │
//                             └──left on purpose── the next link
export class Admission {
  /** Any number of requests may wait: no attempt at the next link has failed yet. */
  admitsAll = true;
  /** How many requests waited when the last link was left on purpose. They stay, as after any loss. */
  private queuedAtLoss = 0;

  constructor(
    private readonly line: Line,
    private readonly offlineQueue: number,
    private readonly dialer: Dialer,
    private readonly lastError: LastError,
  ) {}

  /** The error of a request that may not wait. */
  refusal(request: Request): RedisError | undefined {
    const { error, isHopeless } = this.lastError;
    // While another attempt is under way that one decides.
    if (error !== undefined && isHopeless && !this.dialer.isUnderWay) return hopeless(request, error);
    return this.line.hasRoomFor(request, this.offlineQueue) ? undefined : this.overflow(request, error);
  }

  private overflow(request: Request, cause: RedisError | undefined): DisconnectedError {
    return noRoom(request, this.offlineQueue, this.dialer.address, cause);
  }

  /** A link is ready. */
  linked(): void {
    this.admitsAll = false;
  }

  /** The link was lost, or an attempt has failed. */
  lost(error: RedisError): void {
    const { line, admitsAll } = this;
    this.admitsAll = error instanceof Renewal;
    // Until now any number could wait, so that no burst at start-up is refused, and no call while a link is left on purpose.
    if (admitsAll && !this.admitsAll) {
      const most = this.offlineQueue + this.queuedAtLoss;
      line.failBeyond(most, (request) => this.overflow(request, error));
    }
    this.queuedAtLoss = this.admitsAll ? line.queued : 0;
  }

  /** Fails all requests that wait where another attempt would fail in the same way. */
  failHopeless(): void {
    const { error, isHopeless } = this.lastError;
    if (isHopeless) this.line.failQueued((request) => hopeless(request, error!));
  }
}

import type { Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import { TimeoutError } from '../errors';
import type { Clock } from './clock';
import type { Supply } from './outgoing';
import type { Ring } from './ring';

/** Durations are milliseconds. */
export interface SolitudeOptions {
  /** how long signing in may take on a link that is in use */
  readonly connectTimeout: number;
  readonly clock: Clock;
}

/**
 * Keeps others away from a request. One that signs in is written when nothing is owed, and alone. Behind the first call of a script
 * nothing is written until it is answered, because it has to be sent once more where the server lacks the script.
 */
//  signs in, and replies are owed ──▶ postponed ──nothing is owed──▶ alone ──answered──▶ others
//  first call of a script ─────────────────────────────────────────────▲
export class Solitude {
  /** Signing in is solitary. In the handshake it comes first anyway. */
  private isRequired = false;
  /** A request that waits until nothing is owed. */
  postponed: Request | undefined;
  /** Nothing else is written until this request is answered. */
  private alone: Request | undefined;
  /** The solitary request whose observer may leave while it waits. */
  private watched: Request | undefined;
  private patience: Subscription | undefined;

  constructor(
    private readonly owed: Ring<Request>,
    private readonly options: SolitudeOptions,
    private readonly supply: Pick<Supply, 'scheduleFlush' | 'broken'>,
  ) {}

  /** Nothing else is written for now. */
  get isKept(): boolean {
    return this.alone !== undefined;
  }

  /** Nothing more is written in this write. */
  get holdsBack(): boolean {
    return this.alone !== undefined || this.postponed !== undefined;
  }

  /** From now on requests that sign in are solitary. */
  require(): void {
    this.isRequired = true;
  }

  /** A request that signs in is to be written. It has its time from now on, also behind the rest of a group. */
  expect(request: Request): void {
    if (this.isRequired) this.startPatience(request);
  }

  /** Whether a solitary request has to wait for owed replies, or for so many commands that are in the same write. */
  mustWait(request: Request, count: number): boolean {
    if (!this.isRequired || (this.owed.length === 0 && count === 0)) return false;
    this.postponed = request;
    if (this.watched !== request) {
      this.watched = request;
      request.onLeave({ unsubscribe: () => this.postponed === request && this.dropPostponed() });
    }
    this.startPatience(request);
    return true;
  }

  /** The request that was postponed is written now, or is gone. */
  take(): Request | undefined {
    const { postponed } = this;
    this.postponed = undefined;
    return postponed;
  }

  /** The solitary request is not waited for any more: its observer has left, or its time is up. */
  dropPostponed(): void {
    this.postponed = undefined;
    this.stop();
    this.supply.scheduleFlush();
  }

  /** A solitary request is written. */
  signsIn(request: Request): void {
    if (!this.isRequired) return;
    this.alone = request;
    this.startPatience(request);
  }

  /** Nothing is written behind a request until it is answered. */
  keep(request: Request): void {
    this.alone = request;
  }

  /** A request that is not plain has been answered. Returns whether others waited for that. */
  answered(request: Request): boolean {
    if (request !== this.alone) return false;
    this.alone = undefined;
    this.stop();
    return true;
  }

  stop(): void {
    this.patience?.unsubscribe();
    this.patience = undefined;
    this.watched = undefined;
  }

  /** Leaves a server that owes replies for too long, or does not answer AUTH: the next link signs in. */
  private startPatience({ command }: Request): void {
    const { clock, connectTimeout } = this.options;
    this.patience ??= clock.schedule(() => {
      const { name } = command.spec;
      this.supply.broken(new TimeoutError(`${name} could not be sent alone and answered within ${connectTimeout} ms`));
    }, connectTimeout);
  }
}

import { Subscription } from 'rxjs';
import type { Request } from '../commands/request';
import type { Connection } from '../connection/connection';

/** How long a message that is published waits at most for subscriptions that were made before it, ms … */
const LONGEST = 1_000;
/** … and which part of its time, so that it does not fail for their sake, nor when the client is closed meanwhile. */
const PART = 1 / 4;

/** Looking through fewer messages is not worth it. */
const FEW = 64;

/** What holds them, and sends them. */
export interface Holding extends Pick<Connection, 'clock' | 'submitHeld'> {
  readonly line: Pick<Connection['line'], 'release'>;
}

/** Messages to be published that wait for subscriptions which were made before them. They are sent in the order of the calls. */
export class HeldMessages {
  private held: Request[] = [];
  /** When the last of them is sent at the latest, on the clock … */
  private lastUntil = -Infinity;
  /** … and all of them, because one of them may not wait as long as those before it. */
  private allUntil = Infinity;
  private timer = Subscription.EMPTY;
  private prunedAt = FEW;
  private readonly longest: number;

  /** @param commandTimeout how long closing the connection waits for replies, ms */
  constructor(
    private readonly connection: Holding,
    commandTimeout: number,
  ) {
    this.longest = Math.min(LONGEST, commandTimeout * PART);
  }

  get count(): number {
    return this.held.length;
  }

  hold(request: Request): void {
    if (this.held.length >= this.prunedAt * 2) {
      this.held = this.held.filter(({ abandoned }) => !abandoned);
      this.prunedAt = Math.max(FEW, this.held.length);
    }
    const { clock } = this.connection;
    const longest = Math.min(this.longest, request.context.commandTimeout * PART);
    const until = clock.now() + longest;
    if (until < Math.min(this.lastUntil, this.allUntil)) {
      this.allUntil = until;
      this.timer.unsubscribe();
      this.timer = clock.schedule(() => this.letOut(), longest);
    }
    this.lastUntil = Math.max(this.lastUntil, until);
    this.held.push(request);
    this.connection.submitHeld(request, longest);
  }

  letOut(): void {
    this.lastUntil = -Infinity;
    this.allUntil = Infinity;
    this.timer.unsubscribe();
    if (this.held.length > 0) this.connection.line.release(this.held.splice(0));
  }
}
